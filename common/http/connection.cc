#include "common/http/connection.h"

#include <boost/asio/post.hpp>
#include <exception>

#include "common/http/exchange.h"
#include "common/http/text.h"
#include "common/log.h"

namespace vbs::http {

namespace {

constexpr std::size_t kReadSize = 4 * 1024;
constexpr std::size_t kBodyReadSize = 32 * 1024;
/// A connection that waits keeps at most this much buffer.
constexpr std::size_t kIdleBuffer = 4 * 1024;

}  // namespace

void Connection::begin_request() {
  phase_ = Phase::waiting;
  parser_.emplace(ParserLimits{options().header_limit, options().body_limit});
  head_accepted_ = false;
  head_size_ = 0;
  is_head_ = false;
  persistence_ = Persistence::close;
  request_id_.clear();
}

void Connection::set_deadline(Milliseconds from_now) {
  deadline_ = std::chrono::steady_clock::now() + from_now;
}

std::string_view Connection::buffered() const {
  const auto data = buffer_.data();
  return {static_cast<const char*>(data.data()), data.size()};
}

void Connection::read() {
  const auto room = buffer_.prepare(head_accepted_ ? kBodyReadSize : kReadSize);
  stream_.read_some(
      room, [self = shared_from_this()](const boost::system::error_code& ec, std::size_t bytes) {
        if (self->phase_ == Phase::closed) return;
        if (ec) {
          self->close();
          return;
        }
        self->on_read(bytes);
      });
}

void Connection::on_read(std::size_t bytes) {
  buffer_.commit(bytes);
  consume();
}

/// Empty lines before a request are ignored (RFC 9112, section 2.2). False while more bytes are
/// needed to tell.
bool Connection::skip_empty_lines() {
  while (buffered().starts_with("\r\n")) buffer_.consume(2);
  return !buffered().empty() && buffered() != "\r";
}

void Connection::consume() {
  if (phase_ == Phase::closed) return;
  if (phase_ == Phase::waiting) {
    phase_ = Phase::receiving;
    set_deadline(options().request_timeout);
    get_on();
  }
  if (!parser_->head_done() && !skip_empty_lines()) {
    read();
    return;
  }
  std::size_t used = 0;
  do {
    const bool in_head = !parser_->head_done();
    used = parser_->feed(buffered());
    if (in_head) head_size_ = used;
    buffer_.consume(used);
    if (!parser_->verdict().ok()) {
      refuse(parser_->verdict());
      return;
    }
    if (parser_->head_done() && !head_accepted_ && !accept_head()) return;
    // A head is kept as it came and, in part, decoded.
    const std::size_t held = 2 * head_size_ + parser_->body_size() + buffered().size();
    if (!parser_->done() && !hold(held)) return;
  } while (used > 0 && !parser_->done());
  if (parser_->done()) {
    dispatch();
    return;
  }
  read();
}

/// Looks at a complete head; false when the request was refused.
bool Connection::accept_head() {
  head_accepted_ = true;
  const auto id = parser_->headers().find("X-Request-Id");
  if (id && is_request_id(*id)) request_id_ = *id;
  is_head_ = parser_->method() == Method::head;
  auto target = parse_target(parser_->target());
  if (!target) {
    refuse(400, target.error());
    return false;
  }
  if (target->path == "*" && parser_->method() != Method::options) {
    refuse(400, Error{ErrorCode::invalid_request, "'*' is a target for OPTIONS only", {}, {}, {}});
    return false;
  }
  path_ = std::move(target->path);
  query_ = std::move(target->query);
  if (parser_->keep_alive()) {
    persistence_ = parser_->http11() ? Persistence::keep_alive : Persistence::keep_alive_http10;
  }
  const auto expect = parser_->headers().find("Expect");
  if (expect && parser_->http11()) {
    if (!equal_ignoring_case(*expect, "100-continue")) {
      refuse(417, Error{ErrorCode::invalid_request, "unknown expectation", {}, {}, {}});
      return false;
    }
    // The rest of the request is read once the client knows that it may send it.
    if (!parser_->done() && buffered().empty() && !write_continue()) return false;
  }
  return true;
}

void Connection::get_on() {
  shard_.line().enter(place_);
  shard_.make_room();
}

/// Notes what is held for this connection now; false when it had to go for that.
bool Connection::hold(std::size_t bytes) {
  shard_.line().hold(place_, bytes);
  shard_.make_room();
  return phase_ != Phase::closed;
}

void Connection::dispatch() {
  ServerState& state = shard_.state();
  state.requests_total.fetch_add(1, std::memory_order_relaxed);
  phase_ = Phase::handling;
  deadline_ = TimePoint::max();
  if (request_id_.empty()) request_id_ = shard_.next_request_id();
  auto exchange = Exchange::begin(shard_, weak_from_this(),
                                  has_path_prefix(path_, state.options.priority_prefix));
  if (!exchange) {
    state.requests_rejected.fetch_add(1, std::memory_order_relaxed);
    send(problem(
        Error{ErrorCode::overloaded, "too many requests at once; try again later", {}, {}, {}}));
    return;
  }
  shard_.line().leave(place_);
  Request request = parser_->take();
  request.path = std::move(path_);
  request.query = std::move(query_);
  request.peer = peer_;
  request.identity = identity_;
  request.id = request_id_;
  try {
    state.handler(std::move(request), Exchange::responder(std::move(exchange)));
  } catch (const std::exception& thrown) {
    // The Responder died with the handler's arguments, which answered 500.
    log::error("a request handler threw", {{"request", request_id_}, {"what", thrown.what()}});
  }
}

void Connection::answer(Response response) {
  if (phase_ != Phase::handling) return;
  get_on();
  if (!is_sendable(response)) {
    log::error("a handler's answer cannot be sent: status or a header field is malformed",
               {{"request", request_id_}, {"status", std::int64_t{response.status}}});
    response = problem(Error{ErrorCode::internal, "the answer was malformed", {}, {}, {}});
  }
  send(std::move(response));
}

void Connection::next() {
  const bool more = !buffered().empty();
  begin_request();
  if (!more) {
    if (buffer_.capacity() > kIdleBuffer) buffer_.shrink_to_fit();
    set_deadline(options().idle_timeout);
    read();
    return;
  }
  // Pipelined. Through the queue, so that one client neither nests calls nor keeps others waiting.
  set_deadline(options().request_timeout);
  boost::asio::post(shard_.context(), [self = shared_from_this()] { self->consume(); });
}

}  // namespace vbs::http
