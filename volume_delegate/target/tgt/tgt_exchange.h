#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"

namespace vbs::volume_delegate {

/// One connection to tgtd's control socket, within a limit for the whole of it. Calls block.
/// Errors: node_unavailable (nothing listens), timeout (no answer in time, or the connection
/// broke).
class TgtExchange {
 public:
  /// `socket` must outlive the exchange.
  TgtExchange(const std::string& socket, Milliseconds limit)
      : socket_(socket), deadline_(std::chrono::steady_clock::now() + limit) {}

  Result<void> connect();
  Result<void> send(const void* data, std::size_t size);
  /// Exactly so many bytes.
  Result<void> receive(void* data, std::size_t size);

 private:
  Result<void> wait(short events);
  Result<void> silent() const;
  Result<void> broken(const std::string& why) const;

  const std::string& socket_;
  const std::chrono::steady_clock::time_point deadline_;
  FileDescriptor fd_;
};

}  // namespace vbs::volume_delegate
