#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vmm_delegate/hypervisor/hypervisor.h"
#include "vmm_delegate/hypervisor/line_socket.h"

namespace vbs::vmm_delegate {

/// One connection to the agent in a guest (qemu-ga, "QEMU Guest Agent Protocol Reference"). The
/// guest is not trusted: answers are bounded in size, depth and time. Errors: those of LineSocket;
/// conflict with the agent's text when it refuses; internal when its answer is not understood.
class GuestAgent {
 public:
  struct Limits {
    Milliseconds sync{1'000};  ///< connect and first answer: whether an agent is there
    Milliseconds exchange{2'000};
    Milliseconds freeze{5'000};  ///< flushing the guest's file systems
    std::size_t line_bytes = 1024 * 1024;
  };

  /// Connects and knocks, without waiting for an answer: an agent to which nobody was connected
  /// looks for company only every 100 ms.
  static Result<GuestAgent> knock(const std::string& path, const Limits& limits);
  /// Waits for the answer, so that what is read next answers what was asked on this connection.
  Result<void> synchronise();

  Result<FileFreeze> freeze_files();
  Result<void> thaw_files();
  /// The disk with this serial; nothing when the guest shows none.
  Result<std::optional<GuestDisk>> disk(std::string_view serial);
  /// The same, from the list of mounted file systems alone; nothing when none is on the disk.
  Result<std::optional<GuestDisk>> mounted_disk(std::string_view serial);

 private:
  GuestAgent(LineSocket socket, const Limits& limits);
  Result<json::Value> execute(std::string_view command, Milliseconds limit);

  LineSocket socket_;
  Limits limits_;
  std::int64_t token_ = 0;  ///< of the knock
};

}  // namespace vbs::vmm_delegate
