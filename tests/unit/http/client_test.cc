#include <atomic>
#include <string>
#include <vector>

#include "common/http/server.h"
#include "tests/unit/http/client_fixture.h"

namespace vbs::http::test {
namespace {

std::unique_ptr<Server> echo_server() {
  auto server = Server::start({}, [](Request request, Responder respond) {
    Response response;
    response.content_type = "text/plain";
    response.headers.set("X-Seen-Id", request.id);
    response.body = std::string(to_string(request.method)) + " " + request.path + " " +
                    std::string(request.query_value("q").value_or("-")) + " " + request.body;
    respond(std::move(response));
  });
  EXPECT_TRUE(server);
  return std::move(*server);
}

TEST_F(ClientTest, TalksToTheServer) {
  auto server = echo_server();
  Request put = request(Method::put, "/a b/\xC3\xA4", "body");
  put.query = {{"q", "1&2"}};
  put.id = "id-7";
  const auto answer = ask(server->port(), std::move(put));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200u);
  EXPECT_EQ(answer->body, "PUT /a b/\xC3\xA4 1&2 body");
  EXPECT_EQ(answer->content_type, "text/plain");
  EXPECT_EQ(answer->headers.find("x-seen-id"), "id-7");
}

TEST_F(ClientTest, SendsEveryMethod) {
  auto server = echo_server();
  for (const Method method :
       {Method::get, Method::post, Method::put, Method::del, Method::patch, Method::options}) {
    const auto answer = ask(server->port(), request(method));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, std::string(to_string(method)) + " /x - ");
  }
  const auto head = ask(server->port(), request(Method::head));
  ASSERT_TRUE(head);
  EXPECT_EQ(head->body, "");
  EXPECT_EQ(head->headers.find("Content-Length"), "10");
  EXPECT_EQ(server->counters().connections_total, 1u);
}

TEST_F(ClientTest, CarriesLargeBodiesBothWays) {
  ServerOptions options;
  options.body_limit = 8 * 1024 * 1024;
  auto server = Server::start(options, [](Request request, Responder respond) {
    respond(json(200, std::move(request.body)));
  });
  ASSERT_TRUE(server);
  const std::string body(8 * 1024 * 1024, 'b');
  for (int i = 0; i < 2; ++i) {
    const auto answer = ask((*server)->port(), request(Method::put, "/x", body));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, body);
  }
}

TEST_F(ClientTest, RunsManyExchangesAtOnce) {
  auto server = echo_server();
  std::vector<std::future<Result<Response>>> pending;
  for (int i = 0; i < 100; ++i) {
    pending.push_back(begin(local(server->port()), request(Method::get, "/" + std::to_string(i))));
  }
  for (int i = 0; i < 100; ++i) {
    const auto answer = pending[static_cast<std::size_t>(i)].get();
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, "GET /" + std::to_string(i) + " - ");
  }
}

TEST_F(ClientTest, WritesAStrictHead) {
  std::string seen;
  RawServer server([&](RawSocket& socket, int) {
    seen = read_request(socket);
    socket.send(ok("{}"));
    socket.fill();
  });
  Request post = request(Method::post, "/v1/x", "{}");
  post.headers.set("Authorization", "Bearer token");
  post.headers.set("Content-Length", "77");
  post.headers.set("Host", "elsewhere");
  ASSERT_TRUE(ask(server.port(), std::move(post)));
  EXPECT_EQ(seen, "POST /v1/x HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                      "\r\nContent-Length: 2\r\nContent-Type: application/json\r\n"
                      "Authorization: Bearer token\r\n\r\n{}");
  loop_.stop();
  client_.reset();
}

TEST_F(ClientTest, RefusesARequestThatCannotBeSent) {
  Request split = request(Method::get);
  split.headers.set("X-A", "a\r\nInjected: 1");
  for (Request bad : {split, request(Method::get, "relative"), request(Method::other)}) {
    const auto answer = ask(9, std::move(bad));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::invalid_request);
  }
}

TEST_F(ClientTest, SaysUnavailableWhenNothingWasSent) {
  std::uint16_t free_port = 0;
  {
    RawServer gone([](RawSocket&, int) {});
    free_port = gone.port();
  }
  for (const Method method : {Method::get, Method::post}) {
    const auto answer = ask(free_port, request(method));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::node_unavailable);
    EXPECT_NE(answer.error().message.find("127.0.0.1"), std::string::npos);
  }
  const auto late = ask(free_port, request(Method::get), Milliseconds(0));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::node_unavailable);
}

TEST_F(ClientTest, KnowsLiteralAddressesAndNames) {
  auto server = echo_server();
  const auto by_name = begin(Endpoint{"localhost", server->port()}, request(Method::get)).get();
  ASSERT_TRUE(by_name) << by_name.error().message;
  EXPECT_EQ(by_name->status, 200u);
  ServerOptions v6;
  v6.address = "::1";
  auto server6 = Server::start(v6, [](Request, Responder respond) { respond(no_content()); });
  if (server6) {
    const auto by_v6 = begin(Endpoint{"::1", (*server6)->port()}, request(Method::get)).get();
    ASSERT_TRUE(by_v6) << by_v6.error().message;
    EXPECT_EQ(by_v6->status, 204u);
  }
  const auto unknown =
      begin(Endpoint{"no-such-host.invalid", 80}, request(Method::get), Milliseconds(2'000)).get();
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::node_unavailable);
}

TEST_F(ClientTest, KeepsNoMoreIdleConnectionsThanAllowed) {
  auto server = echo_server();
  ClientOptions options;
  options.max_idle_per_endpoint = 0;
  start(options);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(ask(server->port(), request(Method::get)));
  EXPECT_EQ(server->counters().connections_total, 3u);
}

TEST_F(ClientTest, ClosesIdleConnectionsInTime) {
  std::promise<bool> closed;
  RawServer server([&](RawSocket& socket, int) {
    read_request(socket);
    socket.send(ok("1"));
    closed.set_value(socket.is_closed_by_peer());
  });
  ClientOptions options;
  options.idle_timeout = Milliseconds(50);
  start(options);
  ASSERT_TRUE(ask(server.port(), request(Method::get)));
  EXPECT_TRUE(closed.get_future().get());
}

TEST_F(ClientTest, DropsCallbacksWhenDestroyed) {
  std::promise<void> arrived;
  RawServer server([&](RawSocket& socket, int) {
    read_request(socket);
    arrived.set_value();
    socket.fill();
  });
  start();
  auto called = std::make_shared<std::atomic<int>>(0);
  client_->send(local(server.port()), request(Method::get), Milliseconds(kPatienceMs),
                [called](Result<Response>) { ++*called; });
  arrived.get_future().wait();
  std::promise<void> destroyed;
  loop_.post([&] {
    client_.reset();
    destroyed.set_value();
  });
  destroyed.get_future().wait();
  loop_.stop();
  EXPECT_EQ(called->load(), 0);
  EXPECT_EQ(called.use_count(), 1) << "the callback is still held";
}

}  // namespace
}  // namespace vbs::http::test
