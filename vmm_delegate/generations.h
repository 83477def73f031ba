#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "common/clock.h"
#include "common/error.h"
#include "common/ids.h"

namespace vbs::vmm_delegate {

/// What an order wants of an attachment.
enum class Order { make, remove };

/// The highest generation seen for each attachment, so that an order that was overtaken on its way
/// is refused. One small file an attachment in one folder ({"generation", "removed_at_ms"}): it
/// outlives the program and, for a week, the attachment. Thread-safe; checking an order and
/// carrying it out must happen under one lock of the attachment.
class Generations {
 public:
  /// Reads what is there. A file that cannot be understood is an error: guessing could let an old
  /// order through.
  static Result<std::unique_ptr<Generations>> open(std::string folder, Clock& clock);

  /// Notes the order durably, or refuses it with stale_generation: an older one than the newest,
  /// and one of the same generation that would make anew what has been removed.
  Result<void> accept(const Uuid& attachment, std::int64_t generation, Order order);
  /// Notes that the last order, which was to remove it, has been carried out.
  Result<void> removed(const Uuid& attachment);
  /// Whether the last order of all has removed it.
  bool is_removed(const Uuid& attachment);
  /// Forgets attachments removed more than a week ago.
  Result<void> prune();

 private:
  struct Seen {
    std::int64_t generation = 0;
    std::int64_t removed_at_ms = 0;  ///< wall clock; 0 while it was not removed
  };

  Generations(std::string folder, Clock& clock);
  Result<void> load();
  Result<void> save(const Uuid& attachment, const Seen& seen);
  std::string path_of(const Uuid& attachment) const;

  const std::string folder_;
  Clock& clock_;
  std::mutex mutex_;
  std::map<Uuid, Seen> seen_;
};

}  // namespace vbs::vmm_delegate
