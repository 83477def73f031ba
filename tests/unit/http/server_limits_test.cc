#include <sys/resource.h>

#include <chrono>
#include <fstream>
#include <string>
#include <vector>

#include "tests/unit/http/server_fixture.h"

namespace vbs::http::test {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

ServerOptions impatient() {
  ServerOptions options;
  options.request_timeout = Milliseconds(200);
  options.idle_timeout = Milliseconds(200);
  return options;
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * 4096;
}

TEST_F(ServerTest, DropsHalfAHeader) {
  start(impatient());
  RawSocket socket = connect();
  socket.send("GET / HTTP/1.1\r\nHost: x\r\n");
  EXPECT_TRUE(socket.is_closed_by_peer());
  EXPECT_EQ(server_->counters().requests_rejected, 1u);
  expect_still_serving();
}

TEST_F(ServerTest, DropsADripOfBytes) {
  start(impatient());
  RawSocket socket = connect();
  socket.send("GET / HTTP/1.1\r\nHost: x\r\nX: ");
  // Each byte comes well within the limit, the request as a whole does not: the peer must go.
  int sent = 0;
  while (socket.send("a") && sent < 1'000) {
    ++sent;
    if (socket.fill(20)) break;
    char byte = 0;
    if (::recv(socket.fd(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0) break;
  }
  EXPECT_LT(sent, 1'000);
  EXPECT_EQ(server_->counters().requests_total, 0u);
}

TEST_F(ServerTest, DropsABodyThatStops) {
  start(impatient());
  RawSocket socket = connect();
  socket.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_TRUE(socket.is_closed_by_peer());
  RawSocket chunks = connect();
  chunks.send("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc");
  EXPECT_TRUE(chunks.is_closed_by_peer());
}

TEST_F(ServerTest, DropsSilentAndIdleConnections) {
  start(impatient());
  RawSocket silent = connect();
  RawSocket idle = connect();
  idle.send(kGet);
  EXPECT_EQ(idle.answer().status, 200);
  EXPECT_TRUE(silent.is_closed_by_peer());
  EXPECT_TRUE(idle.is_closed_by_peer());
  EXPECT_EQ(server_->counters().requests_rejected, 0u);
}

TEST_F(ServerTest, DropsASlowReaderOfALargeAnswer) {
  start(impatient(),
        [](Request, Responder respond) { respond(json(200, std::string(64 * 1024 * 1024, 'x'))); });
  RawSocket socket = RawSocket::connect(server_->port(), 4096);
  socket.send(kGet);
  ASSERT_NE(socket.read_until("\r\n\r\n"), "");
  std::size_t open = 1;
  for (int i = 0; i < kPatienceMs && open > 0; i += 10) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    open = server_->counters().connections_open;
  }
  EXPECT_EQ(open, 0u);
}

TEST_F(ServerTest, DeliversALargeAnswerToAReaderThatKeepsUp) {
  const std::string large(8 * 1024 * 1024, 'x');
  start({}, [&](Request, Responder respond) { respond(json(200, large)); });
  RawSocket socket = RawSocket::connect(server_->port(), 4096);
  socket.send(kGet);
  EXPECT_EQ(socket.answer().body.size(), large.size());
  socket.send(kGet);
  EXPECT_EQ(socket.answer().body.size(), large.size());
}

TEST_F(ServerTest, RefusesAnEndlessHeaderInBoundedMemory) {
  start();
  const std::size_t before = resident_bytes();
  RawSocket socket = connect();
  ASSERT_TRUE(socket.send("GET / HTTP/1.1\r\nHost: x\r\n"));
  const std::string fields(64 * 1024, 'f');
  for (int i = 0; i < 3'000 && socket.send(fields); ++i) {
  }
  EXPECT_EQ(socket.answer().status, 431);
  EXPECT_LT(resident_bytes(), before + 64 * 1024 * 1024);
}

TEST_F(ServerTest, RefusesALargeBodyUnread) {
  start({}, [](Request, Responder respond) {
    respond(problem(Error{ErrorCode::unauthenticated, "no", {}, {}, {}}));
  });
  const std::size_t before = resident_bytes();
  RawSocket socket = connect();
  socket.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 314572800\r\n\r\n");
  const std::string block(64 * 1024, 'b');
  int sent = 0;
  while (sent < 4'800 && socket.send(block)) ++sent;
  EXPECT_LT(sent, 4'800) << "the server took the whole body";
  EXPECT_EQ(socket.answer().status, 413);
  EXPECT_LT(resident_bytes(), before + 64 * 1024 * 1024);
}

TEST_F(ServerTest, TakesABodyOfExactlyTheLimit) {
  ServerOptions options;
  options.body_limit = 100'000;
  start(options);
  const std::string body(100'000, 'b');
  RawSocket socket = connect();
  socket.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + body);
  EXPECT_EQ(socket.answer().body, "PUT / " + body);
  socket.send("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n" + body +
              "\r\n0\r\n\r\n");
  EXPECT_EQ(socket.answer().body, "PUT / " + body);
}

TEST_F(ServerTest, LimitsAllBodiesTogether) {
  ServerOptions options;
  options.total_body_limit = 150'000;
  Waiting waiting;
  start(options, waiting.handler());
  const std::string put =
      "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'b');
  RawSocket first = connect();
  first.send(put);
  ASSERT_TRUE(waiting.wait_for(1));
  RawSocket second = connect();
  second.send(put);
  const RawAnswer refused = second.answer();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.field("Retry-After"), "1");
  waiting.take(0)(no_content());
  EXPECT_EQ(first.answer().status, 204);
  RawSocket third = connect();
  third.send(put);
  EXPECT_TRUE(waiting.wait_for(2));
  waiting.take(1)(no_content());
  EXPECT_EQ(third.answer().status, 204);
}

TEST_F(ServerTest, TurnsConnectionsBeyondTheLimitAway) {
  ServerOptions options;
  options.max_connections = 2;
  start(options);
  RawSocket first = connect();
  RawSocket second = connect();
  for (RawSocket* socket : {&first, &second}) {
    socket->send(kGet);
    ASSERT_EQ(socket->answer().status, 200);
  }
  RawSocket third = connect();
  third.send(kGet);
  const RawAnswer answer = third.answer();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.field("Retry-After"), "1");
  EXPECT_EQ(answer.field("Connection"), "close");
  EXPECT_TRUE(third.is_closed_by_peer());
  first.close();
  RawAnswer later;
  for (int i = 0; i < 1'000 && later.status != 200; ++i) later = ask(kGet);
  EXPECT_EQ(later.status, 200);
  second.send(kGet);
  EXPECT_EQ(second.answer().status, 200);
}

TEST_F(ServerTest, AnswersHealthWhateverHoldsConnectionsOpen) {
  constexpr std::string_view kHealth = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
  ServerOptions options;
  options.max_connections = 4;
  start(options);
  std::vector<RawSocket> idle;
  for (int i = 0; i < 4; ++i) {
    idle.push_back(connect());
    idle.back().send(kGet);
    ASSERT_EQ(idle.back().answer().status, 200);
  }
  // Far more than any reserve, silent or in the middle of a request.
  for (int i = 0; i < 60; ++i) {
    idle.push_back(connect());
    if (i % 2 == 0) idle.back().send("GET /x HTTP/1.1\r\n");
    if (i % 10 == 0) {
      RawSocket probe = connect();
      probe.send(kHealth);
      const RawAnswer answer = probe.answer();
      EXPECT_EQ(answer.status, 200) << i;
      EXPECT_EQ(answer.field("Connection"), "close");
    }
  }
  EXPECT_EQ(server_->counters().connections_open, 4u);
  EXPECT_EQ(ask(kHealth).status, 200);
  EXPECT_EQ(ask(kGet).status, 503);
  idle[0].send(kGet);
  EXPECT_EQ(idle[0].answer().status, 200);
}

TEST_F(ServerTest, AnswersHealthWhenHandlersAreBusy) {
  ServerOptions options;
  options.max_requests = 2;
  Waiting waiting;
  Handler wait = waiting.handler();
  start(options, [wait](Request request, Responder respond) {
    if (request.path == "/healthz") return respond(no_content());
    wait(std::move(request), std::move(respond));
  });
  RawSocket first = connect();
  RawSocket second = connect();
  first.send(kGet);
  second.send(kGet);
  ASSERT_TRUE(waiting.wait_for(2));
  RawSocket third = connect();
  third.send(kGet);
  const RawAnswer refused = third.answer();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.field("Retry-After"), "1");
  third.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(third.answer().status, 204);
  third.send("GET /healthzzz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(third.answer().status, 503);
  waiting.take(0)(no_content());
  waiting.take(1)(no_content());
  EXPECT_EQ(first.answer().status, 204);
  third.send(kGet);
  ASSERT_TRUE(waiting.wait_for(3));
  waiting.take(2)(no_content());
  EXPECT_EQ(third.answer().status, 204);
}

TEST_F(ServerTest, WaitsForADescriptorWithoutSpinning) {
  start();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  RawSocket socket(FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server_->port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // Nothing above the descriptors that are open now: the server cannot accept.
  rlimit tight{static_cast<rlim_t>(socket.fd()) + 1, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  const auto start_time = std::chrono::steady_clock::now();
  EXPECT_EQ(::connect(socket.fd(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  std::uint64_t failures = 0;
  while (failures < 3) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    failures = server_->counters().accept_failures;
    if (std::chrono::steady_clock::now() - start_time > std::chrono::seconds(20)) break;
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  const auto elapsed = std::chrono::steady_clock::now() - start_time;
  EXPECT_GE(failures, 3u);
  EXPECT_LE(failures, static_cast<std::uint64_t>(elapsed / std::chrono::milliseconds(50)) + 2);
  ASSERT_TRUE(socket.send(kGet));
  EXPECT_EQ(socket.answer().status, 200);
}

}  // namespace
}  // namespace vbs::http::test
