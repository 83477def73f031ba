#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/http/idle_pool.h"
#include "common/http/parser.h"

namespace vbs::http {

/// What one exchange sends, and how long it may take.
struct Outgoing {
  Endpoint endpoint;
  Method method = Method::get;
  std::string head;
  std::string body;
  Milliseconds allowed{0};  ///< for messages; `deadline` is what counts
  std::chrono::steady_clock::time_point deadline;
};

/// One request and its answer: a kept-alive or a new connection, writing and reading at once (a
/// peer may refuse a body before it has read it), one timer for everything. Lives on one thread;
/// its handlers keep it alive until `finished` was called, exactly once, or it was abandoned.
class ClientExchange : public std::enable_shared_from_this<ClientExchange> {
 public:
  using Finished = std::function<void(ClientExchange&, Result<Response>)>;

  ClientExchange(boost::asio::io_context& context, std::shared_ptr<IdlePool> pool,
                 const ClientOptions& options, Outgoing outgoing, Finished finished);

  void start();
  /// Ends without calling `finished`.
  void abandon();

 private:
  using Tcp = boost::asio::ip::tcp;
  using Executor = boost::asio::io_context::executor_type;
  using Resolver = boost::asio::ip::basic_resolver<Tcp, Executor>;
  using BeastError = boost::system::error_code;

  void on_deadline();
  void resolve();
  void connect(std::vector<Tcp::endpoint> endpoints);
  void on_connected();
  void transmit();
  void on_written(const BeastError& ec, std::size_t bytes);
  void read();
  void on_read(const BeastError& ec, std::size_t bytes);
  void consume();
  /// False when the answer is to be read on.
  bool skip_interim();
  void complete();
  void lost(const BeastError& ec);
  bool is_refusal(const BeastError& ec) const;
  void unavailable(const std::string& why);
  void unknown_outcome(const std::string& why);
  void finish(Result<Response> result);
  void release();
  std::string_view buffered() const;
  bool is_idempotent() const { return outgoing_.method != Method::post; }

  boost::asio::io_context& context_;
  std::shared_ptr<IdlePool> pool_;
  ClientOptions options_;
  Outgoing outgoing_;
  Finished finished_;
  boost::asio::steady_timer timer_;
  std::optional<Resolver> resolver_;
  std::optional<Stream> stream_;
  std::optional<ResponseParser> parser_;
  boost::beast::flat_buffer buffer_;
  unsigned attempt_ = 0;  ///< handlers of an earlier connection know by it that they are late
  bool reused_ = false;
  bool sending_ = false;       ///< something of the request may have left
  bool written_ = false;       ///< all of it was taken by the kernel
  bool nothing_left_ = false;  ///< the first write failed before a byte
  /// A kept connection was lost after something may have left on it: however the rest goes, the
  /// request may have been carried out.
  bool may_have_left_ = false;
  bool answer_began_ = false;
  bool over_ = false;
  unsigned interim_ = 0;
};

}  // namespace vbs::http
