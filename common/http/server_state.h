#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "common/http/server.h"

namespace vbs::http {

/// What all threads of one server share. Outlives the server for as long as a handler owes an
/// answer.
struct ServerState {
  ServerState(ServerOptions server_options, Handler server_handler)
      : options(std::move(server_options)), handler(std::move(server_handler)) {}

  const ServerOptions options;
  Handler handler;  ///< changed only while no thread runs
  std::atomic<std::size_t> in_handlers{0};
  std::atomic<std::size_t> body_bytes{0};
  std::atomic<std::uint64_t> connections_total{0};
  std::atomic<std::uint64_t> requests_total{0};
  std::atomic<std::uint64_t> requests_rejected{0};
  std::atomic<std::uint64_t> accept_failures{0};
  /// When a failed handshake may be logged again, steady clock in nanoseconds.
  std::atomic<std::int64_t> next_handshake_log{0};
};

/// A share of `total_body_limit`, given back on destruction. Holds no reference to the state:
/// whoever holds the reservation keeps the state alive.
class BodyReservation {
 public:
  explicit BodyReservation(ServerState& state) : state_(&state) {}
  BodyReservation(BodyReservation&& other) noexcept
      : state_(other.state_), bytes_(std::exchange(other.bytes_, 0)) {}
  BodyReservation& operator=(BodyReservation&&) = delete;
  ~BodyReservation() {
    if (bytes_ > 0) state_->body_bytes.fetch_sub(bytes_, std::memory_order_relaxed);
  }

  /// False when that would be more than the limit; nothing is taken then.
  bool grow_to(std::size_t bytes) {
    if (bytes <= bytes_) return true;
    const std::size_t more = bytes - bytes_;
    const std::size_t before = state_->body_bytes.fetch_add(more, std::memory_order_relaxed);
    if (before + more > state_->options.total_body_limit) {
      state_->body_bytes.fetch_sub(more, std::memory_order_relaxed);
      return false;
    }
    bytes_ = bytes;
    return true;
  }

 private:
  ServerState* state_;
  std::size_t bytes_ = 0;
};

}  // namespace vbs::http
