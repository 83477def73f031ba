#include "common/http/connection.h"
#include "common/http/problem_status.h"

namespace vbs::http {

namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
/// Buffers above this are given back after an answer.
constexpr std::size_t kKeepHead = 4 * 1024;

unsigned status_of(Fault fault) {
  switch (fault) {
    case Fault::header_too_large:
      return 431;
    case Fault::body_too_large:
      return 413;
    case Fault::malformed:
    case Fault::none:
      break;
  }
  return 400;
}

}  // namespace

void Connection::refuse(const Verdict& verdict) {
  const ErrorCode code =
      verdict.fault == Fault::malformed ? ErrorCode::invalid_request : ErrorCode::request_too_large;
  refuse(status_of(verdict.fault), Error{code, verdict.reason, {}, {}, {}});
}

/// After a refusal it is not known where the next request would start, or it is not wanted: close.
void Connection::refuse(unsigned status, Error error) {
  shard_.state().requests_rejected.fetch_add(1, std::memory_order_relaxed);
  if (request_id_.empty()) request_id_ = shard_.next_request_id();
  persistence_ = Persistence::close;
  send(problem_with_status(error, status));
}

/// True when it is sent and reading goes on; else that happens once it is sent.
bool Connection::write_continue() {
  const Stream::Parts parts = {boost::asio::buffer(kContinue), boost::asio::const_buffer()};
  boost::system::error_code ec;
  const std::size_t sent = stream_.write_now(parts, ec);
  if (ec && ec != boost::asio::error::would_block) {
    close();
    return false;
  }
  if (sent == kContinue.size()) return true;
  stream_.write({parts[0] + sent, parts[1]},
                [self = shared_from_this()](const boost::system::error_code& failed, std::size_t) {
                  if (self->phase_ == Phase::closed) return;
                  if (failed) {
                    self->close();
                    return;
                  }
                  self->read();
                });
  return false;
}

void Connection::send(Response response) {
  phase_ = Phase::sending;
  set_deadline(options().request_timeout);
  const bool outdated = stream_.is_outdated(options().tls.get());
  if (shard_.draining() || outdated) persistence_ = Persistence::close;
  out_head_.clear();
  append_head(out_head_, response, ResponseContext{persistence_, shard_.date(), request_id_});
  if (is_head_ || has_no_body(response.status)) {
    out_body_.clear();
  } else {
    out_body_ = std::move(response.body);
  }
  // Most answers fit the socket's buffer: one system call, and no operation to queue.
  const Stream::Parts parts = {boost::asio::buffer(out_head_), boost::asio::buffer(out_body_)};
  boost::system::error_code ec;
  const std::size_t sent = stream_.write_now(parts, ec);
  if (ec && ec != boost::asio::error::would_block) {
    close();
    return;
  }
  if (sent == out_head_.size() + out_body_.size()) {
    on_sent();
    return;
  }
  send_rest(sent);
}

void Connection::send_rest(std::size_t sent) {
  const std::size_t of_head = std::min(sent, out_head_.size());
  const std::size_t of_body = sent - of_head;
  if (!hold(out_head_.size() + out_body_.size() - sent)) return;
  const Stream::Parts rest = {boost::asio::buffer(out_head_) + of_head,
                              boost::asio::buffer(out_body_) + of_body};
  stream_.write(rest,
                [self = shared_from_this()](const boost::system::error_code& ec, std::size_t) {
                  if (self->phase_ == Phase::closed) return;
                  if (ec) {
                    self->close();
                    return;
                  }
                  self->on_sent();
                });
}

void Connection::on_sent() {
  shard_.line().hold(place_, 0);
  out_body_.clear();
  if (out_body_.capacity() > kKeepHead) out_body_.shrink_to_fit();
  if (out_head_.capacity() > kKeepHead) out_head_.shrink_to_fit();
  if (persistence_ == Persistence::close || shard_.draining()) {
    linger();
  } else {
    next();
  }
}

}  // namespace vbs::http
