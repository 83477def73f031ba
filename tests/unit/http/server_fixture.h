#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/http/server.h"
#include "tests/unit/http/raw_socket.h"

namespace vbs::http::test {

inline constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/// A server whose handler echoes method, path and body unless a test says otherwise.
class ServerTest : public ::testing::Test {
 protected:
  void start(ServerOptions options = {}, Handler handler = echo()) {
    options.threads = 2;
    auto server = Server::start(options, std::move(handler));
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }

  static Handler echo() {
    return [](Request request, Responder respond) {
      Response response;
      response.content_type = "text/plain";
      response.body =
          std::string(to_string(request.method)) + " " + request.path + " " + request.body;
      respond(std::move(response));
    };
  }

  RawSocket connect() { return RawSocket::connect(server_->port()); }

  /// One request on its own connection.
  RawAnswer ask(std::string_view bytes) {
    RawSocket socket = connect();
    socket.send(bytes);
    return socket.answer();
  }

  /// Sends bytes that must be refused with `status`, whose answer must be a problem document, and
  /// after which the connection must be closed.
  void expect_refused(int status, std::string_view bytes) {
    RawSocket socket = connect();
    socket.send(bytes);
    const RawAnswer answer = socket.answer();
    EXPECT_EQ(answer.status, status) << bytes.substr(0, 200);
    EXPECT_EQ(answer.field("Content-Type"), "application/problem+json");
    EXPECT_EQ(answer.field("Connection"), "close");
    socket.finish_sending();
    EXPECT_TRUE(socket.is_closed_by_peer()) << bytes.substr(0, 200);
  }

  /// Once so many connections have come in all: those that are closed for others go in their own
  /// time.
  void expect_open(std::size_t count, std::size_t come) {
    ServerCounters counters;
    for (int i = 0; i < kPatienceMs; i += 5) {
      counters = server_->counters();
      if (counters.connections_total == come && counters.connections_open == count) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ADD_FAILURE() << counters.connections_open << " of " << counters.connections_total
                  << " are open";
  }

  void expect_still_serving() {
    EXPECT_EQ(ask("GET /alive HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
  }

  std::unique_ptr<Server> server_;
};

/// Collects Responders that a handler does not call itself.
class Waiting {
 public:
  Handler handler() {
    return [this](const Request&, Responder respond) {
      const std::lock_guard lock(mutex_);
      responders_.push_back(std::move(respond));
      changed_.notify_all();
    };
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::milliseconds(kPatienceMs),
                             [&] { return responders_.size() >= count; });
  }
  Responder take(std::size_t index) {
    const std::lock_guard lock(mutex_);
    return std::exchange(responders_[index], nullptr);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Responder> responders_;
};

}  // namespace vbs::http::test
