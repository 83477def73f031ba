#include "volume_delegate/target/tgt/tgt_control.h"

#include <sys/un.h>

#include "common/units.h"
#include "volume_delegate/target/tgt/tgt_exchange.h"

namespace vbs::volume_delegate {
namespace {

// The message layout and the numbers are those of tgt 1.0.85: usr/tgtadm.h (struct tgtadm_req,
// struct tgtadm_rsp, the enums of modes and operations), usr/tgtadm_error.h, and for the text
// after the header usr/mgmt.c (https://github.com/fujita/tgt). Both ends are on one machine, so
// the integers are in its own byte order.
constexpr std::size_t kDriverName = 64;
constexpr std::uint64_t kNoLun = UINT64_MAX;
constexpr std::size_t kMaxParams = 8 * kKiB;  // tgtd drops the connection above this
constexpr std::size_t kMaxReport = 64 * kMiB;

enum class Mode : std::uint32_t { target = 1, unit = 2, portal = 3, connection = 6, account = 7 };
enum class Op : std::uint32_t { make = 0, remove = 1, show = 2, bind = 3, unbind = 4, update = 5 };

struct RequestHeader {
  Mode mode{};
  Op op{};
  char driver[kDriverName] = "iscsi";
  std::uint32_t length = 0;  // header and text
  std::int32_t tid = -1;
  std::uint64_t sid = 0;
  std::uint64_t lun = kNoLun;
  std::uint32_t cid = 0;
  std::uint32_t host = 0;
  std::uint32_t device_type = 0;        // disk
  std::uint32_t account_direction = 0;  // incoming: the initiator proves itself
  std::uint32_t pack = 0;
  std::uint32_t force = 0;
};
static_assert(sizeof(RequestHeader) == 120, "struct tgtadm_req of tgt 1.0.85 on 64-bit machines");

struct ResponseHeader {
  std::uint32_t error = 0;
  std::uint32_t length = 0;  // header and text
};
static_assert(sizeof(ResponseHeader) == 8);

struct Refusal {
  ErrorCode code;
  const char* text;
};

Refusal refusal_of(std::uint32_t number) {
  switch (number) {
    case 2:
      return {ErrorCode::internal, "out of memory"};
    case 3:
      return {ErrorCode::internal, "its iSCSI driver did not start"};
    case 4:
      return {ErrorCode::not_found, "no such target"};
    case 5:
      return {ErrorCode::not_found, "no such logical unit"};
    case 6:
      return {ErrorCode::not_found, "no such session"};
    case 7:
      return {ErrorCode::not_found, "no such connection"};
    case 9:
      return {ErrorCode::already_exists, "the target exists"};
    case 10:
      return {ErrorCode::already_exists, "the logical unit exists"};
    case 12:
      return {ErrorCode::already_exists, "the access rule exists"};
    case 13:
      return {ErrorCode::not_found, "no such access rule"};
    case 14:
      return {ErrorCode::already_exists, "the account exists"};
    case 15:
      return {ErrorCode::not_found, "no such account"};
    case 17:
      return {ErrorCode::internal, "invalid request"};
    case 19:
      return {ErrorCode::conflict, "the target has sessions"};
    case 20:
      return {ErrorCode::conflict, "the logical unit has commands in flight"};
    default:
      return {ErrorCode::internal, "error number not known here"};
  }
}

}  // namespace

struct TgtControl::Request {
  const char* what = "";  // for messages
  RequestHeader header;
  Secret params = Secret();  // a Secret because accounts carry one

  Request(const char* purpose, Mode mode, Op op) : what(purpose) {
    header.mode = mode;
    header.op = op;
  }
  Request&& target(std::uint32_t tid) && {
    header.tid = static_cast<std::int32_t>(tid);
    return std::move(*this);
  }
  Request&& unit(std::uint64_t lun) && {
    header.lun = lun;
    return std::move(*this);
  }
  Request&& text(std::string params_text) && {
    params = Secret(std::move(params_text));
    return std::move(*this);
  }
};

TgtControl::TgtControl(std::string socket, Milliseconds limit)
    : socket_(std::move(socket)), limit_(limit) {}

Result<std::string> TgtControl::socket_path(const std::string& base, int port) {
  const std::string path = base + "." + std::to_string(port);
  constexpr std::size_t kLimit = sizeof(sockaddr_un::sun_path) - 1;
  if (path.size() > kLimit) {
    return fail(ErrorCode::invalid_field,
                "tgtd's control socket would be " + path + ", which has " +
                    std::to_string(path.size()) + " bytes; a socket's path has at most " +
                    std::to_string(kLimit) + ". Choose a shorter state_dir");
  }
  return path;
}

Result<std::string> TgtControl::call(const Request& request) {
  // tgtd reads the text as a C string, so its terminating zero has to be sent along.
  const std::string& text = request.params.reveal();
  RequestHeader header = request.header;
  const std::size_t text_size = text.empty() ? 0 : text.size() + 1;
  if (text_size > kMaxParams) return fail(ErrorCode::internal, "request to tgtd is too long");
  header.length = static_cast<std::uint32_t>(sizeof(header) + text_size);

  TgtExchange exchange(socket_, limit_);
  ResponseHeader answer;
  if (auto ok = exchange.connect(); !ok) return fail(ok.error());
  if (auto ok = exchange.send(&header, sizeof(header)); !ok) return fail(ok.error());
  if (auto ok = exchange.send(text.c_str(), text_size); !ok) return fail(ok.error());
  if (auto ok = exchange.receive(&answer, sizeof(answer)); !ok) return fail(ok.error());
  if (answer.error != 0) {
    const Refusal refusal = refusal_of(answer.error);
    return fail(refusal.code, "tgtd did not " + std::string(request.what) + ": " + refusal.text +
                                  " (" + std::to_string(answer.error) + ")");
  }
  if (answer.length < sizeof(answer) || answer.length > kMaxReport) {
    return fail(ErrorCode::timeout, "tgtd on " + socket_ + " announced an answer of " +
                                        std::to_string(answer.length) + " bytes");
  }
  std::string report(answer.length - sizeof(answer), '\0');
  if (auto ok = exchange.receive(report.data(), report.size()); !ok) return fail(ok.error());
  while (!report.empty() && report.back() == '\0') report.pop_back();
  return report;
}

Result<void> TgtControl::act(const Request& request) {
  if (auto answer = call(request); !answer) return fail(answer.error());
  return {};
}

Result<std::string> TgtControl::show_targets() {
  return call(Request("show its targets", Mode::target, Op::show));
}

Result<std::string> TgtControl::show_portals() {
  return call(Request("show its portals", Mode::portal, Op::show));
}

Result<void> TgtControl::new_target(std::uint32_t tid, std::string_view iqn) {
  return act(Request("make a target", Mode::target, Op::make)
                 .target(tid)
                 .text("targetname=" + std::string(iqn)));
}

Result<void> TgtControl::delete_target(std::uint32_t tid, bool force) {
  Request request("delete a target", Mode::target, Op::remove);
  request.header.force = force ? 1 : 0;
  return act(std::move(request).target(tid));
}

Result<void> TgtControl::new_lun(std::uint32_t tid, std::uint64_t lun, std::string_view path) {
  return act(Request("make a logical unit", Mode::unit, Op::make)
                 .target(tid)
                 .unit(lun)
                 .text("path=" + std::string(path) + ",bstype=rdwr"));
}

Result<void> TgtControl::update_lun(std::uint32_t tid, std::uint64_t lun, std::string_view params) {
  return act(Request("set up a logical unit", Mode::unit, Op::update)
                 .target(tid)
                 .unit(lun)
                 .text("targetOps " + std::string(params) + ","));
}

Result<void> TgtControl::delete_lun(std::uint32_t tid, std::uint64_t lun) {
  return act(Request("delete a logical unit", Mode::unit, Op::remove).target(tid).unit(lun));
}

Result<void> TgtControl::new_account(std::string_view user, const Secret& secret) {
  return act(Request("make an account", Mode::account, Op::make)
                 .text("user=" + std::string(user) + ",password=" + secret.reveal()));
}

Result<void> TgtControl::delete_account(std::string_view user) {
  return act(
      Request("delete an account", Mode::account, Op::remove).text("user=" + std::string(user)));
}

Result<void> TgtControl::bind_account(std::uint32_t tid, std::string_view user) {
  return act(Request("bind an account", Mode::account, Op::bind)
                 .target(tid)
                 .text("user=" + std::string(user)));
}

Result<void> TgtControl::unbind_account(std::uint32_t tid, std::string_view user) {
  return act(Request("unbind an account", Mode::account, Op::unbind)
                 .target(tid)
                 .text("user=" + std::string(user)));
}

Result<void> TgtControl::allow_initiator(std::uint32_t tid, std::string_view iqn) {
  return act(Request("allow an initiator", Mode::target, Op::bind)
                 .target(tid)
                 .text("initiator-name=" + std::string(iqn)));
}

Result<void> TgtControl::remove_rule(std::uint32_t tid, std::string_view rule) {
  const bool is_name =
      rule.starts_with("iqn.") || rule.starts_with("eui.") || rule.starts_with("naa.");
  return act(Request("remove an access rule", Mode::target, Op::unbind)
                 .target(tid)
                 .text((is_name ? "initiator-name=" : "initiator-address=") + std::string(rule)));
}

Result<void> TgtControl::close_connection(std::uint32_t tid, std::uint64_t sid, std::uint32_t cid) {
  Request request("close a connection", Mode::connection, Op::remove);
  request.header.sid = sid;
  request.header.cid = cid;
  return act(std::move(request).target(tid));
}

}  // namespace vbs::volume_delegate
