#include "common/http/message.h"
#include "tests/fuzz/http_fuzz.h"

/// Answers as another service sends them, and the problems inside.
void vbs::fuzz::one_input(std::string_view input) {
  if (input.empty()) return;
  const auto first = static_cast<unsigned char>(input[0]);
  const auto asked = first % 2 == 0 ? http::Method::get : http::Method::head;
  const std::string_view bytes = input.substr(1);
  http::ResponseParser whole(kHttpLimits, asked);
  http::ResponseParser pieces(kHttpLimits, asked);
  feed_in_steps(whole, bytes, bytes.size());
  feed_in_steps(pieces, bytes, 1 + first / 4);
  require(whole.done() == pieces.done(), "pieces end where the whole does");
  require(whole.verdict().fault == pieces.verdict().fault, "pieces are judged as the whole is");
  if (!whole.done() || !whole.verdict().ok()) return;
  const auto response = whole.take();
  const auto other = pieces.take();
  require(response.status == other.status && response.body == other.body &&
              response.headers.all() == other.headers.all(),
          "pieces say what the whole does");
  require(response.status >= 100 && response.status <= 599, "the status is one of HTTP's");
  check_message(response.headers, response.body.size());
  const Error error = http::error_of(response);
  require(http::error_of(http::problem(error)).code == error.code, "a problem is told on as it is");
}
