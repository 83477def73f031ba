#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/http/client.h"
#include "common/http/stream.h"

namespace vbs::http {

/// Kept-alive connections that wait for the next request, by endpoint (its text). One thread.
class IdlePool : public std::enable_shared_from_this<IdlePool> {
 public:
  IdlePool(boost::asio::io_context& context, const ClientOptions& options);

  /// The connection used last, if one is there that the peer has neither closed nor written to, and
  /// that is secured with the certificates of now.
  std::optional<Stream> take(const std::string& endpoint);
  void put(const std::string& endpoint, Stream stream);
  /// Closes all; `put` keeps none from now on.
  void close();

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  struct Idle {
    Stream stream;
    TimePoint expires;
  };

  void arm();
  void expire();

  ClientOptions options_;
  std::map<std::string, std::vector<Idle>> idle_;
  boost::asio::steady_timer timer_;
  bool armed_ = false;
  bool closed_ = false;
};

}  // namespace vbs::http
