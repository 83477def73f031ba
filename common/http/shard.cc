#include "common/http/shard.h"

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <charconv>
#include <vector>

#include "common/http/connection.h"

namespace vbs::http {

namespace {

/// How often deadlines are looked at: a twentieth of the shortest limit, so that a limit is kept
/// within 5% without a timer per connection.
Milliseconds sweep_interval(const ServerOptions& options) {
  const Milliseconds shortest = std::min(options.request_timeout, options.idle_timeout);
  return std::clamp(shortest / 20, Milliseconds(5), Milliseconds(500));
}

/// Of one shard. The listener keeps them alike.
std::size_t connections_of_one(const ServerOptions& options) {
  return std::max<std::size_t>(1, options.max_connections / options.threads);
}

}  // namespace

Shard::Shard(std::shared_ptr<ServerState> state, std::string id_prefix,
             std::function<void()> on_drained)
    : state_(std::move(state)),
      id_prefix_(std::move(id_prefix)),
      on_drained_(std::move(on_drained)),
      context_(1),
      work_(boost::asio::make_work_guard(context_)),
      sweep_timer_(context_),
      line_(connections_of_one(state_->options), state_->options.held_limit) {}

Shard::~Shard() = default;

void Shard::run() {
  context_.run();
}

void Shard::adopt(Socket socket) {
  open_.fetch_add(1, std::memory_order_relaxed);
  arriving_.fetch_add(1, std::memory_order_relaxed);
  boost::asio::post(context_, [this, socket = std::move(socket)]() mutable {
    arriving_.fetch_sub(1, std::memory_order_relaxed);
    // The connection gives the place taken here back when it goes.
    start_connection(std::make_shared<Connection>(*this, std::move(socket)));
  });
}

void Shard::start_connection(std::shared_ptr<Connection> connection) {
  if (draining_) return;
  connections_.emplace(connection.get(), connection);
  connection->start();
  if (!sweeping_) arm_sweep();
}

void Shard::drain() {
  draining_ = true;
  std::vector<std::shared_ptr<Connection>> all;
  for (const auto& [key, connection] : connections_) all.push_back(connection);
  for (const auto& connection : all) connection->drain();
  note_drained();
}

void Shard::close() {
  draining_ = true;
  std::vector<std::shared_ptr<Connection>> all;
  for (const auto& [key, connection] : connections_) all.push_back(connection);
  for (const auto& connection : all) connection->close();
  sweep_timer_.cancel();
  work_.reset();
}

void Shard::remove(Connection& connection) {
  connections_.erase(&connection);
  note_drained();
}

void Shard::make_room() {
  while (Connection* first = line_.surplus()) {
    const auto alive = first->shared_from_this();
    state_->connections_evicted.fetch_add(1, std::memory_order_relaxed);
    alive->on_deadline();
  }
}

void Shard::note_drained() {
  if (!draining_ || !connections_.empty() || drained_.exchange(true)) return;
  on_drained_();
}

void Shard::arm_sweep() {
  sweeping_ = true;
  sweep_timer_.expires_after(sweep_interval(state_->options));
  sweep_timer_.async_wait([this](const boost::system::error_code& ec) {
    if (!ec) sweep();
  });
}

void Shard::sweep() {
  const auto now = std::chrono::steady_clock::now();
  std::vector<std::shared_ptr<Connection>> late;
  for (const auto& [key, connection] : connections_) {
    if (connection->deadline() <= now) late.push_back(connection);
  }
  for (const auto& connection : late) connection->on_deadline();
  sweeping_ = false;
  if (!connections_.empty()) arm_sweep();
}

std::string Shard::next_request_id() {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), ++next_id_, 16).ptr;
  std::string id;
  id.reserve(id_prefix_.size() + 16);
  id.append(id_prefix_).append(digits.data(), end);
  return id;
}

}  // namespace vbs::http
