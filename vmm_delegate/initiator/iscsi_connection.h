#pragma once

#include <memory>
#include <string>

#include "common/clock.h"
#include "common/error.h"

struct iscsi_context;

namespace vbs::vmm_delegate {

/// What a finished libiscsi request left behind. libiscsi calls back with plain pointers, so it is
/// kept at one address until the connection is gone.
struct IscsiCompletion {
  bool done = false;
  int status = 0;
};

/// One libiscsi context with a deadline for all that is done on it: connects, logs in (as a normal
/// session to `target`, or as a discovery session when that is empty). Not thread-safe.
class IscsiConnection {
 public:
  IscsiConnection(const std::string& initiator, const std::string& target, MonotonicTime deadline);
  ~IscsiConnection();
  IscsiConnection(const IscsiConnection&) = delete;
  IscsiConnection& operator=(const IscsiConnection&) = delete;

  iscsi_context* context() { return context_; }
  Result<void> connect(const std::string& portal);
  Result<void> log_in();
  /// Ends the session in an orderly way if there is time for it.
  void log_out();
  /// Serves the socket until the completion is done; the completion must outlive this object.
  Result<void> run(const IscsiCompletion& completion);
  /// libiscsi's own words for its last failure.
  std::string last_error() const;

 private:
  iscsi_context* context_;
  MonotonicTime deadline_;
  // On the heap: libiscsi may call back while the context is destroyed.
  std::unique_ptr<IscsiCompletion> connected_ = std::make_unique<IscsiCompletion>();
  std::unique_ptr<IscsiCompletion> logged_in_ = std::make_unique<IscsiCompletion>();
  std::unique_ptr<IscsiCompletion> logged_out_ = std::make_unique<IscsiCompletion>();
};

}  // namespace vbs::vmm_delegate
