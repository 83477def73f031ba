#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "common/http/server.h"
#include "common/log_interval.h"

namespace vbs::http {

/// What all threads of one server share. Outlives the server for as long as a handler owes an
/// answer.
struct ServerState {
  ServerState(ServerOptions server_options, Handler server_handler)
      : options(std::move(server_options)), handler(std::move(server_handler)) {}

  const ServerOptions options;
  Handler handler;  ///< changed only while no thread runs
  std::atomic<std::size_t> in_handlers{0};
  std::atomic<std::uint64_t> connections_total{0};
  std::atomic<std::uint64_t> connections_evicted{0};
  std::atomic<std::uint64_t> requests_total{0};
  std::atomic<std::uint64_t> requests_rejected{0};
  std::atomic<std::uint64_t> accept_failures{0};
  log::Interval refusals;  ///< of handshakes
};

}  // namespace vbs::http
