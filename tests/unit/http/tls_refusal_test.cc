#include "common/http/blocking.h"
#include "tests/unit/http/tls_fixture.h"
#include "tests/unit/http/tls_server_side.h"

namespace vbs::http::test {
namespace {

// What the client refuses of the server.

TEST_F(TlsTest, ServerForAnotherHost) {
  serve(ca_.issue("server", {.alternative_names = "DNS:vs2,IP:192.0.2.1"}));
  expect_unreached(ask(endpoint()), "certificate is not for 127.0.0.1");
  expect_unreached(ask(endpoint("localhost")), "certificate is not for localhost");
}

TEST_F(TlsTest, NameInTheSubjectAloneDoesNotCount) {
  serve(ca_.issue("localhost", {.alternative_names = ""}));
  expect_unreached(ask(endpoint("localhost")), "certificate is not for localhost");
}

TEST_F(TlsTest, AddressIsNoName) {
  serve(ca_.issue("server", {.alternative_names = "DNS:127.0.0.1"}));
  expect_unreached(ask(endpoint()), "certificate is not for 127.0.0.1");
}

TEST_F(TlsTest, ServerOfAnotherCa) {
  serve(other_ca_.issue("server"));
  expect_unreached(ask(), "certificate is not of our CA");
}

TEST_F(TlsTest, ServerWhoseCertificateHasExpired) {
  serve(ca_.issue("server", {.from_days = -3, .to_days = -2}));
  expect_unreached(ask(), "has expired");
}

TEST_F(TlsTest, ServerWhoseCertificateIsNotValidYet) {
  serve(ca_.issue("server", {.from_days = 2, .to_days = 3}));
  expect_unreached(ask(), "not valid yet");
}

TEST_F(TlsTest, ServerSignedByItself) {
  TlsOptions files = other_ca_.issue_self_signed("server");
  files.ca_file = files.certificate_file;
  serve(files);
  expect_unreached(ask(), "signed by itself");
}

TEST_F(TlsTest, CertificateForClientsIsNoServers) {
  serve(ca_.issue("server", {.usage = "clientAuth"}));
  expect_unreached(ask(), "not for this use");
}

TEST_F(TlsTest, ServerWithoutTls) {
  auto server = Server::start({}, echo());
  ASSERT_TRUE(server);
  server_ = std::move(*server);
  expect_unreached(ask(), "it does not speak TLS");
}

TEST_F(TlsTest, ServerThatStaysSilentInTheHandshake) {
  const RawServer silent([](RawSocket& socket, int) { socket.read_until("never"); });
  const auto result =
      ask(Endpoint{"127.0.0.1", silent.port(), true}, "", Method::put, Milliseconds(200));
  expect_unreached(result, "no connection within 200 ms");
}

// Ciphers and the security level keep our client from old versions, too: the second time its
// minimum alone does.
TEST_F(TlsTest, ServerThatSpeaksOnlyOldVersions) {
  const TlsOptions files = ca_.issue("server");
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    const RawServer old([&](RawSocket& socket, int) {
      TlsServerSide tls(socket, files, version);
      if (!tls.handshake()) return;
      tls.receive_until("\r\n\r\n");
      ++handled_;
      tls.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    ASSERT_TRUE(TlsPeer(old.port(), {}, version).is_served());
    handled_ = 0;
    for (const bool any_cipher : {false, true}) {
      ClientOptions options;
      options.tls = load(ca_.issue("client"));
      if (any_cipher) SSL_CTX_set_cipher_list(options.tls->current().get(), "ALL:@SECLEVEL=0");
      client_ = std::make_unique<Client>(loop_, options);
      expect_unreached(ask(Endpoint{"127.0.0.1", old.port(), true}), "version");
    }
  }
}

TEST_F(TlsTest, ClientWithoutCertificatesDoesNotSpeakHttps) {
  serve();
  client_ = std::make_unique<Client>(loop_);
  expect_unreached(ask(), "no certificate for https");
}

// What the server refuses of the client.

TEST_F(TlsTest, ClientOfAnotherCa) {
  serve();
  // It believes the server's CA, and shows a certificate of its own.
  TlsOptions files = other_ca_.issue("client");
  auto own = load(files);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    EXPECT_FALSE(TlsPeer(server_->port(), files, version).is_served());
  }
  EXPECT_EQ(handled_, 0);
}

TEST_F(TlsTest, ClientWithoutACertificate) {
  serve();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    EXPECT_FALSE(TlsPeer(server_->port(), {}, version).is_served());
  }
  EXPECT_EQ(handled_, 0);
}

TEST_F(TlsTest, ClientSignedByItself) {
  serve();
  EXPECT_FALSE(TlsPeer(server_->port(), ca_.issue_self_signed("client")).is_served());
  EXPECT_EQ(handled_, 0);
}

// The refusal comes after the client's first bytes; it must not read as "outcome unknown".
TEST_F(TlsTest, ClientIsToldThatItsCertificateHasExpired) {
  serve();
  use(ca_.issue("client", {.from_days = -3, .to_days = -2}));
  for (int i = 0; i < 20; ++i) {
    expect_unreached(ask(endpoint(), std::string(i * 10'000, 'x'), Method::post),
                     "refused our certificate, which has expired");
  }
}

TEST_F(TlsTest, CertificateForServersIsNoClients) {
  serve();
  use(ca_.issue("client", {.usage = "serverAuth"}));
  expect_unreached(ask(), "refused our certificate");
}

TEST_F(TlsTest, OldVersionsAreRefused) {
  serve();
  const TlsOptions good = ca_.issue("client");
  EXPECT_FALSE(TlsPeer(server_->port(), good, TLS1_VERSION).handshake());
  EXPECT_FALSE(TlsPeer(server_->port(), good, TLS1_1_VERSION).handshake());
  EXPECT_TRUE(TlsPeer(server_->port(), good, TLS1_2_VERSION).is_served());
  EXPECT_TRUE(TlsPeer(server_->port(), good, TLS1_3_VERSION).is_served());
}

TEST_F(TlsTest, RenegotiationIsRefused) {
  serve();
  TlsPeer peer(server_->port(), ca_.issue("client"), TLS1_2_VERSION);
  ASSERT_TRUE(peer.is_served());
  ASSERT_EQ(SSL_renegotiate(peer.ssl()), 1);
  EXPECT_NE(SSL_do_handshake(peer.ssl()), 1);
  EXPECT_EQ(peer.last_error(), "no renegotiation");
}

TEST_F(TlsTest, PlainHttpIsClosedUnanswered) {
  serve();
  RawSocket socket = RawSocket::connect(server_->port());
  socket.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  while (socket.fill()) {
  }
  EXPECT_EQ(socket.received().find("HTTP"), std::string::npos) << socket.received();
  EXPECT_EQ(handled_, 0);
  EXPECT_EQ(server_->counters().requests_rejected, 1u);
}

TEST_F(TlsTest, OnlyTheNamedIdentityIsLetThrough) {
  serve(ca_.issue("server"), {}, require_identity("vbsd", echo()));
  use(ca_.issue("cli"));
  const auto refused = ask("x");
  ASSERT_TRUE(refused) << refused.error().message;
  EXPECT_EQ(refused->status, 403u);
  EXPECT_NE(error_of(*refused).message.find("of vbsd only, and was shown that of cli"),
            std::string::npos)
      << refused->body;
  EXPECT_EQ(handled_, 0);
  use(ca_.issue("vbsd"));
  EXPECT_EQ(ask("x")->status, 200u);
  use(ca_.issue("front.example", {.alternative_names = "DNS:front,DNS:vbsd"}));
  EXPECT_EQ(ask("x")->status, 200u);
}

}  // namespace
}  // namespace vbs::http::test
