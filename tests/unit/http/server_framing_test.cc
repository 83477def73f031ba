#include <string>
#include <vector>

#include "tests/unit/http/server_fixture.h"

namespace vbs::http::test {
namespace {

std::string put(std::string_view fields, std::string_view body = "") {
  return "PUT /x HTTP/1.1\r\nHost: x\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

std::string chunked(std::string_view body) {
  return put("Transfer-Encoding: chunked\r\n", body);
}

struct Case {
  const char* name;
  int status;
  std::string bytes;
};

class RefusedFraming : public ServerTest, public ::testing::WithParamInterface<Case> {};

TEST_P(RefusedFraming, IsAnsweredAndClosed) {
  start({}, [](Request, Responder respond) { respond(json(200, "\"the handler ran\"")); });
  expect_refused(GetParam().status, GetParam().bytes);
  EXPECT_EQ(server_->counters().requests_total, 0u);
  EXPECT_EQ(server_->counters().requests_rejected, 1u);
  expect_still_serving();
}

INSTANTIATE_TEST_SUITE_P(
    Chunks, RefusedFraming,
    ::testing::Values(Case{"Minus1", 400, chunked("-1\r\n")},
                      Case{"Minus2", 400, chunked("-2\r\nab\r\n0\r\n\r\n")},
                      Case{"AllOnes", 413, chunked("FFFFFFFFFFFFFFFF\r\nab")},
                      Case{"Overflow", 400, chunked("10000000000000000\r\nab")},
                      Case{"AboveLimit", 413, chunked("100001\r\n")},
                      Case{"ManyToAboveLimit", 413,
                           chunked("80000\r\n" + std::string(0x80000, 'a') + "\r\n80001\r\n")},
                      Case{"NoSize", 400, chunked("\r\nab\r\n0\r\n\r\n")},
                      Case{"HexPrefix", 400, chunked("0x2\r\nab\r\n0\r\n\r\n")},
                      Case{"Plus", 400, chunked("+2\r\nab\r\n0\r\n\r\n")},
                      Case{"LeadingSpace", 400, chunked(" 2\r\nab\r\n0\r\n\r\n")},
                      Case{"BareCrInSize", 400, chunked("2\rab\r\n0\r\n\r\n")},
                      Case{"LongerThanSaid", 400, chunked("2\r\nabc\r\n0\r\n\r\n")},
                      Case{"EndlessExtension", 400, chunked("2;" + std::string(40'000, 'e'))},
                      Case{"LongExtensionThatEnds", 400,
                           chunked("2;" + std::string(40'000, 'e') + "\r\nab\r\n0\r\n\r\n")},
                      Case{"ExtensionBeyondItsLine", 400, chunked("2;a=\"b\r\nab\r\n0\r\n\r\n")},
                      Case{"EndlessTrailers", 400, chunked("0\r\nT: " + std::string(40'000, 't'))},
                      Case{"BadTrailer", 400, chunked("0\r\nbad trailer\r\n\r\n")}),
    [](const auto& one) { return one.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Lengths, RefusedFraming,
    ::testing::Values(
        Case{"Letters", 400, put("Content-Length: abc\r\n")},
        Case{"Negative", 400, put("Content-Length: -1\r\n")},
        Case{"Plus", 400, put("Content-Length: +1\r\n", "a")},
        Case{"Empty", 400, put("Content-Length:\r\n")},
        Case{"Hex", 400, put("Content-Length: 0x1\r\n", "a")},
        Case{"Overflow", 400, put("Content-Length: 18446744073709551616\r\n")},
        Case{"Huge", 413, put("Content-Length: 18446744073709551615\r\n")},
        Case{"AboveLimit", 413, put("Content-Length: 1048577\r\n")},
        Case{"Two", 400, put("Content-Length: 1\r\nContent-Length: 2\r\n", "ab")},
        Case{"TwoAlike", 400, put("Content-Length: 1\r\ncontent-length: 1\r\n", "a")},
        Case{"List", 400, put("Content-Length: 1, 1\r\n", "a")},
        Case{"BesideChunked", 400,
             put("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
        Case{"BehindChunked", 400,
             put("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", "0\r\n\r\n")},
        Case{"UnknownCoding", 400, put("Transfer-Encoding: xchunkedx\r\n", "0\r\n\r\n")},
        Case{"ListOfCodings", 400, put("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")},
        Case{"ChunkedTwice", 400,
             put("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
        Case{"ChunkedListedTwice", 400,
             put("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")},
        Case{"EmptyCoding", 400, put("Transfer-Encoding:\r\n", "0\r\n\r\n")},
        Case{"ChunkedInHttp10", 400,
             "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}),
    [](const auto& one) { return one.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Heads, RefusedFraming,
    ::testing::Values(Case{"BareLf", 400, "GET / HTTP/1.1\nHost: x\n\n"},
                      Case{"BareLfInOneField", 400, "GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n"},
                      Case{"BareCr", 400, "GET / HTTP/1.1\r\nHost: x\rX: y\r\n\r\n"},
                      Case{"Folded", 400, "GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n"},
                      Case{"FoldedByTab", 400, "GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n\tb\r\n\r\n"},
                      Case{"FoldedFirst", 400, "GET / HTTP/1.1\r\n Host: x\r\n\r\n"},
                      Case{"SpaceBeforeColon", 400, "GET / HTTP/1.1\r\nHost : x\r\n\r\n"},
                      Case{"NoColon", 400, "GET / HTTP/1.1\r\nHost: x\r\nnothing\r\n\r\n"},
                      Case{"EmptyName", 400, "GET / HTTP/1.1\r\nHost: x\r\n: v\r\n\r\n"},
                      Case{"NulInValue", 400,
                           std::string("GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n", 36)},
                      Case{"NoHost", 400, "GET / HTTP/1.1\r\n\r\n"},
                      Case{"TwoHosts", 400, "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n"},
                      Case{"Http2Preface", 400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
                      Case{"Http09", 400, "GET /\r\n\r\n"},
                      Case{"Version12", 400, "GET / HTTP/1.2\r\n\r\n"},
                      Case{"BehindVersion", 400, "GET / HTTP/1.1 x\r\nHost: x\r\n\r\n"},
                      Case{"TwoSpaces", 400, "GET  / HTTP/1.1\r\nHost: x\r\n\r\n"},
                      Case{"NoTarget", 400, "GET HTTP/1.1\r\nHost: x\r\n\r\n"},
                      Case{"TlsHello", 400, std::string("\x16\x03\x01\x02\x00", 5)},
                      Case{"TooManyFields", 431,
                           "GET / HTTP/1.1\r\nHost: x\r\n" +
                               [] {
                                 std::string fields;
                                 for (int i = 0; i < 100; ++i) fields += "a:\r\n";
                                 return fields;
                               }() +
                               "\r\n"},
                      Case{"LongLine", 431, "GET /" + std::string(20'000, 'a')},
                      Case{"DotDot", 400, "GET /a/../b HTTP/1.1\r\nHost: x\r\n\r\n"},
                      Case{"EncodedDotDot", 400, "GET /a/%2e%2E HTTP/1.1\r\nHost: x\r\n\r\n"},
                      Case{"EncodedNul", 400, "GET /a%00 HTTP/1.1\r\nHost: x\r\n\r\n"},
                      Case{"EncodedSlash", 400, "GET /a%2fb HTTP/1.1\r\nHost: x\r\n\r\n"},
                      Case{"Authority", 400, "CONNECT host:1 HTTP/1.1\r\nHost: x\r\n\r\n"},
                      Case{"StarForGet", 400, "GET * HTTP/1.1\r\nHost: x\r\n\r\n"}),
    [](const auto& one) { return one.param.name; });

TEST_F(ServerTest, RefusesBadFramingWhereverThePacketsEnd) {
  start();
  const std::string bytes = chunked("2\r\nab\r\n-1\r\n");
  for (std::size_t cut = 1; cut < bytes.size(); cut += 7) {
    RawSocket socket = connect();
    ASSERT_TRUE(socket.send(bytes.substr(0, cut)));
    ASSERT_TRUE(socket.send(bytes.substr(cut)));
    EXPECT_EQ(socket.answer().status, 400) << cut;
  }
}

TEST_F(ServerTest, NeverReadsARefusedBodyAsTheNextRequest) {
  start();
  RawSocket socket = connect();
  socket.send(put("Content-Length: abc\r\n", "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_EQ(socket.answer().status, 400);
  socket.finish_sending();
  EXPECT_TRUE(socket.is_closed_by_peer());
  EXPECT_EQ(server_->counters().requests_total, 0u);
}

}  // namespace
}  // namespace vbs::http::test
