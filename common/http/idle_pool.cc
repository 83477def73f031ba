#include "common/http/idle_pool.h"

#include <array>

namespace vbs::http {

using boost::system::error_code;

namespace {

/// An idle connection has nothing to read; if it has, that is its end, or an answer to nothing.
bool is_silent(ClientSocket& socket) {
  std::array<char, 1> byte{};
  error_code ec;
  socket.non_blocking(true, ec);
  if (ec) return false;
  socket.receive(boost::asio::buffer(byte), boost::asio::socket_base::message_peek, ec);
  return ec == boost::asio::error::would_block;
}

}  // namespace

IdlePool::IdlePool(boost::asio::io_context& context, const ClientOptions& options)
    : options_(options), timer_(context) {}

std::optional<ClientSocket> IdlePool::take(const std::string& authority) {
  auto found = idle_.find(authority);
  if (found == idle_.end()) return std::nullopt;
  std::vector<Idle>& entries = found->second;
  std::optional<ClientSocket> socket;
  const auto now = std::chrono::steady_clock::now();
  while (!entries.empty() && !socket) {
    Idle& last = entries.back();
    if (last.expires > now && is_silent(last.socket)) socket.emplace(std::move(last.socket));
    entries.pop_back();
  }
  if (entries.empty()) idle_.erase(found);
  return socket;
}

void IdlePool::put(const std::string& authority, ClientSocket socket) {
  if (closed_ || options_.max_idle_per_endpoint == 0) return;
  std::vector<Idle>& entries = idle_[authority];
  if (entries.size() >= options_.max_idle_per_endpoint) entries.erase(entries.begin());
  entries.push_back(
      Idle{std::move(socket), std::chrono::steady_clock::now() + options_.idle_timeout});
  if (!armed_) arm();
}

void IdlePool::arm() {
  armed_ = true;
  timer_.expires_after(options_.idle_timeout / 2);
  timer_.async_wait([weak = weak_from_this()](const error_code& ec) {
    auto self = weak.lock();
    if (!ec && self) self->expire();
  });
}

void IdlePool::expire() {
  const auto now = std::chrono::steady_clock::now();
  for (auto it = idle_.begin(); it != idle_.end();) {
    std::erase_if(it->second,
                  [&](Idle& idle) { return idle.expires <= now || !is_silent(idle.socket); });
    it = it->second.empty() ? idle_.erase(it) : std::next(it);
  }
  armed_ = false;
  if (!idle_.empty() && !closed_) arm();
}

void IdlePool::close() {
  closed_ = true;
  idle_.clear();
  timer_.cancel();
}

}  // namespace vbs::http
