#include "vmm_delegate/hypervisor/xen/xenstore.h"

#include <cstring>

#include "common/text.h"

namespace vbs::vmm_delegate {
namespace {

constexpr std::uint32_t kDirectory = 1;
constexpr std::uint32_t kRead = 2;
constexpr std::uint32_t kError = 16;
constexpr std::size_t kMaxPayload = 4096;  // XENSTORE_PAYLOAD_MAX

/// struct xsd_sockmsg. Both ends are on one machine, so the integers are in its own byte order.
struct Header {
  std::uint32_t type = 0;
  std::uint32_t request = 0;
  std::uint32_t transaction = 0;
  std::uint32_t length = 0;  // of what follows
};
static_assert(sizeof(Header) == 16);

std::string message_of(const Header& header, std::string_view payload) {
  std::string bytes(sizeof(header), '\0');
  std::memcpy(bytes.data(), &header, sizeof(header));
  return bytes.append(payload);
}

Error told(Error error) {
  if (error.code == ErrorCode::not_found) error.code = ErrorCode::node_unavailable;
  error.message = "xenstored: " + error.message;
  return error;
}

}  // namespace

Xenstore::Xenstore(UnixSocket socket, MonotonicTime deadline)
    : socket_(std::move(socket)), deadline_(deadline) {}

Result<Xenstore> Xenstore::connect(const std::string& socket, Milliseconds limit) {
  const MonotonicTime deadline = deadline_in(limit);
  auto connected = UnixSocket::connect(socket, deadline);
  if (!connected) {
    Error error = told(connected.error());
    error.message += " (" + socket + ")";
    return fail(std::move(error));
  }
  return Xenstore(*std::move(connected), deadline);
}

Result<std::string> Xenstore::take(std::size_t bytes) {
  while (buffer_.size() < bytes) {
    if (auto got = socket_.receive(buffer_, deadline_); !got) return fail(told(got.error()));
  }
  std::string taken = buffer_.substr(0, bytes);
  buffer_.erase(0, bytes);
  return taken;
}

Result<std::optional<std::string>> Xenstore::ask(std::uint32_t type, const std::string& path) {
  const std::string payload = path + '\0';
  const Header question{type, ++request_, 0, static_cast<std::uint32_t>(payload.size())};
  auto sent = socket_.send(message_of(question, payload), deadline_);
  if (!sent) return fail(told(sent.error()));
  const auto head = take(sizeof(Header));
  if (!head) return fail(head.error());
  Header answer;
  std::memcpy(&answer, head->data(), sizeof(answer));
  // Nothing is watched, so that whatever comes answers what was asked last.
  if (answer.request != request_ || answer.length > kMaxPayload ||
      (answer.type != type && answer.type != kError)) {
    return fail(ErrorCode::internal, "xenstored gave an answer that makes no sense");
  }
  auto body = take(answer.length);
  if (!body) return fail(body.error());
  if (answer.type == type) return std::optional(*std::move(body));
  const std::string reason = body->c_str();
  if (reason == "ENOENT") return std::optional<std::string>();
  return fail(ErrorCode::internal, "xenstored refused to read " + path + ": " + quote(reason));
}

Result<std::optional<std::string>> Xenstore::read(const std::string& path) {
  return ask(kRead, path);
}

Result<std::vector<std::string>> Xenstore::list(const std::string& path) {
  const auto answer = ask(kDirectory, path);
  if (!answer) return fail(answer.error());
  std::vector<std::string> names;
  if (!*answer) return names;
  // Each name ends with a NUL.
  std::string_view rest = **answer;
  while (!rest.empty()) {
    const auto end = rest.find('\0');
    if (end == std::string_view::npos) {
      return fail(ErrorCode::internal, "xenstored gave a list that does not end");
    }
    names.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return names;
}

}  // namespace vbs::vmm_delegate
