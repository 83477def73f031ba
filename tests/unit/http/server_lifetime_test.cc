#include <stdexcept>
#include <string>
#include <thread>

#include "tests/unit/http/server_fixture.h"

namespace vbs::http::test {
namespace {

TEST_F(ServerTest, Answers500ForADroppedResponder) {
  start({}, [](Request, Responder) {});
  RawSocket socket = connect();
  socket.send(kGet);
  const RawAnswer answer = socket.answer();
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.field("Content-Type"), "application/problem+json");
  socket.send(kGet);
  EXPECT_EQ(socket.answer().status, 500);
}

TEST_F(ServerTest, Answers500WhenAHandlerThrows) {
  start({}, [](Request, Responder) { throw std::runtime_error("broken"); });
  RawSocket socket = connect();
  socket.send(kGet);
  const RawAnswer answer = socket.answer();
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body.find("broken"), std::string::npos);
}

TEST_F(ServerTest, KeepsTheFirstOfTwoAnswers) {
  start({}, [](Request, Responder respond) {
    respond(json(200, "1"));
    respond(json(200, "2"));
  });
  RawSocket socket = connect();
  for (int i = 0; i < 3; ++i) {
    socket.send(kGet);
    EXPECT_EQ(socket.answer().body, "1");
  }
}

TEST_F(ServerTest, NeverWritesAMalformedAnswer) {
  start({}, [](Request request, Responder respond) {
    Response response = json(200, "{}");
    if (request.path == "/value") response.headers.set("X-A", "a\r\nInjected: 1");
    if (request.path == "/name") response.headers.set("X A", "a");
    if (request.path == "/type") response.content_type = "a\nb";
    if (request.path == "/status") response.status = 101;
    if (request.path == "/length") response.headers.set("Content-Length", "7");
    respond(std::move(response));
  });
  for (const char* path : {"/value", "/name", "/type", "/status"}) {
    const RawAnswer answer = ask("GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(answer.status, 500) << path;
    EXPECT_EQ(answer.field("Injected"), "") << path;
  }
  const RawAnswer own = ask("GET /length HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(own.status, 200);
  EXPECT_EQ(own.field("Content-Length"), "2");
}

TEST_F(ServerTest, TakesAnswersFromOtherThreads) {
  Waiting waiting;
  start({}, waiting.handler());
  RawSocket socket = connect();
  for (std::size_t i = 0; i < 50; ++i) {
    socket.send(kGet);
    ASSERT_TRUE(waiting.wait_for(i + 1));
    std::thread([&] { waiting.take(i)(json(200, std::to_string(i))); }).join();
    EXPECT_EQ(socket.answer().body, std::to_string(i));
  }
}

TEST_F(ServerTest, IgnoresAnAnswerForAConnectionThatIsGone) {
  Waiting waiting;
  start({}, waiting.handler());
  RawSocket socket = connect();
  socket.send(kGet);
  ASSERT_TRUE(waiting.wait_for(1));
  socket.close();
  waiting.take(0)(json(200, std::string(1024 * 1024, 'x')));
  RawSocket other = connect();
  other.send(kGet);
  ASSERT_TRUE(waiting.wait_for(2));
  waiting.take(1)(no_content());
  EXPECT_EQ(other.answer().status, 204);
}

TEST_F(ServerTest, TakesAnAnswerAfterTheServerIsGone) {
  Waiting waiting;
  start({}, waiting.handler());
  RawSocket first = connect();
  RawSocket second = connect();
  first.send(kGet);
  second.send(kGet);
  ASSERT_TRUE(waiting.wait_for(2));
  server_->stop(Milliseconds(0));
  server_.reset();
  EXPECT_TRUE(first.is_closed_by_peer());
  waiting.take(0)(no_content());
  waiting.take(1);  // dropped unanswered
  EXPECT_TRUE(second.is_closed_by_peer());
}

TEST_F(ServerTest, StopsGracefully) {
  Waiting waiting;
  start({}, waiting.handler());
  const std::uint16_t port = server_->port();
  RawSocket idle = connect();
  RawSocket half = connect();
  half.send("GET / HTTP/1.1\r\nHo");
  RawSocket busy = connect();
  busy.send(kGet);
  ASSERT_TRUE(waiting.wait_for(1));
  std::thread stopper([&] { server_->stop(Milliseconds(kPatienceMs)); });
  // Both are closed while the handler is still at work.
  EXPECT_TRUE(idle.is_closed_by_peer());
  EXPECT_TRUE(half.is_closed_by_peer());
  EXPECT_FALSE(RawSocket::connect(port).is_open());
  waiting.take(0)(json(200, "answered"));
  const RawAnswer answer = busy.answer();
  EXPECT_EQ(answer.body, "answered");
  EXPECT_EQ(answer.field("Connection"), "close");
  busy.close();
  stopper.join();
  EXPECT_EQ(server_->counters().connections_open, 0u);

  ServerOptions same_port;
  same_port.port = port;
  start(same_port);
  expect_still_serving();
}

TEST_F(ServerTest, StopsTwiceAndWithoutTraffic) {
  start();
  server_->stop();
  server_->stop();
}

TEST_F(ServerTest, ClosesWhatOutlivesTheGrace) {
  Waiting waiting;
  start({}, waiting.handler());
  RawSocket busy = connect();
  busy.send(kGet);
  ASSERT_TRUE(waiting.wait_for(1));
  server_->stop(Milliseconds(20));
  EXPECT_TRUE(busy.is_closed_by_peer());
}

TEST_F(ServerTest, ReleasesTheHandlerWhenStopped) {
  auto token = std::make_shared<int>(1);
  Waiting waiting;
  start({}, [token, wait = waiting.handler()](Request request, Responder respond) {
    wait(std::move(request), std::move(respond));
  });
  RawSocket busy = connect();
  busy.send(kGet);
  ASSERT_TRUE(waiting.wait_for(1));
  server_->stop(Milliseconds(0));
  EXPECT_EQ(token.use_count(), 1) << "the responder that is still out keeps the handler";
}

}  // namespace
}  // namespace vbs::http::test
