#include <chrono>
#include <thread>

#include "tests/unit/http/tls_fixture.h"

namespace vbs::http::test {
namespace {

using std::chrono::steady_clock;

TEST_F(TlsTest, CarriesRequestsAndSaysWhoAsks) {
  serve();
  use(ca_.issue("client", {.alternative_names = "DNS:one.example"}));
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const auto answer = ask(endpoint(host), "hello");
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, "hello");
    EXPECT_EQ(answer->headers.find("X-Peer"), "client");
  }
}

TEST_F(TlsTest, KeepsConnectionsAlive) {
  serve();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(ask(std::to_string(i)));
  EXPECT_EQ(server_->counters().connections_total, 1u);
  EXPECT_EQ(handled_, 20);
}

TEST_F(TlsTest, CarriesLargeBodiesBothWays) {
  ServerOptions options;
  options.body_limit = 16 * 1024 * 1024;
  serve(ca_.issue("server"), options);
  for (const std::size_t size : {16'000u, 16'384u, 16'385u, 100'000u, 5'000'000u}) {
    std::string body(size, '\0');
    for (std::size_t i = 0; i < size; ++i) body[i] = static_cast<char>('a' + i * 7 % 26);
    const auto answer = ask(body);
    ASSERT_TRUE(answer) << size << ": " << answer.error().message;
    EXPECT_TRUE(answer->body == body) << size;
  }
  EXPECT_EQ(server_->counters().connections_total, 1u);
}

TEST_F(TlsTest, ServesManyAtOnce) {
  serve();
  use(ca_.issue("client"));
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        const std::string body(static_cast<std::size_t>(t * 5'000 + i), 'x');
        const auto answer = ask(body);
        if (answer && answer->body == body) ++good;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 200);
}

TEST_F(TlsTest, RefusalOfALargeBodyIsRead) {
  ServerOptions options;
  options.body_limit = 1'000;
  serve(ca_.issue("server"), options);
  for (int i = 0; i < 10; ++i) {
    const auto answer = ask(std::string(400'000, 'x'));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 413u);
  }
}

TEST_F(TlsTest, ContinuesAnExpectedBody) {
  serve();
  TlsPeer peer(server_->port(), ca_.issue("client"));
  ASSERT_TRUE(peer.handshake());
  peer.send("PUT /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(peer.receive(), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.send("hello");
  const std::string answer = peer.receive_until("hello");
  EXPECT_NE(answer.find("200 OK"), std::string::npos);
  EXPECT_EQ(answer.find("Connection: close"), std::string::npos);
  peer.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(peer.receive_until("\r\n\r\n").find("200 OK"), std::string::npos);
}

TEST_F(TlsTest, AnswersPipelinedRequestsInOrder) {
  serve();
  TlsPeer peer(server_->port(), ca_.issue("client"));
  ASSERT_TRUE(peer.handshake());
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    const std::string body = "<" + std::to_string(i) + ">";
    requests += "PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body;
  }
  ASSERT_TRUE(peer.send(requests));
  const std::string answers = peer.receive_until("<49>");
  std::size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    at = answers.find("<" + std::to_string(i) + ">", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST_F(TlsTest, EndsAConnectionInOrder) {
  serve();
  TlsPeer peer(server_->port(), ca_.issue("client"));
  ASSERT_TRUE(peer.handshake());
  peer.send("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(peer.receive_until("\r\n\r\n").find("200 OK"), std::string::npos);
  EXPECT_EQ(peer.receive(), "");
  EXPECT_NE(SSL_get_shutdown(peer.ssl()) & SSL_RECEIVED_SHUTDOWN, 0) << "no close_notify";
}

TEST_F(TlsTest, SendsAgainWhenAnIdleConnectionWasClosed) {
  ServerOptions options;
  options.idle_timeout = Milliseconds(50);
  serve(ca_.issue("server"), options);
  ASSERT_TRUE(ask("1"));
  const auto until = steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
  while (server_->counters().connections_open > 0 && steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_TRUE(ask("2"));
  EXPECT_EQ(server_->counters().connections_total, 2u);
}

TEST_F(TlsTest, HandshakeThatNeverEndsIsBoundedAndCounts) {
  ServerOptions options;
  options.request_timeout = Milliseconds(2'000);
  serve(ca_.issue("server"), options);
  RawSocket silent = RawSocket::connect(server_->port());
  RawSocket half = RawSocket::connect(server_->port());
  half.send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
  const auto began = steady_clock::now();
  while (server_->counters().connections_open < 2 &&
         steady_clock::now() - began < std::chrono::seconds(10)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(server_->counters().connections_open, 2u);
  EXPECT_TRUE(silent.is_closed_by_peer());
  EXPECT_TRUE(half.is_closed_by_peer());
  EXPECT_LT(steady_clock::now() - began, std::chrono::seconds(10));
  EXPECT_EQ(server_->counters().requests_rejected, 2u);
}

TEST_F(TlsTest, LimitsHandshakesByTheirMemory) {
  ServerOptions options;
  options.held_limit = 2 * 128 * 1024;  // two of each shard
  serve(ca_.issue("server"), options);
  ASSERT_TRUE(ask("1"));
  std::vector<RawSocket> silent;
  for (int i = 0; i < 20; ++i) silent.push_back(RawSocket::connect(server_->port()));
  EXPECT_TRUE(silent.front().is_closed_by_peer());
  use(ca_.issue("client"));
  EXPECT_TRUE(ask("2"));
  EXPECT_GE(server_->counters().connections_evicted, 16u);
}

// Neither the handshake nor its end starts the time anew.
TEST_F(TlsTest, HandshakeAndFirstRequestShareOneLimit) {
  ServerOptions options;
  options.request_timeout = Milliseconds(2'000);
  serve(ca_.issue("server"), options);
  TlsPeer peer(server_->port(), ca_.issue("client"));
  const auto began = steady_clock::now();
  std::this_thread::sleep_for(std::chrono::milliseconds(1'500));
  ASSERT_TRUE(peer.handshake());
  EXPECT_EQ(peer.receive(), "");
  EXPECT_LT(steady_clock::now() - began, std::chrono::milliseconds(3'400));
}

TEST_F(TlsTest, StopsWithConnectionsInEveryState) {
  Waiting waiting;
  serve(ca_.issue("server"), {}, waiting.handler());
  const TlsOptions files = ca_.issue("client");
  RawSocket handshaking = RawSocket::connect(server_->port());
  TlsPeer idle(server_->port(), files);
  ASSERT_TRUE(idle.handshake());
  TlsPeer answered(server_->port(), files);
  ASSERT_TRUE(answered.handshake());
  answered.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(waiting.wait_for(1));
  TlsPeer unanswered(server_->port(), files);
  ASSERT_TRUE(unanswered.handshake());
  unanswered.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(waiting.wait_for(2));
  std::thread stopping([&] { server_->stop(Milliseconds(2'000)); });
  waiting.take(0)(json(200, "{}"));
  EXPECT_NE(answered.receive_until("{}").find("200 OK"), std::string::npos);
  stopping.join();
  EXPECT_EQ(idle.receive(), "");
  EXPECT_TRUE(handshaking.is_closed_by_peer());
  EXPECT_EQ(unanswered.receive(), "");
  waiting.take(1)(json(200, "{}"));
}

TEST_F(TlsTest, ClientMayGoWithRequestsUnderWay) {
  Waiting waiting;
  serve(ca_.issue("server"), {}, waiting.handler());
  use(ca_.issue("client"));
  Request request;
  request.path = "/x";
  client_->send(endpoint(), request, Milliseconds(kPatienceMs),
                [](const Result<Response>&) { ADD_FAILURE() << "abandoned, yet answered"; });
  ASSERT_TRUE(waiting.wait_for(1));
  loop_.stop();
  client_.reset();
  waiting.take(0)(json(200, "{}"));
}

// A link that polls would keep its connection for ever, and with it what is not to be believed now.
TEST_F(TlsTest, NewCertificatesEndAConnectionWithItsNextAnswer) {
  serve(ca_.issue("server"));
  ASSERT_TRUE(ask("1"));
  ca_.issue("server", {.alternative_names = "DNS:elsewhere"});
  ASSERT_TRUE(server_certificates_->reload());
  EXPECT_TRUE(ask("2")) << "a running connection was dropped";
  EXPECT_EQ(server_->counters().connections_total, 1u);
  handled_ = 0;
  expect_unreached(ask("3"), "certificate is not for 127.0.0.1");
}

TEST_F(TlsTest, TheClientsNewCertificatesAreShownToo) {
  serve();
  ClientOptions options;
  options.tls = load(ca_.issue("client"));
  client_ = std::make_unique<Client>(loop_, options);
  EXPECT_EQ(ask("1")->headers.find("X-Peer"), "client");
  EXPECT_EQ(ask("2")->headers.find("X-Peer"), "client");
  EXPECT_EQ(server_->counters().connections_total, 1u);
  ASSERT_TRUE(options.tls->reload());
  EXPECT_EQ(ask("3")->headers.find("X-Peer"), "client");
  EXPECT_EQ(server_->counters().connections_total, 2u);
}

}  // namespace
}  // namespace vbs::http::test
