#include "common/http/parser.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>

namespace vbs::http {

namespace beast_http = boost::beast::http;

namespace {

/// Content-Length is only a promise: room beyond this is made as bytes arrive.
constexpr std::uint64_t kReserveAtMost = 4 * 1024;

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

Method method_of(beast_http::verb verb) {
  switch (verb) {
    case beast_http::verb::get:
      return Method::get;
    case beast_http::verb::head:
      return Method::head;
    case beast_http::verb::post:
      return Method::post;
    case beast_http::verb::put:
      return Method::put;
    case beast_http::verb::delete_:
      return Method::del;
    case beast_http::verb::patch:
      return Method::patch;
    case beast_http::verb::options:
      return Method::options;
    default:
      return Method::other;
  }
}

bool has_no_body(unsigned status) {
  return status < 200 || status == 204 || status == 304;
}

/// Whether what Beast left over, waiting for more, is a chunk header whose line has ended: its
/// extension has a quoted string without an end. The header of the last chunk waits for the
/// trailers.
bool is_ended_chunk_header(std::string_view rest) {
  if (rest.starts_with("\r\n")) rest.remove_prefix(2);
  const auto size = rest.substr(0, rest.find_first_not_of("0123456789abcdefABCDEF"));
  return size.find_first_not_of('0') != std::string_view::npos &&
         rest.find("\r\n") != std::string_view::npos;
}

/// The header of a last chunk that is the first, and one byte more. Beast, that has seen the
/// header, wants two at least, and less than that never ends a message.
bool is_begun_end(std::string_view rest) {
  return rest.size() == 4 && rest.starts_with("0\r\n");
}

const char* reason_of(const boost::beast::error_code& ec) {
  switch (static_cast<beast_http::error>(ec.value())) {
    case beast_http::error::bad_method:
      return "the method is malformed";
    case beast_http::error::bad_target:
      return "the request target is malformed";
    case beast_http::error::bad_version:
      return "the version must be HTTP/1.1 or HTTP/1.0";
    case beast_http::error::bad_status:
      return "the status code is malformed";
    case beast_http::error::bad_field:
      return "a header field name is malformed";
    case beast_http::error::bad_value:
      return "a header field value is malformed";
    case beast_http::error::bad_chunk:
      return "a chunk size is malformed";
    case beast_http::error::bad_chunk_extension:
      return "a chunk extension is malformed";
    default:
      return "the message is malformed";
  }
}

}  // namespace

template <bool kRequest>
MessageParser<kRequest>::MessageParser(const ParserLimits& limits)
    : limits_(limits), scanner_(limits.header) {
  Base::header_limit(static_cast<std::uint32_t>(limits.header));
  Base::body_limit(limits.body);
}

template <bool kRequest>
std::size_t MessageParser<kRequest>::feed(std::string_view input) {
  return head_done_ ? feed_body(input) : feed_head(input);
}

template <bool kRequest>
std::size_t MessageParser<kRequest>::feed_head(std::string_view input) {
  std::size_t length = 0;
  verdict_ = scanner_.scan(input, length);
  if (!verdict_.ok() || length == 0) return 0;
  BeastError ec;
  const std::size_t used = Base::put(boost::asio::const_buffer(input.data(), length), ec);
  note(ec);
  if (verdict_.ok() && !head_done_) verdict_ = {Fault::malformed, "the message is malformed"};
  return used;
}

template <bool kRequest>
std::size_t MessageParser<kRequest>::feed_body(std::string_view input) {
  Base::eager(true);
  std::size_t taken = 0;
  while (verdict_.ok() && !this->is_done()) {
    // Beast sees no further than a chunk header may reach: one that is too large is the same to it
    // whether its end has come or not.
    const std::size_t used = feed_window(input.substr(taken, limits_.header));
    if (used == 0) break;
    taken += used;
  }
  return taken;
}

template <bool kRequest>
std::size_t MessageParser<kRequest>::feed_window(std::string_view input) {
  const bool first_chunk = Base::chunked() && body_.empty();
  if (input.empty() || (first_chunk && is_begun_end(input))) return 0;
  BeastError ec;
  const std::size_t used = Base::put(boost::asio::const_buffer(input.data(), input.size()), ec);
  if (ec != beast_http::error::need_more) {
    note(ec);
  } else if (is_ended_chunk_header(input.substr(used))) {
    verdict_ = {Fault::malformed, "a chunk extension is malformed"};
  }
  // What is left over while the body goes on is the start of a chunk header or of the trailers.
  if (verdict_.ok() && !this->is_done() && input.size() - used >= limits_.header) {
    verdict_ = {Fault::malformed, "a chunk header or the trailers are too large"};
  }
  return used;
}

template <bool kRequest>
void MessageParser<kRequest>::refuse(Verdict verdict, BeastError& ec) {
  verdict_ = verdict;
  ec = beast_http::error::bad_value;
}

template <bool kRequest>
void MessageParser<kRequest>::note(const BeastError& ec) {
  if (!ec || !verdict_.ok()) return;
  if (ec == beast_http::error::body_limit) {
    verdict_ = {Fault::body_too_large, "the body is too large"};
  } else if (ec == beast_http::error::bad_content_length) {
    verdict_ = {Fault::malformed, "Content-Length must be one decimal number"};
  } else if (ec == beast_http::error::bad_transfer_encoding) {
    verdict_ = {Fault::malformed, "Transfer-Encoding beside Content-Length, or given twice"};
  } else {
    verdict_ = {Fault::malformed, reason_of(ec)};
  }
}

template <bool kRequest>
void MessageParser<kRequest>::on_request_impl(beast_http::verb verb, BeastView, BeastView target,
                                              int version, BeastError&) {
  method_ = method_of(verb);
  target_.assign(target.data(), target.size());
  http11_ = version == 11;
}

template <bool kRequest>
void MessageParser<kRequest>::on_response_impl(int status, BeastView, int version, BeastError& ec) {
  status_ = static_cast<unsigned>(status);
  http11_ = version == 11;
  if (status < 100 || status > 599) refuse({Fault::malformed, "the status code is malformed"}, ec);
}

template <bool kRequest>
void MessageParser<kRequest>::on_field_impl(beast_http::field, BeastView name, BeastView value,
                                            BeastError& ec) {
  if (head_done_) return;  // a trailer
  if (const Verdict verdict = rules_.add(view(name), view(value)); !verdict.ok()) {
    refuse(verdict, ec);
    return;
  }
  headers_.add(std::string(view(name)), std::string(view(value)));
}

template <bool kRequest>
void MessageParser<kRequest>::on_header_impl(BeastError& ec) {
  const bool has_body = !Base::skip() && !has_no_body(status_);
  const Verdict verdict =
      kRequest ? rules_.finish_request(http11_) : rules_.finish_response(http11_, has_body);
  if (!verdict.ok()) {
    refuse(verdict, ec);
    return;
  }
  head_done_ = true;
}

template <bool kRequest>
void MessageParser<kRequest>::on_body_init_impl(const boost::optional<std::uint64_t>& length,
                                                BeastError&) {
  if (length) body_.reserve(static_cast<std::size_t>(std::min(*length, kReserveAtMost)));
}

template <bool kRequest>
std::size_t MessageParser<kRequest>::on_body_impl(BeastView body, BeastError&) {
  body_.append(body.data(), body.size());
  return body.size();
}

template <bool kRequest>
void MessageParser<kRequest>::on_chunk_header_impl(std::uint64_t, BeastView, BeastError&) {}

template <bool kRequest>
std::size_t MessageParser<kRequest>::on_chunk_body_impl(std::uint64_t, BeastView body,
                                                        BeastError&) {
  body_.append(body.data(), body.size());
  return body.size();
}

template <bool kRequest>
void MessageParser<kRequest>::on_finish_impl(BeastError&) {}

template class MessageParser<true>;
template class MessageParser<false>;

Request RequestParser::take() {
  Request request;
  request.method = method_;
  request.headers = std::move(headers_);
  request.body = std::move(body_);
  return request;
}

Response ResponseParser::take() {
  Response response;
  response.status = status_;
  response.body = std::move(body_);
  const auto type = headers_.find("Content-Type");
  response.content_type = type ? std::string(*type) : std::string();
  response.headers = std::move(headers_);
  return response;
}

}  // namespace vbs::http
