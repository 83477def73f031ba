#include "common/http/listener.h"

#include <algorithm>

#include "common/log.h"

namespace vbs::http {

namespace {

namespace ip = boost::asio::ip;
using boost::system::error_code;

/// Without a free descriptor the connection stays in the backlog, so accepting again at once would
/// fail again at once.
constexpr Milliseconds kRetryAfter{100};
/// Connections that a busy shard has not come to yet count in no limit of its own: the kernel keeps
/// the others.
constexpr std::size_t kMostArriving = 64;
constexpr Milliseconds kPause{5};
/// In one go, 10 to 20 us each; then come those that are there already.
constexpr int kAtOnce = 16;
constexpr std::chrono::seconds kLogInterval{10};

Result<ip::address> parse_address(const std::string& text) {
  if (text == "localhost") return ip::address(ip::address_v4::loopback());
  error_code ec;
  const ip::address address = ip::make_address(text, ec);
  if (ec) {
    return fail_field("address", "the address to listen on must be an IPv4 or IPv6 address");
  }
  return address;
}

tl::unexpected<Error> cannot_listen(const ServerOptions& options, const error_code& ec) {
  const std::string message = "cannot listen on " + options.address + " port " +
                              std::to_string(options.port) + ": " + errno_text(ec.value());
  if (ec == boost::asio::error::address_in_use) return fail(ErrorCode::conflict, message);
  return fail_field("address", message);
}

}  // namespace

Listener::Listener(ServerState& state, std::vector<std::shared_ptr<Shard>> shards)
    : state_(state),
      shards_(std::move(shards)),
      acceptor_(shards_.front()->context()),
      retry_(shards_.front()->context()) {}

Result<void> Listener::open() {
  const ServerOptions& options = state_.options;
  const auto address = parse_address(options.address);
  if (!address) return fail(address.error());
  const ip::tcp::endpoint endpoint(*address, options.port);
  error_code ec;
  acceptor_.open(endpoint.protocol(), ec);
  if (!ec) acceptor_.set_option(boost::asio::socket_base::reuse_address(true), ec);
  if (!ec) acceptor_.bind(endpoint, ec);
  if (!ec) acceptor_.listen(boost::asio::socket_base::max_listen_connections, ec);
  if (!ec) acceptor_.non_blocking(true, ec);
  if (ec) return cannot_listen(options, ec);
  port_ = acceptor_.local_endpoint(ec).port();
  if (ec) return cannot_listen(options, ec);
  return {};
}

void Listener::accept() {
  acceptor_.async_wait(Acceptor::wait_read, [this](const error_code& ec) {
    if (!acceptor_.is_open()) return;
    if (ec) {
      on_failure(ec);
    } else {
      accept_some();
    }
  });
}

void Listener::accept_some() {
  for (int i = 0; i < kAtOnce; ++i) {
    Shard& shard = least_loaded();
    if (shard.arriving() >= kMostArriving) {
      accept_after(kPause);
      return;
    }
    error_code ec;
    Socket socket = acceptor_.accept(shard.context(), ec);
    if (ec == boost::asio::error::would_block) break;
    if (ec == boost::asio::error::connection_aborted) continue;
    if (ec) {
      on_failure(ec);
      return;
    }
    state_.connections_total.fetch_add(1, std::memory_order_relaxed);
    shard.adopt(std::move(socket));
  }
  accept();
}

void Listener::on_failure(const error_code& ec) {
  state_.accept_failures.fetch_add(1, std::memory_order_relaxed);
  ++unlogged_failures_;
  const auto now = std::chrono::steady_clock::now();
  if (last_log_ == std::chrono::steady_clock::time_point{} || now - last_log_ >= kLogInterval) {
    log::error("accepting a connection failed",
               {{"error", errno_text(ec.value())}, {"failures", unlogged_failures_}});
    last_log_ = now;
    unlogged_failures_ = 0;
  }
  accept_after(kRetryAfter);
}

void Listener::accept_after(Milliseconds pause) {
  retry_.expires_after(pause);
  retry_.async_wait([this](const error_code& cancelled) {
    if (!cancelled && acceptor_.is_open()) accept();
  });
}

void Listener::close() {
  error_code ec;
  acceptor_.close(ec);
  retry_.cancel();
}

Shard& Listener::least_loaded() const {
  return **std::min_element(shards_.begin(), shards_.end(),
                            [](const auto& a, const auto& b) { return a->open() < b->open(); });
}

}  // namespace vbs::http
