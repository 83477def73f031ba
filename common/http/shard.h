#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "common/http/serialize.h"
#include "common/http/server_state.h"
#include "common/http/socket.h"
#include "common/http/waiting_line.h"

namespace vbs::http {

class Connection;

/// One thread of a server with its io_context and the connections that live on it. Only `context`,
/// `open`, `arriving`, `is_drained` and the functions that say so may be used from other threads.
class Shard : public std::enable_shared_from_this<Shard> {
 public:
  /// `on_drained` is called on the shard's thread, once, when the last connection of a draining
  /// shard is gone.
  Shard(std::shared_ptr<ServerState> state, std::string id_prefix,
        std::function<void()> on_drained);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  boost::asio::io_context& context() { return context_; }
  ServerState& state() { return *state_; }
  /// Connections that are open or on their way here.
  std::size_t open() const { return open_.load(std::memory_order_relaxed); }
  /// Those on their way here.
  std::size_t arriving() const { return arriving_.load(std::memory_order_relaxed); }
  bool is_drained() const { return drained_.load(); }

  /// The thread's body: returns when the shard was closed and nothing is left to run.
  void run();
  /// Takes a place for a connection and hands it over; from any thread.
  void adopt(Socket socket);
  /// Closes what waits for a request, lets handlers finish.
  void drain();
  /// Closes everything and lets `run` return.
  void close();

  void remove(Connection& connection);
  WaitingLine& line() { return line_; }
  /// Closes who has to go; after a connection has come, or more is held for one.
  void make_room();
  /// Gives the place taken by `adopt` back.
  void release_place() { open_.fetch_sub(1, std::memory_order_relaxed); }
  bool draining() const { return draining_; }
  std::string_view date() { return date_.now(); }
  std::string next_request_id();

 private:
  void start_connection(std::shared_ptr<Connection> connection);
  void arm_sweep();
  void sweep();
  void note_drained();

  std::shared_ptr<ServerState> state_;
  std::string id_prefix_;
  std::function<void()> on_drained_;
  std::uint64_t next_id_ = 0;
  std::atomic<std::size_t> open_{0};
  std::atomic<std::size_t> arriving_{0};
  std::atomic<bool> drained_{false};
  bool draining_ = false;
  bool sweeping_ = false;
  DateCache date_;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer sweep_timer_;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
  WaitingLine line_;
};

}  // namespace vbs::http
