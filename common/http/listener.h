#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <vector>

#include "common/error.h"
#include "common/http/shard.h"

namespace vbs::http {

/// Accepts connections on the first shard's thread and gives each to the shard with the fewest. One
/// acceptor rather than one per shard with SO_REUSEPORT: the kernel's hash spreads a dozen
/// keep-alive clients unevenly, and they stay where they landed.
class Listener {
 public:
  Listener(ServerState& state, std::vector<std::shared_ptr<Shard>> shards);

  /// Binds and listens; before any thread runs.
  Result<void> open();
  std::uint16_t port() const { return port_; }
  /// The rest only on the first shard's thread.
  void accept();
  void close();

 private:
  using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp,
                                                      boost::asio::io_context::executor_type>;

  void accept_some();
  void on_failure(const boost::system::error_code& ec);
  void accept_after(Milliseconds pause);
  Shard& least_loaded() const;

  ServerState& state_;
  std::vector<std::shared_ptr<Shard>> shards_;
  Acceptor acceptor_;
  boost::asio::steady_timer retry_;
  std::uint16_t port_ = 0;
  std::chrono::steady_clock::time_point last_log_{};
  std::int64_t unlogged_failures_ = 0;
};

}  // namespace vbs::http
