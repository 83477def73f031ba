#include "common/http/client_exchange.h"

#include <boost/asio/connect.hpp>

#include "common/http/tls_failure.h"
#include "common/units.h"

namespace vbs::http {

using boost::system::error_code;
namespace ip = boost::asio::ip;

namespace {

constexpr std::size_t kReadSize = 16 * 1024;
constexpr unsigned kMaxInterim = 8;

/// Addresses that need no resolver: literal ones and "localhost".
std::vector<ip::tcp::endpoint> known_addresses(const Endpoint& endpoint) {
  if (endpoint.host == "localhost") {
    return {{ip::address_v4::loopback(), endpoint.port},
            {ip::address_v6::loopback(), endpoint.port}};
  }
  error_code ec;
  const auto address = ip::make_address(endpoint.host, ec);
  if (ec) return {};
  return {{address, endpoint.port}};
}

}  // namespace

ClientExchange::ClientExchange(boost::asio::io_context& context, std::shared_ptr<IdlePool> pool,
                               const ClientOptions& options, Outgoing outgoing, Finished finished)
    : context_(context),
      pool_(std::move(pool)),
      options_(options),
      outgoing_(std::move(outgoing)),
      finished_(std::move(finished)),
      timer_(context) {}

void ClientExchange::start() {
  if (outgoing_.deadline <= std::chrono::steady_clock::now()) {
    on_deadline();
    return;
  }
  timer_.expires_at(outgoing_.deadline);
  timer_.async_wait([self = shared_from_this()](const error_code& ec) {
    if (!ec && !self->over_) self->on_deadline();
  });
  if (outgoing_.endpoint.secure && !options_.tls) {
    unavailable("no certificate for https is configured");
    return;
  }
  stream_ = pool_->take(outgoing_.endpoint.str());
  if (stream_) {
    reused_ = true;
    transmit();
    return;
  }
  resolve();
}

void ClientExchange::abandon() {
  if (over_) return;
  over_ = true;
  finished_ = nullptr;
  release();
}

void ClientExchange::on_deadline() {
  const std::string limit = format_duration(outgoing_.allowed.count());
  if (sending_) {
    unknown_outcome("gave no complete answer within " + limit);
  } else {
    unavailable("no connection within " + limit);
  }
}

void ClientExchange::resolve() {
  auto known = known_addresses(outgoing_.endpoint);
  if (!known.empty()) {
    connect(std::move(known));
    return;
  }
  resolver_.emplace(context_);
  resolver_->async_resolve(
      outgoing_.endpoint.host, std::to_string(outgoing_.endpoint.port),
      ip::resolver_base::numeric_service,
      [self = shared_from_this()](const error_code& ec, const Tcp::resolver::results_type& found) {
        if (self->over_) return;
        if (ec) {
          self->unavailable("its name cannot be resolved: " + ec.message());
          return;
        }
        std::vector<Tcp::endpoint> endpoints;
        for (const auto& entry : found) endpoints.push_back(entry.endpoint());
        self->connect(std::move(endpoints));
      });
}

void ClientExchange::connect(std::vector<Tcp::endpoint> endpoints) {
  stream_.emplace(context_, outgoing_.endpoint.secure ? options_.tls.get() : nullptr);
  auto shared = std::make_shared<std::vector<Tcp::endpoint>>(std::move(endpoints));
  boost::asio::async_connect(
      stream_->socket(), *shared,
      [self = shared_from_this(), shared](const error_code& ec, const Tcp::endpoint&) {
        if (self->over_) return;
        if (ec) {
          self->unavailable(ec.message());
          return;
        }
        self->on_connected();
      });
}

void ClientExchange::on_connected() {
  error_code ignored;
  stream_->socket().set_option(Tcp::no_delay(true), ignored);
  if (!stream_->tls()) {
    transmit();
    return;
  }
  stream_->tls()->connect(outgoing_.endpoint.host,
                          [self = shared_from_this()](const error_code& ec) {
                            if (self->over_) return;
                            if (ec) {
                              self->unavailable(self->stream_->tls()->failure(ec));
                              return;
                            }
                            self->transmit();
                          });
}

void ClientExchange::transmit() {
  ++attempt_;
  sending_ = true;
  written_ = false;
  nothing_left_ = false;
  parser_.emplace(ParserLimits{options_.header_limit, options_.body_limit}, outgoing_.method);
  buffer_.clear();
  stream_->write(
      {boost::asio::buffer(outgoing_.head), boost::asio::buffer(outgoing_.body)},
      [self = shared_from_this(), attempt = attempt_](const error_code& ec, std::size_t bytes) {
        if (!self->over_ && attempt == self->attempt_) self->on_written(ec, bytes);
      });
  read();
}

void ClientExchange::on_written(const error_code& ec, std::size_t bytes) {
  // After an error the peer may still have said why: reading decides how this ends.
  written_ = !ec;
  nothing_left_ = ec && bytes == 0;
}

void ClientExchange::read() {
  stream_->read_some(buffer_.prepare(kReadSize), [self = shared_from_this(), attempt = attempt_](
                                                     const error_code& ec, std::size_t bytes) {
    if (!self->over_ && attempt == self->attempt_) self->on_read(ec, bytes);
  });
}

void ClientExchange::on_read(const error_code& ec, std::size_t bytes) {
  if (ec) {
    lost(ec);
    return;
  }
  answer_began_ = true;
  buffer_.commit(bytes);
  consume();
}

std::string_view ClientExchange::buffered() const {
  const auto data = buffer_.data();
  return {static_cast<const char*>(data.data()), data.size()};
}

void ClientExchange::consume() {
  std::size_t used = 0;
  do {
    used = parser_->feed(buffered());
    buffer_.consume(used);
    if (!parser_->verdict().ok()) {
      unknown_outcome(std::string("gave an answer that cannot be read: ") +
                      parser_->verdict().reason);
      return;
    }
    if (parser_->done() && skip_interim()) {
      complete();
      return;
    }
    if (over_) return;
  } while (used > 0);
  read();
}

/// Drops an interim answer (1xx); the final one follows on the same connection.
bool ClientExchange::skip_interim() {
  if (parser_->status() >= 200) return true;
  if (parser_->status() == 101 || ++interim_ > kMaxInterim) {
    unknown_outcome("gave interim answers that nobody asked for");
    return false;
  }
  parser_.emplace(ParserLimits{options_.header_limit, options_.body_limit}, outgoing_.method);
  return false;
}

void ClientExchange::complete() {
  const bool reusable = parser_->keep_alive() && written_ && buffered().empty();
  Response response = parser_->take();
  if (reusable) {
    pool_->put(outgoing_.endpoint.str(), std::move(*stream_));
    stream_.reset();
  }
  finish(std::move(response));
}

void ClientExchange::lost(const error_code& ec) {
  if (reused_ && !answer_began_ && is_idempotent()) {
    reused_ = false;
    may_have_left_ = !nothing_left_;
    sending_ = false;
    ++attempt_;
    resolve();
    return;
  }
  if (is_refusal(ec)) {
    unavailable(describe_alert(*alert_of(ec)));
    return;
  }
  if (nothing_left_) {
    unavailable(ec.message());
    return;
  }
  unknown_outcome("closed the connection before its answer was complete (" + ec.message() + ")");
}

/// With TLS 1.3 a server refuses the client's certificate after the client's first bytes are out,
/// and before it looks at them.
bool ClientExchange::is_refusal(const error_code& ec) const {
  const auto alert = alert_of(ec);
  return alert && is_about_certificate(*alert) && !reused_ && !answer_began_;
}

void ClientExchange::unavailable(const std::string& why) {
  if (may_have_left_) {
    unknown_outcome("closed the connection that the request was sent on, and cannot be reached: " +
                    why);
    return;
  }
  finish(fail(ErrorCode::node_unavailable,
              "cannot reach " + outgoing_.endpoint.str() + ": " + why + "; nothing was sent"));
}

void ClientExchange::unknown_outcome(const std::string& why) {
  finish(fail(ErrorCode::timeout, outgoing_.endpoint.str() + " " + why +
                                      "; whether the request was carried out is unknown"));
}

void ClientExchange::finish(Result<Response> result) {
  over_ = true;
  release();
  const Finished finished = std::exchange(finished_, nullptr);
  finished(*this, std::move(result));
}

void ClientExchange::release() {
  timer_.cancel();
  if (resolver_) resolver_->cancel();
  if (stream_) stream_->close();
}

}  // namespace vbs::http
