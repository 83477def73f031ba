#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "common/http/parser.h"
#include "common/http/shard.h"
#include "common/http/stream.h"
#include "common/http/target.h"

namespace vbs::http {

/// One connection of a server: reads a request, hands it to the handler, writes the answer, and so
/// on. Lives on its shard's thread. Nothing is read while a request is in its handler, so that
/// answers keep the order of the requests and a client cannot pile up work.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  Connection(Shard& shard, Socket socket);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  /// The handler's answer to the request it was given last.
  void answer(Response response);
  /// `TimePoint::max()` while a handler is at work: its time is its own.
  TimePoint deadline() const { return deadline_; }
  void on_deadline();
  void drain();
  void close();

 private:
  enum class Phase { securing, waiting, receiving, handling, sending, lingering, closed };

  void secure();
  void on_secured(const boost::system::error_code& ec);
  void report(const boost::system::error_code& ec);
  void read();
  void on_read(std::size_t bytes);
  void consume();
  bool skip_empty_lines();
  void begin_request();
  bool accept_head();
  void get_on();
  bool hold(std::size_t bytes);
  void dispatch();
  void linger();
  void discard();
  void next();

  void refuse(unsigned status, Error error);
  void refuse(const Verdict& verdict);
  bool write_continue();
  void send(Response response);
  void on_sent();
  void send_rest(std::size_t sent);
  std::string_view buffered() const;
  void set_deadline(Milliseconds from_now);
  const ServerOptions& options() { return shard_.state().options; }

  Shard& shard_;
  Stream stream_;
  Waiter place_{*this};
  std::string peer_;
  std::shared_ptr<const Identity> identity_;
  Phase phase_ = Phase::waiting;
  TimePoint deadline_ = TimePoint::max();
  boost::beast::flat_buffer buffer_;
  std::optional<RequestParser> parser_;
  std::string path_;
  QueryList query_;
  std::string request_id_;
  bool head_accepted_ = false;
  std::size_t head_size_ = 0;
  bool is_head_ = false;
  Persistence persistence_ = Persistence::close;
  std::string out_head_;
  std::string out_body_;
  std::size_t lingered_ = 0;
};

}  // namespace vbs::http
