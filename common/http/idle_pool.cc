#include "common/http/idle_pool.h"

namespace vbs::http {

using boost::system::error_code;

IdlePool::IdlePool(boost::asio::io_context& context, const ClientOptions& options)
    : options_(options), timer_(context) {}

std::optional<Stream> IdlePool::take(const std::string& endpoint) {
  auto found = idle_.find(endpoint);
  if (found == idle_.end()) return std::nullopt;
  std::vector<Idle>& entries = found->second;
  std::optional<Stream> stream;
  const auto now = std::chrono::steady_clock::now();
  while (!entries.empty() && !stream) {
    Idle& last = entries.back();
    const bool usable = last.expires > now && last.stream.is_silent() &&
                        !last.stream.is_outdated(options_.tls.get());
    if (usable) stream.emplace(std::move(last.stream));
    entries.pop_back();
  }
  if (entries.empty()) idle_.erase(found);
  return stream;
}

void IdlePool::put(const std::string& endpoint, Stream stream) {
  if (closed_ || options_.max_idle_per_endpoint == 0) return;
  std::vector<Idle>& entries = idle_[endpoint];
  if (entries.size() >= options_.max_idle_per_endpoint) entries.erase(entries.begin());
  entries.push_back(
      Idle{std::move(stream), std::chrono::steady_clock::now() + options_.idle_timeout});
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
                  [&](Idle& idle) { return idle.expires <= now || !idle.stream.is_silent(); });
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
