#include <algorithm>

#include "common/http/connection.h"
#include "common/log.h"

// How a connection begins, TLS handshake included, and how it ends.

namespace vbs::http {

namespace {

/// What a refused client may still send before the connection is cut; until then it can read why.
constexpr std::size_t kLingerBytes = 1024 * 1024;
constexpr std::size_t kLingerRead = 4 * 1024;
constexpr Milliseconds kLingerTime{1'000};
/// What OpenSSL and asio keep for a handshake, from the first moment on: 90 to 110 KiB were
/// measured.
constexpr std::size_t kHandshakeBytes = 128 * 1024;

std::string describe_peer(Socket& socket) {
  boost::system::error_code ec;
  const auto endpoint = socket.remote_endpoint(ec);
  if (ec) return "unknown";
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

}  // namespace

Connection::Connection(Shard& shard, Socket socket)
    : shard_(shard),
      stream_(std::move(socket), shard.state().options.tls.get()),
      peer_(describe_peer(stream_.socket())) {}

Connection::~Connection() {
  shard_.release_place();
}

void Connection::start() {
  boost::system::error_code ec;
  stream_.socket().set_option(boost::asio::ip::tcp::no_delay(true), ec);
  if (!ec) stream_.socket().non_blocking(true, ec);
  if (ec) {
    close();
    return;
  }
  get_on();
  begin_request();
  set_deadline(options().request_timeout);
  if (stream_.tls()) {
    secure();
  } else {
    read();
  }
}

/// The deadline set at the start holds until the first byte of a request.
void Connection::secure() {
  phase_ = Phase::securing;
  if (!hold(kHandshakeBytes)) return;
  stream_.tls()->accept([self = shared_from_this()](const boost::system::error_code& ec) {
    if (self->phase_ != Phase::closed) self->on_secured(ec);
  });
}

void Connection::on_secured(const boost::system::error_code& ec) {
  if (!ec) {
    identity_ = stream_.tls()->peer();
    shard_.line().hold(place_, 0);
    get_on();
    phase_ = Phase::waiting;
    read();
    return;
  }
  shard_.state().requests_rejected.fetch_add(1, std::memory_order_relaxed);
  report(ec);
  // The alert that says why must reach the client, which may have sent its request already.
  phase_ = Phase::lingering;
  set_deadline(std::min(kLingerTime, options().request_timeout));
  boost::system::error_code ignored;
  stream_.socket().shutdown(Socket::shutdown_send, ignored);
  discard();
}

void Connection::report(const boost::system::error_code& ec) {
  if (!shard_.state().refusals.due()) return;
  log::warning("a client was refused", {{"peer", peer_}, {"why", stream_.tls()->failure(ec)}});
}

void Connection::linger() {
  phase_ = Phase::lingering;
  parser_.reset();
  buffer_.clear();
  buffer_.shrink_to_fit();
  set_deadline(std::min(kLingerTime, options().request_timeout));
  stream_.finish_sending([self = shared_from_this()] {
    if (self->phase_ != Phase::closed) self->discard();
  });
}

/// Reads to the end what the client still sends, as it stands on the wire: closing on unread bytes
/// would reset the connection, and take the answer away from a client that has not read it.
void Connection::discard() {
  stream_.socket().async_read_some(
      buffer_.prepare(kLingerRead),
      [self = shared_from_this()](const boost::system::error_code& ec, std::size_t bytes) {
        if (self->phase_ == Phase::closed) return;
        self->lingered_ += bytes;
        if (ec || self->lingered_ > kLingerBytes) {
          self->close();
          return;
        }
        self->discard();
      });
}

void Connection::on_deadline() {
  if (phase_ == Phase::receiving || phase_ == Phase::securing) {
    shard_.state().requests_rejected.fetch_add(1, std::memory_order_relaxed);
  }
  if (phase_ == Phase::sending) {
    // What the kernel has taken of the answer would stay there until the peer takes it.
    boost::system::error_code ignored;
    stream_.socket().set_option(boost::asio::socket_base::linger(true, 0), ignored);
  }
  close();
}

void Connection::drain() {
  if (phase_ != Phase::handling && phase_ != Phase::sending) close();
}

void Connection::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  shard_.line().leave(place_);
  stream_.close();
  shard_.remove(*this);
}

}  // namespace vbs::http
