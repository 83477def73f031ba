#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "common/http/client.h"
#include "tests/unit/http/raw_socket.h"

namespace vbs::http::test {

inline std::string ok(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

class ClientTest : public ::testing::Test {
 protected:
  void TearDown() override {
    loop_.stop();
    client_.reset();
  }

  void start(ClientOptions options = {}) { client_ = std::make_unique<Client>(loop_, options); }

  static Endpoint local(std::uint16_t port) { return Endpoint{"127.0.0.1", port}; }

  static Request request(Method method, std::string path = "/x", std::string body = "") {
    Request request;
    request.method = method;
    request.path = std::move(path);
    request.body = std::move(body);
    return request;
  }

  std::future<Result<Response>> begin(const Endpoint& endpoint, Request request,
                                      Milliseconds deadline = Milliseconds(kPatienceMs)) {
    if (!client_) start();
    auto promise = std::make_shared<std::promise<Result<Response>>>();
    auto future = promise->get_future();
    client_->send(endpoint, std::move(request), deadline,
                  [promise](Result<Response> result) { promise->set_value(std::move(result)); });
    return future;
  }

  Result<Response> ask(std::uint16_t port, Request request,
                       Milliseconds deadline = Milliseconds(kPatienceMs)) {
    return begin(local(port), std::move(request), deadline).get();
  }

  /// Reads one request with the body its Content-Length states.
  static std::string read_request(RawSocket& socket) {
    std::string head = socket.read_until("\r\n\r\n");
    const std::size_t at = head.find("Content-Length: ");
    if (at == std::string::npos) return head;
    const std::size_t length = std::strtoul(head.c_str() + at + 16, nullptr, 10);
    while (socket.received().size() < length && socket.fill()) {
    }
    return head + socket.received().substr(0, length);
  }

  EventLoop loop_{"http-test"};
  std::unique_ptr<Client> client_;
};

}  // namespace vbs::http::test
