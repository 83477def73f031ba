#include "common/http/target.h"
#include "tests/fuzz/http_fuzz.h"

/// Requests as a client sends them: how their bytes are cut into pieces changes nothing.
void vbs::fuzz::one_input(std::string_view input) {
  if (input.empty()) return;
  const std::size_t step = 1 + static_cast<unsigned char>(input[0]) % 64;
  const std::string_view bytes = input.substr(1);
  http::RequestParser whole(kHttpLimits);
  http::RequestParser pieces(kHttpLimits);
  feed_in_steps(whole, bytes, bytes.size());
  feed_in_steps(pieces, bytes, step);
  require(whole.done() == pieces.done(), "pieces end where the whole does");
  require(whole.verdict().fault == pieces.verdict().fault, "pieces are judged as the whole is");
  if (!whole.done() || !whole.verdict().ok()) return;
  require(whole.target() == pieces.target(), "pieces have the target of the whole");
  const auto request = whole.take();
  const auto other = pieces.take();
  require(request.method == other.method && request.body == other.body &&
              request.headers.all() == other.headers.all(),
          "pieces say what the whole does");
  check_message(request.headers, request.body.size());
}
