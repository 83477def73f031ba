#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/error.h"
#include "vmm_delegate/hypervisor/unix_socket.h"

namespace vbs::vmm_delegate {

/// A conversation with xenstored, Xen's tree of what domains have, through its UNIX socket. The
/// messages are those of docs/misc/xenstore.txt and xen/include/public/io/xs_wire.h of Xen 4.17,
/// unchanged since Xen 3.0. Not thread-safe. Errors: node_unavailable (xenstored does not run),
/// timeout, internal (an answer that makes no sense, or a refusal).
class Xenstore {
 public:
  /// All that is asked in this conversation has to be answered within `limit`.
  static Result<Xenstore> connect(const std::string& socket, Milliseconds limit);

  /// Nothing where there is no such node.
  Result<std::optional<std::string>> read(const std::string& path);
  /// The names below a node, in xenstored's order; none where there is no such node.
  Result<std::vector<std::string>> list(const std::string& path);

 private:
  Xenstore(UnixSocket socket, MonotonicTime deadline);
  /// Nothing where xenstored answers ENOENT.
  Result<std::optional<std::string>> ask(std::uint32_t type, const std::string& path);
  Result<std::string> take(std::size_t bytes);

  UnixSocket socket_;
  MonotonicTime deadline_;
  std::uint32_t request_ = 0;
  std::string buffer_;
};

}  // namespace vbs::vmm_delegate
