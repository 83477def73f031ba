#include "api/authenticator.h"
#include "common/names.h"
#include "tests/fuzz/fuzz.h"

/// The file of tokens.
void vbs::fuzz::one_input(std::string_view input) {
  const auto authenticator = api::Authenticator::from_text(std::string(input), "tokens");
  if (!authenticator) return;
  require(!authenticator->is_open(), "a file of tokens opens to nobody else");
  http::Request request;
  require(!authenticator->authenticate(request), "who has no token is nobody");
  request.headers.set("Authorization", "Bearer " + std::string(input.substr(0, 64)));
  const auto somebody = authenticator->authenticate(request);
  require(!somebody || check_node_name(somebody->name, "name"), "who has one has a name");
}
