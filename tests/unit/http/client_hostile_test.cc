#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/http/client_fixture.h"

namespace vbs::http::test {
namespace {

struct Garbage {
  const char* name;
  std::string answer;
};

class HostileAnswer : public ClientTest, public ::testing::WithParamInterface<Garbage> {};

TEST_P(HostileAnswer, IsAnErrorOfUnknownOutcome) {
  RawServer server([](RawSocket& socket, int) {
    read_request(socket);
    socket.send(GetParam().answer);
  });
  ClientOptions options;
  options.body_limit = 1'000;
  start(options);
  const auto answer = ask(server.port(), request(Method::put, "/x", "{}"));
  ASSERT_FALSE(answer) << answer->status << answer->body;
  EXPECT_EQ(answer.error().code, ErrorCode::timeout);
  EXPECT_NE(answer.error().message.find("unknown"), std::string::npos);
}

const std::string kChunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

INSTANTIATE_TEST_SUITE_P(
    Answers, HostileAnswer,
    ::testing::Values(
        Garbage{"Nothing", ""}, Garbage{"Text", "hello\r\n"},
        Garbage{"Binary", std::string("\0\1\2\3", 4)},
        Garbage{"ChunkMinus1", kChunkedHead + "-1\r\n"},
        Garbage{"ChunkAllOnes", kChunkedHead + "FFFFFFFFFFFFFFFF\r\n"},
        Garbage{"ChunkOverflow", kChunkedHead + "10000000000000000\r\n"},
        Garbage{"ChunksCutShort", kChunkedHead + "2\r\nab\r\n"},
        Garbage{"EndlessHeader",
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: " + std::string(100'000, 'x')},
        Garbage{"EndlessStatusLine", "HTTP/1.1 200 " + std::string(100'000, 'x')},
        Garbage{"BodyAboveLimit", ok(std::string(1'001, 'x'))},
        Garbage{"ChunksAboveLimit", kChunkedHead + "3E9\r\n"},
        Garbage{"BodyCutShort", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"},
        Garbage{"NoLength", "HTTP/1.1 200 OK\r\n\r\nabc"},
        Garbage{"BadLength", "HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nabc"},
        Garbage{"TwoLengths",
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"},
        Garbage{"LengthBesideCoding",
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
        Garbage{"UnknownCoding",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunkedx\r\n\r\n0\r\n\r\n"},
        Garbage{"BareLf", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"},
        Garbage{"Folded", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n"},
        Garbage{"BadStatus", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"},
        Garbage{"Status999", "HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n"},
        Garbage{"Switching", "HTTP/1.1 101 Switching\r\n\r\n"},
        Garbage{"EndlessInterim",
                [] {
                  std::string answer;
                  for (int i = 0; i < 20; ++i) answer += "HTTP/1.1 100 Continue\r\n\r\n";
                  return answer + ok("late");
                }()}),
    [](const auto& one) { return one.param.name; });

TEST_F(ClientTest, GivesADripFeedingServerUp) {
  RawServer server([](RawSocket& socket, int) {
    read_request(socket);
    socket.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    while (socket.send("x")) socket.fill(5);
  });
  const auto answer = ask(server.port(), request(Method::get), Milliseconds(200));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::timeout);
}

TEST_F(ClientTest, GivesASilentServerUp) {
  RawServer server([](RawSocket& socket, int) { socket.fill(), socket.fill(); });
  const auto answer = ask(server.port(), request(Method::post, "/x", "{}"), Milliseconds(100));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::timeout);
}

TEST_F(ClientTest, GivesAServerUpThatDoesNotRead) {
  std::promise<void> release;
  auto released = release.get_future().share();
  RawServer server([&](RawSocket&, int) { released.wait(); });
  const auto answer = ask(server.port(), request(Method::put, "/x", std::string(32'000'000, 'b')),
                          Milliseconds(200));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::timeout);
  release.set_value();
}

TEST_F(ClientTest, NeverTakesALateAnswerForTheNextRequest) {
  std::promise<void> given_up;
  auto up = given_up.get_future().share();
  RawServer server([&](RawSocket& socket, int number) {
    read_request(socket);
    if (number == 0) up.wait();
    socket.send(ok(number == 0 ? "late" : "fresh"));
    socket.fill();
  });
  const auto late = ask(server.port(), request(Method::get), Milliseconds(100));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::timeout);
  given_up.set_value();
  const auto fresh = ask(server.port(), request(Method::get));
  ASSERT_TRUE(fresh) << fresh.error().message;
  EXPECT_EQ(fresh->body, "fresh");
  loop_.stop();
  client_.reset();
}

TEST_F(ClientTest, DropsAConnectionWithMoreThanTheAnswer) {
  RawServer server([](RawSocket& socket, int number) {
    read_request(socket);
    socket.send(ok(std::to_string(number)) + (number == 0 ? ok("planted") : ""));
    socket.fill();
  });
  EXPECT_EQ(ask(server.port(), request(Method::get))->body, "0");
  EXPECT_EQ(ask(server.port(), request(Method::get))->body, "1");
  loop_.stop();
  client_.reset();
}

TEST_F(ClientTest, ReadsPastInterimAnswers) {
  RawServer server([](RawSocket& socket, int) {
    read_request(socket);
    socket.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" +
                ok("final"));
  });
  const auto answer = ask(server.port(), request(Method::get));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "final");
}

TEST_F(ClientTest, TakesARefusalBeforeTheBodyIsSent) {
  RawServer server([](RawSocket& socket, int) {
    socket.read_until("\r\n\r\n");
    socket.send("HTTP/1.1 413 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
    socket.finish_sending();
    while (socket.fill()) {
    }
  });
  const auto answer = ask(server.port(), request(Method::put, "/x", std::string(32'000'000, 'b')));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 413u);
}

/// Serves one request per connection and then cuts it, having promised to keep it. The cut comes
/// when the second request arrived, so the client cannot know before it sends.
RawServer::Script cutting_after_first(std::atomic<int>& requests) {
  return [&requests](RawSocket& socket, int) {
    for (int i = 0; i < 2; ++i) {
      if (socket.read_until("\r\n\r\n").empty()) return;
      ++requests;
      if (i == 0) socket.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
    socket.close();
  };
}

TEST_F(ClientTest, SendsAnIdempotentRequestAgainOnAFreshConnection) {
  std::atomic<int> requests{0};
  RawServer server(cutting_after_first(requests));
  ASSERT_TRUE(ask(server.port(), request(Method::get)));
  const auto again = ask(server.port(), request(Method::put));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(requests.load(), 3);
  loop_.stop();
  client_.reset();
}

TEST_F(ClientTest, NeverSendsAPostTwice) {
  std::atomic<int> requests{0};
  RawServer server(cutting_after_first(requests));
  ASSERT_TRUE(ask(server.port(), request(Method::get)));
  const auto post = ask(server.port(), request(Method::post));
  ASSERT_FALSE(post);
  EXPECT_EQ(post.error().code, ErrorCode::timeout);
  EXPECT_EQ(requests.load(), 2);
}

/// Whether nobody listens there any more, soon.
bool until_refused(std::uint16_t port) {
  for (int i = 0; i < kPatienceMs; ++i) {
    if (!RawSocket::connect(port).is_open()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

// As a service that carries the request out and dies: nobody can tell that nothing was sent.
TEST_F(ClientTest, KnowsNotWhatBecameOfARequestWhoseServerIsGone) {
  std::string second;
  std::promise<void> gone;
  auto server = std::make_unique<RawServer>([&](RawSocket& socket, int) {
    read_request(socket);
    socket.send(ok("1"));
    second = read_request(socket);
    gone.get_future().wait();
    socket.close();
  });
  const std::uint16_t port = server->port();
  ASSERT_TRUE(ask(port, request(Method::get)));
  auto answer = begin(local(port), request(Method::del, "/volumes/1"));
  std::thread going([&] { server.reset(); });  // stops listening, and waits for the script
  ASSERT_TRUE(until_refused(port));
  gone.set_value();
  going.join();
  const auto lost = answer.get();
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::timeout) << lost.error().message;
  EXPECT_NE(lost.error().message.find("unknown"), std::string::npos) << lost.error().message;
  EXPECT_EQ(lost.error().message.find("nothing was sent"), std::string::npos);
  EXPECT_EQ(second.substr(0, 17), "DELETE /volumes/1");
}

TEST_F(ClientTest, SendsNothingTwiceAfterAByteOfTheAnswer) {
  std::atomic<int> requests{0};
  RawServer server([&](RawSocket& socket, int) {
    for (int i = 0; i < 2; ++i) {
      if (socket.read_until("\r\n\r\n").empty()) return;
      ++requests;
      socket.send(i == 0 ? ok("1") : "H");
    }
    socket.close();
  });
  ASSERT_TRUE(ask(server.port(), request(Method::get)));
  const auto cut = ask(server.port(), request(Method::get));
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, ErrorCode::timeout);
  EXPECT_EQ(requests.load(), 2);
}

TEST_F(ClientTest, TakesAFreshConnectionWhenTheKeptOneWasClosed) {
  std::promise<void> closed;
  RawServer server([&](RawSocket& socket, int number) {
    read_request(socket);
    socket.send(ok(std::to_string(number)));
    socket.close();
    if (number == 0) closed.set_value();
  });
  EXPECT_EQ(ask(server.port(), request(Method::get))->body, "0");
  closed.get_future().wait();
  const auto post = ask(server.port(), request(Method::post));
  ASSERT_TRUE(post) << post.error().message;
  EXPECT_EQ(post->body, "1");
}

}  // namespace
}  // namespace vbs::http::test
