#include "common/json.h"
#include "common/text.h"
#include "tests/fuzz/fuzz.h"

/// JSON texts: what is taken is UTF-8, and comes back from its canonical text as it was.
void vbs::fuzz::one_input(std::string_view input) {
  const auto value = json::parse(input);
  if (!value) return;
  require(is_utf8(input), "only UTF-8 is taken");
  const std::string text = json::to_text(*value);
  const auto again = json::parse(text, {text.size(), 16, 100'000});
  require(again.has_value(), "a canonical text is taken");
  require(json::to_text(*again) == text, "a canonical text stays as it is");
}
