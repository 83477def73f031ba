#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/http/framing.h"
#include "common/http/message.h"

namespace vbs::http {

struct ParserLimits {
  std::size_t header = 0;  ///< bytes of the head; also of one chunk header, and of the trailers
  std::size_t body = 0;    ///< bytes of the body after removing the chunk framing
};

/// Reads one message. Beast's parser splits and checks the text; the strict checks before and
/// around it are ours (framing.h). Trailer fields are checked and dropped.
template <bool kRequest>
class MessageParser : private boost::beast::http::basic_parser<kRequest> {
  using Base = boost::beast::http::basic_parser<kRequest>;
  using BeastError = boost::beast::error_code;
  using BeastView = boost::beast::string_view;

 public:
  explicit MessageParser(const ParserLimits& limits);

  /// Takes bytes from the front of `input` and returns how many; the rest must be given again, with
  /// more behind it. Returns after the head, so that the caller may look at it before the body.
  /// Call it no more once `done` or once the verdict is not ok.
  std::size_t feed(std::string_view input);

  const Verdict& verdict() const { return verdict_; }
  bool head_done() const { return head_done_; }
  bool done() const { return head_done_ && this->is_done(); }
  /// Valid once the head is done.
  bool http11() const { return http11_; }
  bool keep_alive() const { return Base::keep_alive(); }
  std::size_t body_size() const { return body_.size(); }

 protected:
  Headers headers_;
  std::string body_;
  std::string target_;
  Method method_ = Method::other;
  unsigned status_ = 0;
  /// For an answer to HEAD, which has fields about a body but no body.
  void expect_no_body() { Base::skip(true); }

 private:
  std::size_t feed_head(std::string_view input);
  std::size_t feed_body(std::string_view input);
  std::size_t feed_window(std::string_view input);
  void refuse(Verdict verdict, BeastError& ec);
  void note(const BeastError& ec);

  void on_request_impl(boost::beast::http::verb verb, BeastView method, BeastView target,
                       int version, BeastError& ec) override;
  void on_response_impl(int status, BeastView reason, int version, BeastError& ec) override;
  void on_field_impl(boost::beast::http::field field, BeastView name, BeastView value,
                     BeastError& ec) override;
  void on_header_impl(BeastError& ec) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, BeastError& ec) override;
  std::size_t on_body_impl(BeastView body, BeastError& ec) override;
  void on_chunk_header_impl(std::uint64_t size, BeastView extensions, BeastError& ec) override;
  std::size_t on_chunk_body_impl(std::uint64_t remain, BeastView body, BeastError& ec) override;
  void on_finish_impl(BeastError& ec) override;

  ParserLimits limits_;
  HeadScanner scanner_;
  FieldRules rules_;
  Verdict verdict_;
  bool head_done_ = false;
  bool http11_ = false;
};

class RequestParser final : public MessageParser<true> {
 public:
  using MessageParser::MessageParser;
  const Headers& headers() const { return headers_; }
  Method method() const { return method_; }
  const std::string& target() const { return target_; }
  /// Method, headers and body; the rest is for the caller to fill in.
  Request take();
};

class ResponseParser final : public MessageParser<false> {
 public:
  ResponseParser(const ParserLimits& limits, Method asked) : MessageParser(limits) {
    if (asked == Method::head) expect_no_body();
  }
  unsigned status() const { return status_; }
  Response take();
};

}  // namespace vbs::http
