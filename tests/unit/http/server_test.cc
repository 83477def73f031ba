#include <string>
#include <thread>

#include "tests/unit/http/server_fixture.h"

namespace vbs::http::test {
namespace {

TEST_F(ServerTest, AnswersWithTheFieldsThatBelongToAnAnswer) {
  start();
  const RawAnswer answer = ask("POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "POST /v1/x hello");
  EXPECT_EQ(answer.field("Content-Type"), "text/plain");
  EXPECT_EQ(answer.field("Content-Length"), "16");
  EXPECT_EQ(answer.field("Connection"), "");
  EXPECT_NE(answer.field("X-Request-Id"), "");
  const std::string date = answer.field("Date");
  EXPECT_EQ(date.size(), 29u);
  EXPECT_EQ(date.substr(26), "GMT");
}

TEST_F(ServerTest, KeepsAConnectionForManyRequests) {
  start();
  RawSocket socket = connect();
  for (int i = 0; i < 20; ++i) {
    socket.send("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(socket.answer().body, "GET /" + std::to_string(i) + " ");
  }
  EXPECT_EQ(server_->counters().connections_total, 1u);
  EXPECT_EQ(server_->counters().requests_total, 20u);
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  start();
  RawSocket socket = connect();
  std::string bytes;
  for (int i = 0; i < 500; ++i) {
    const std::string body(static_cast<std::size_t>(i), 'b');
    bytes += "PUT /" + std::to_string(i) +
             " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(i) + "\r\n\r\n" + body;
  }
  std::thread sender([&] { EXPECT_TRUE(socket.send(bytes)); });
  for (int i = 0; i < 500; ++i) {
    const std::string body(static_cast<std::size_t>(i), 'b');
    ASSERT_EQ(socket.answer().body, "PUT /" + std::to_string(i) + " " + body);
  }
  sender.join();
}

TEST_F(ServerTest, KeepsTheOrderWhenHandlersAnswerLate) {
  Waiting waiting;
  start({}, waiting.handler());
  RawSocket socket = connect();
  socket.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(waiting.wait_for(1));
  waiting.take(0)(json(200, "1"));
  ASSERT_TRUE(waiting.wait_for(2));
  waiting.take(1)(json(200, "2"));
  EXPECT_EQ(socket.answer().body, "1");
  EXPECT_EQ(socket.answer().body, "2");
}

TEST_F(ServerTest, AnswersHeadWithoutABody) {
  start();
  RawSocket socket = connect();
  socket.send("HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n");
  const RawAnswer answer = socket.answer(true);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.field("Content-Length"), "8");
  socket.send("GET /g HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(socket.answer().body, "GET /g ");
}

TEST_F(ServerTest, Answers204WithoutBodyAndLength) {
  start({}, [](Request, Responder respond) { respond(no_content()); });
  const RawAnswer answer = ask("DELETE /x HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.field("Content-Length"), "");
  EXPECT_EQ(answer.field("Content-Type"), "");
}

TEST_F(ServerTest, ClosesWhenAskedTo) {
  start();
  RawSocket socket = connect();
  socket.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(socket.answer().field("Connection"), "close");
  EXPECT_TRUE(socket.is_closed_by_peer());
}

TEST_F(ServerTest, SpeaksHttp10) {
  start();
  RawSocket once = connect();
  once.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(once.answer().field("Connection"), "close");
  EXPECT_TRUE(once.is_closed_by_peer());

  RawSocket kept = connect();
  for (int i = 0; i < 2; ++i) {
    kept.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const RawAnswer answer = kept.answer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.field("Connection"), "keep-alive");
  }
}

TEST_F(ServerTest, AnswersAClientThatHasFinishedSending) {
  start();
  RawSocket socket = connect();
  socket.send("GET /last HTTP/1.1\r\nHost: x\r\n\r\n");
  socket.finish_sending();
  EXPECT_EQ(socket.answer().body, "GET /last ");
}

TEST_F(ServerTest, ReadsAChunkedBodyInAnyPieces) {
  start();
  RawSocket socket = connect();
  const std::string bytes =
      "PUT /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;name=value\r\nhello\r\n1\r\n \r\n005\r\nworld\r\n0\r\nTrailer-Field: dropped\r\n\r\n";
  socket.send(bytes);
  EXPECT_EQ(socket.answer().body, "PUT /c hello world");
  for (const char c : bytes) ASSERT_TRUE(socket.send(std::string_view(&c, 1)));
  EXPECT_EQ(socket.answer().body, "PUT /c hello world");
}

TEST_F(ServerTest, GivesHandlersADecodedTargetAndThePeer) {
  start({}, [](Request request, Responder respond) {
    respond(json(200, request.path + "|" + std::string(request.query_value("a b").value_or("-")) +
                          "|" + request.peer));
  });
  RawSocket socket = connect();
  socket.send("GET http://h/v1/a%20b?a%20b=1%2F2 HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string body = socket.answer().body;
  EXPECT_TRUE(body.starts_with("/v1/a b|1/2|127.0.0.1:")) << body;
}

TEST_F(ServerTest, TakesARequestIdOnlyIfItIsSafe) {
  start({}, [](Request request, Responder respond) { respond(json(200, request.id)); });
  const auto id_for = [&](const std::string& given) {
    const RawAnswer answer =
        ask("GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: " + given + "\r\n\r\n");
    EXPECT_EQ(answer.field("X-Request-Id"), answer.body);
    return answer.body;
  };
  EXPECT_EQ(id_for("abc.DEF_1-2"), "abc.DEF_1-2");
  EXPECT_EQ(id_for(std::string(64, 'a')), std::string(64, 'a'));
  EXPECT_NE(id_for(std::string(65, 'a')), std::string(65, 'a'));
  EXPECT_NE(id_for("a b"), "a b");
  EXPECT_NE(id_for("a\"b"), "a\"b");
  EXPECT_NE(id_for("x y"), id_for("x y"));
}

TEST_F(ServerTest, IgnoresEmptyLinesBeforeARequest) {
  start();
  RawSocket socket = connect();
  socket.send("\r\n\r");
  socket.send("\nGET /1 HTTP/1.1\r\nHost: x\r\n\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(socket.answer().body, "GET /1 ");
  EXPECT_EQ(socket.answer().body, "GET /2 ");
}

TEST_F(ServerTest, SendsContinueOnlyWhenTheBodyIsWanted) {
  start();
  RawSocket socket = connect();
  const std::string head = "PUT /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ";
  socket.send(head + "2\r\n\r\n");
  EXPECT_EQ(socket.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  socket.send("ok");
  EXPECT_EQ(socket.answer().body, "PUT /e ok");

  expect_refused(413, head + "314572800\r\n\r\n");
  expect_refused(417, "PUT /e HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 2\r\n\r\n");
}

TEST_F(ServerTest, ServesManyClientsAtOnce) {
  start();
  std::vector<std::thread> clients;
  for (int c = 0; c < 8; ++c) {
    clients.emplace_back([&, c] {
      RawSocket socket = connect();
      for (int i = 0; i < 200; ++i) {
        const std::string path = "/" + std::to_string(c) + "/" + std::to_string(i);
        ASSERT_TRUE(socket.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"));
        ASSERT_EQ(socket.answer().body, "GET " + path + " ");
      }
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(server_->counters().requests_total, 1600u);
}

TEST_F(ServerTest, RefusesOptionsThatCannotWork) {
  const auto error_of_start = [](const ServerOptions& options) {
    auto server = Server::start(options, ServerTest::echo());
    return server ? std::string("started") : std::string(to_string(server.error().code));
  };
  ServerOptions bad_address;
  bad_address.address = "not an address";
  EXPECT_EQ(error_of_start(bad_address), "invalid-field");
  ServerOptions no_threads;
  no_threads.threads = 0;
  EXPECT_EQ(error_of_start(no_threads), "invalid-field");
  start();
  ServerOptions taken;
  taken.port = server_->port();
  EXPECT_EQ(error_of_start(taken), "conflict");
}

}  // namespace
}  // namespace vbs::http::test
