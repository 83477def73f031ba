#pragma once

#include "common/error.h"
#include "common/ids.h"

namespace vbs::vmm_delegate {

/// Somebody outside this process who ends a freeze when its lease runs out, whatever happens to the
/// delegate. Thread-safe.
class LeaseHelper {
 public:
  virtual ~LeaseHelper() = default;
  /// Returns once the freeze, whose record must be there, is being watched. Again is harmless.
  virtual Result<void> arm(const Uuid& freeze) = 0;
  virtual bool armed(const Uuid& freeze) = 0;
};

}  // namespace vbs::vmm_delegate
