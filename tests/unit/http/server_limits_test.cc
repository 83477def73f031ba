#include <sys/resource.h>

#include <chrono>
#include <fstream>
#include <string>
#include <vector>

#include "tests/unit/common/support.h"
#include "tests/unit/http/server_fixture.h"

namespace vbs::http::test {
namespace {

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
  pollfd reset{socket.fd(), 0, 0};
  EXPECT_EQ(::poll(&reset, 1, kPatienceMs), 1) << "the kernel still keeps what was not read";
  EXPECT_NE(reset.revents & POLLERR, 0);
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

// The listener deals connections out in turn: of two shards the first one gets each second
// connection.

TEST_F(ServerTest, LimitsAllBodiesTogether) {
  constexpr std::string_view kPut =
      "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n";
  ServerOptions options;
  options.held_limit = 150'000;
  start(options);
  RawSocket first = connect();
  RawSocket other = connect();
  RawSocket second = connect();
  for (RawSocket* socket : {&first, &second}) {
    socket->send(kPut);
    ASSERT_NE(socket->read_until("\r\n\r\n"), "");
    socket->send(std::string(90'000, 'b'));
  }
  EXPECT_TRUE(first.is_closed_by_peer());
  second.send(std::string(10'000, 'b'));
  EXPECT_EQ(second.answer().status, 200);
  EXPECT_EQ(server_->counters().connections_evicted, 1u);
  EXPECT_EQ(server_->counters().requests_rejected, 1u);
}

TEST_F(ServerTest, LimitsAllAnswersThatNobodyTakes) {
  ServerOptions options;
  options.held_limit = 1'000;
  const std::string large(32 * 1024 * 1024, 'x');
  start(options, [&](Request, Responder respond) { respond(json(200, large)); });
  RawSocket slow = RawSocket::connect(server_->port(), 4096);
  RawSocket other = connect();
  RawSocket reader = connect();
  slow.send(kGet);
  ASSERT_NE(slow.read_until("\r\n\r\n"), "");
  reader.send(kGet);
  EXPECT_EQ(reader.answer().body.size(), large.size()) << "one answer alone may be longer";
  while (slow.fill()) {
  }
  EXPECT_LT(slow.received().size(), large.size());
  expect_open(2, 3);
}

TEST_F(ServerTest, ServesWhoeverComesWhateverOthersHoldOpen) {
  constexpr std::string_view kHealth = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
  ServerOptions options;
  options.max_connections = 8;
  start(options);
  RawSocket idle = connect();
  idle.send(kGet);
  ASSERT_EQ(idle.answer().status, 200);
  std::vector<RawSocket> others;
  for (int i = 0; i < 100; ++i) {
    others.push_back(connect());
    if (i % 2 == 0) others.back().send("GET /x HTTP/1.1\r\n");
    if (i % 10 == 0) {
      EXPECT_EQ(ask(kGet).status, 200) << i;
      EXPECT_EQ(ask(kHealth).status, 200) << i;
    }
  }
  EXPECT_TRUE(idle.is_closed_by_peer());
  EXPECT_TRUE(others.front().is_closed_by_peer());
  // A busy server closes others before it sees that the two who asked last have gone.
  EXPECT_TRUE(vbs::test::eventually([&] {
    const ServerCounters counters = server_->counters();
    return counters.connections_total == 121 && counters.connections_open >= 6 &&
           counters.connections_open <= 8;
  }));
  EXPECT_GE(server_->counters().connections_evicted, 93u);
}

TEST_F(ServerTest, ClosesNobodyWhoSendsRequestsForThoseWhoDoNot) {
  ServerOptions options;
  options.max_connections = 8;
  start(options);
  RawSocket busy = connect();
  std::vector<RawSocket> others;
  for (int i = 0; i < 100; ++i) {
    others.push_back(connect());
    busy.send(kGet);
    ASSERT_EQ(busy.answer().status, 200) << i;
  }
}

TEST_F(ServerTest, ClosesNobodyWhoseRequestIsInAHandler) {
  ServerOptions options;
  options.max_connections = 2;
  Waiting waiting;
  start(options, waiting.handler());
  RawSocket first = connect();
  RawSocket second = connect();
  first.send(kGet);
  second.send(kGet);
  ASSERT_TRUE(waiting.wait_for(2));
  std::vector<RawSocket> others;
  for (int i = 0; i < 20; ++i) others.push_back(connect());
  EXPECT_TRUE(others.front().is_closed_by_peer());
  expect_open(4, 22);
  waiting.take(0)(no_content());
  waiting.take(1)(no_content());
  EXPECT_EQ(first.answer().status, 204);
  EXPECT_EQ(second.answer().status, 204);
  expect_open(2, 22);
}

TEST_F(ServerTest, LeavesHalfOfTheDescriptorsToOthers) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit tight{40, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  start();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  std::vector<RawSocket> silent;
  for (int i = 0; i < 60; ++i) silent.push_back(connect());
  EXPECT_TRUE(silent.front().is_closed_by_peer());
  expect_open(20, 60);
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
