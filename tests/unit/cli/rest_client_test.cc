#include "cli/rest_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/unit/http/raw_socket.h"
#include "tests/unit/http/test_ca.h"
#include "tests/unit/http/tls_server_side.h"

namespace vbs::cli {
namespace {

using http::test::RawServer;
using http::test::RawSocket;
using http::test::TlsServerSide;
using ::testing::HasSubstr;

constexpr Milliseconds kDeadline{http::test::kPatienceMs};
constexpr const char* kHeadEnd = "\r\n\r\n";

/// What the server sends of an answer before the connection is lost. The last one is nothing: after
/// the others cpprestsdk's threads have something left to do, which a program that ends there
/// leaks.
constexpr std::array kPartsOfAnswers{
    "HTTP/1.1 20",
    "HTTP/1.1 202 Accepted\r\nContent-Le",
    "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{",
    "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    "HTTP/1.1 202 Accepted\r\nContent-Length: 50\r\n\r\n{",
    "",
};

class RestClientTest : public ::testing::Test {
 protected:
  std::string url(const char* scheme, std::uint16_t port) const {
    return std::string(scheme) + "://127.0.0.1:" + std::to_string(port);
  }

  /// A delete has no body: its head is all of it.
  Error error_of_change(const std::string& url, http::Method method = http::Method::del) {
    RestClient client(url, Secret{}, ca_.issue("cli"), pause_);
    http::Request request;
    request.method = method;
    request.path = "/v1/volumes/1";
    if (method != http::Method::del) request.body = "{}";
    const auto answer = client.send(request, kDeadline);
    EXPECT_FALSE(answer);
    return answer ? Error{} : answer.error();
  }

  void expect_maybe_taken(const std::string& url, const std::string& what) {
    for (const auto method : {http::Method::del, http::Method::post}) {
      const Error error = error_of_change(url, method);
      EXPECT_EQ(error.code, ErrorCode::timeout) << what << ": " << error.message;
      EXPECT_EQ(error.message, "the connection was lost") << what;
    }
  }

  void expect_not_sent(const std::string& url, const std::string& word) {
    const Error error = error_of_change(url);
    EXPECT_EQ(error.code, ErrorCode::node_unavailable) << error.message;
    EXPECT_THAT(error.message, HasSubstr(word));
  }

  http::test::TestCa ca_;
  SignalPause pause_;
};

TEST_F(RestClientTest, ALostConnectionMayHaveCarriedTheRequest) {
  for (const bool reset : {false, true}) {
    for (const std::string part : kPartsOfAnswers) {
      const RawServer server([&](RawSocket& socket, int) {
        socket.read_until(kHeadEnd);
        socket.send(part);
        if (reset) http::test::reset_at_end(socket);
      });
      expect_maybe_taken(url("http", server.port()), (reset ? "reset after " : "") + part);
    }
  }
}

// A process that is killed takes no leave of TLS, and its connections end or, if it had left
// something unread, are reset.
TEST_F(RestClientTest, SoMayOneOverTls) {
  const http::TlsOptions files = ca_.issue("server");
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const bool reset : {false, true}) {
      for (const std::string part : {kPartsOfAnswers[4], kPartsOfAnswers[5]}) {
        const RawServer server([&](RawSocket& socket, int) {
          TlsServerSide tls(socket, files, version);
          EXPECT_TRUE(tls.handshake());
          tls.receive_until(kHeadEnd);
          if (!part.empty()) tls.send(part);
          if (reset) http::test::reset_at_end(socket);
        });
        expect_maybe_taken(url("https", server.port()), (reset ? "reset after " : "") + part);
      }
    }
  }
}

TEST_F(RestClientTest, WhatIsNoHttpIsNoAnswer) {
  const RawServer server([](RawSocket& socket, int) {
    socket.read_until(kHeadEnd);
    socket.send("SSH-2.0-OpenSSH\r\n\r\n");
  });
  const Error error = error_of_change(url("http", server.port()));
  EXPECT_EQ(error.code, ErrorCode::timeout);
  EXPECT_EQ(error.message, "Invalid HTTP status line");
}

TEST_F(RestClientTest, WithoutAConnectionNothingIsSent) {
  std::uint16_t port = 0;
  {
    const RawServer gone([](RawSocket&, int) {});
    port = gone.port();
  }
  for (const char* scheme : {"http", "https"}) expect_not_sent(url(scheme, port), "connect");
  expect_not_sent("http://nowhere.invalid:1", "resolving");
}

TEST_F(RestClientTest, NorIsItWithoutAHandshake) {
  for (const bool reset : {false, true}) {
    const RawServer server([&](RawSocket& socket, int) {
      socket.fill();
      if (reset) http::test::reset_at_end(socket);
    });
    expect_not_sent(url("https", server.port()), "handshake");
  }
  const RawServer plain([](RawSocket& socket, int) { socket.send("HTTP/1.1 400 No\r\n\r\n"); });
  expect_not_sent(url("https", plain.port()), "handshake");
}

}  // namespace
}  // namespace vbs::cli
