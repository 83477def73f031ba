#include "vmm_delegate/initiator/iscsi_connection.h"

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "common/text.h"
#include "vmm_delegate/initiator/iscsi_names.h"

namespace vbs::vmm_delegate {
namespace {

/// libiscsi has time-outs and retries of its own that only its event loop notices.
constexpr int kPollSliceMs = 100;

int milliseconds_left(MonotonicTime deadline) {
  const auto left = std::chrono::ceil<Milliseconds>(deadline - SystemClock().monotonic()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, kPollSliceMs));
}

void complete(iscsi_context*, int status, void*, void* completion) {
  auto* target = static_cast<IscsiCompletion*>(completion);
  // The connect callback comes again when the connection is torn down; the first word stands.
  if (target->done) return;
  target->done = true;
  target->status = status;
}

}  // namespace

IscsiConnection::IscsiConnection(const std::string& initiator, const std::string& target,
                                 MonotonicTime deadline)
    : context_(::iscsi_create_context(initiator.c_str())), deadline_(deadline) {
  if (context_ == nullptr) return;
  ::iscsi_set_noautoreconnect(context_, 1);
  ::iscsi_set_reconnect_max_retries(context_, 0);
  ::iscsi_set_header_digest(context_, ISCSI_HEADER_DIGEST_NONE);
  ::iscsi_set_session_type(context_,
                           target.empty() ? ISCSI_SESSION_DISCOVERY : ISCSI_SESSION_NORMAL);
  if (!target.empty()) ::iscsi_set_targetname(context_, target.c_str());
}

IscsiConnection::~IscsiConnection() {
  if (context_ != nullptr) ::iscsi_destroy_context(context_);
}

std::string IscsiConnection::last_error() const {
  const char* text = ::iscsi_get_error(context_);
  return to_utf8(text == nullptr ? "" : text);
}

Result<void> IscsiConnection::run(const IscsiCompletion& completion) {
  while (!completion.done) {
    const int wait = milliseconds_left(deadline_);
    if (wait == 0) return fail(ErrorCode::node_unavailable, "no answer in time");
    const int events = ::iscsi_which_events(context_);
    pollfd entry{::iscsi_get_fd(context_), static_cast<short>(events), 0};
    const int ready = ::poll(&entry, events == 0 ? 0 : 1, wait);
    if (ready < 0 && errno != EINTR) return fail(ErrorCode::internal, "poll: " + errno_text(errno));
    if (ready <= 0) continue;
    if (::iscsi_service(context_, entry.revents) < 0 && !completion.done) {
      return fail(ErrorCode::node_unavailable, last_error());
    }
  }
  return {};
}

Result<void> IscsiConnection::connect(const std::string& portal) {
  if (context_ == nullptr) return fail(ErrorCode::internal, "libiscsi: out of memory");
  if (const auto numeric = split_portal(portal); !numeric) return fail(numeric.error());
  if (::iscsi_connect_async(context_, portal.c_str(), complete, connected_.get()) != 0) {
    return fail(ErrorCode::node_unavailable, last_error());
  }
  if (auto served = run(*connected_); !served) return served;
  if (connected_->status == SCSI_STATUS_GOOD) return {};
  return fail(ErrorCode::node_unavailable, last_error());
}

Result<void> IscsiConnection::log_in() {
  if (::iscsi_login_async(context_, complete, logged_in_.get()) != 0) {
    return fail(ErrorCode::node_unavailable, last_error());
  }
  if (auto served = run(*logged_in_); !served) return served;
  if (logged_in_->status == SCSI_STATUS_GOOD) return {};
  // libiscsi keeps the login status (RFC 7143, section 11.13.5) only inside its text.
  const std::string text = last_error();
  if (text.find("(513)") != std::string::npos || text.find("(514)") != std::string::npos) {
    return fail(ErrorCode::forbidden, text);
  }
  if (text.find("(515)") != std::string::npos) return fail(ErrorCode::not_found, text);
  return fail(ErrorCode::node_unavailable, text);
}

void IscsiConnection::log_out() {
  if (::iscsi_logout_async(context_, complete, logged_out_.get()) != 0) return;
  // Best effort: the session ends with the connection anyway.
  static_cast<void>(run(*logged_out_));
}

}  // namespace vbs::vmm_delegate
