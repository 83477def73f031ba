#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/json.h"
#include "vmm_delegate/hypervisor/line_socket.h"

namespace vbs::vmm_delegate {

/// Writes the members of a command's arguments.
using Arguments = std::function<void(json::Writer&)>;

/// A member that is a text; "" for anything else.
std::string text_of(const json::Value& value, std::string_view key);

struct Question {
  std::string_view command;
  Arguments arguments = {};
};

/// `{"execute": command, "arguments": {...}, "id": id}` and a line end.
std::string command_line(std::string_view command, const Arguments& arguments, std::int64_t id);

/// One connection to QEMU's machine protocol (QMP, "qmp-spec" in QEMU's documentation). QEMU serves
/// one client at a time: the next waits for its greeting, so a connection is made for one request
/// and dropped. After an error the connection is not used again.
///
/// Errors: those of LineSocket; conflict with QEMU's text when it refuses a command; not_found when
/// QEMU knows no such device; internal when its answer is not understood.
class Qmp {
 public:
  struct Limits {
    Milliseconds greeting{2'000};  ///< connect to greeting: another client may be served
    Milliseconds exchange{2'000};  ///< one command
    std::size_t line_bytes = 8 * 1024 * 1024;  ///< one answer
  };

  static Result<Qmp> connect(const std::string& path, const Limits& limits);

  Result<json::Value> execute(std::string_view command, const Arguments& arguments = {});
  Result<json::Value> execute(std::string_view command, const Arguments& arguments,
                              Milliseconds limit);
  /// Asks several things at once, which costs QEMU one turn; the answers in the same order. The
  /// first error is that of the whole, and comes when all is answered.
  Result<std::vector<json::Value>> ask(const std::vector<Question>& questions);
  /// Waits for DEVICE_DELETED of this device id; false when it did not come in time.
  Result<bool> wait_deleted(std::string_view device, Milliseconds limit);

 private:
  Result<json::Value> answer_to(std::string_view command, std::int64_t id, MonotonicTime deadline);
  Qmp(LineSocket socket, const Limits& limits);
  /// The next message that is no event; events are kept for `wait_deleted`.
  Result<json::Value> next_answer(MonotonicTime deadline);
  Result<json::Value> read_message(MonotonicTime deadline);
  void keep_event(const json::Value& event);
  bool take_deleted(std::string_view device);

  LineSocket socket_;
  Limits limits_;
  std::int64_t last_id_ = 0;
  std::deque<std::string> deleted_;  ///< devices of DEVICE_DELETED events not yet asked for
};

}  // namespace vbs::vmm_delegate
