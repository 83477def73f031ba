#pragma once

#include <atomic>
#include <future>

#include "common/http/client.h"
#include "common/http/server.h"
#include "tests/unit/http/server_fixture.h"
#include "tests/unit/http/test_ca.h"
#include "tests/unit/http/tls_peer.h"

namespace vbs::http::test {

/// A server and a client with certificates of one CA, unless a test gives them others.
class TlsTest : public ::testing::Test {
 protected:
  void TearDown() override {
    loop_.stop();
    client_.reset();
    server_.reset();
  }

  static std::shared_ptr<TlsContext> load(const TlsOptions& files) {
    auto context = TlsContext::load(files);
    EXPECT_TRUE(context) << context.error().message;
    return context ? *context : nullptr;
  }

  void serve(const TlsOptions& files, ServerOptions options = {}, Handler handler = nullptr) {
    server_certificates_ = load(files);
    options.tls = server_certificates_;
    options.threads = 2;
    auto server = Server::start(options, handler ? std::move(handler) : echo());
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  void serve() { serve(ca_.issue("server")); }

  /// Body, and who sent it.
  Handler echo() {
    return [this](Request request, Responder respond) {
      ++handled_;
      Response response = json(200, std::move(request.body));
      response.headers.set("X-Peer", request.identity ? request.identity->str() : "nobody");
      respond(std::move(response));
    };
  }

  void use(const TlsOptions& files) {
    ClientOptions options;
    options.tls = load(files);
    client_ = std::make_unique<Client>(loop_, options);
  }

  Endpoint endpoint(const std::string& host = "127.0.0.1") const {
    return Endpoint{host, server_->port(), true};
  }

  Result<Response> ask(const Endpoint& endpoint, std::string body = "", Method method = Method::put,
                       Milliseconds deadline = Milliseconds(kPatienceMs)) {
    if (!client_) use(ca_.issue("client"));
    Request request;
    request.method = method;
    request.path = "/x";
    request.body = std::move(body);
    auto promise = std::make_shared<std::promise<Result<Response>>>();
    client_->send(endpoint, std::move(request), deadline,
                  [promise](Result<Response> result) { promise->set_value(std::move(result)); });
    return promise->get_future().get();
  }
  Result<Response> ask(std::string body = "") { return ask(endpoint(), std::move(body)); }

  /// The request must not have been carried out, for a reason with `word` in it.
  void expect_unreached(const Result<Response>& result, const std::string& word) {
    ASSERT_FALSE(result) << result->status;
    EXPECT_EQ(result.error().code, ErrorCode::node_unavailable) << result.error().message;
    EXPECT_NE(result.error().message.find(word), std::string::npos) << result.error().message;
    EXPECT_EQ(handled_, 0);
  }

  TestCa ca_;
  TestCa other_ca_;
  std::atomic<int> handled_{0};
  std::shared_ptr<TlsContext> server_certificates_;
  std::unique_ptr<Server> server_;
  EventLoop loop_{"tls-test"};
  std::unique_ptr<Client> client_;
};

}  // namespace vbs::http::test
