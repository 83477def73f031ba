#include "cli/resolve.h"

#include "cli/json_view.h"
#include "cli/text.h"
#include "common/ids.h"
#include "common/names.h"

namespace vbs::cli {
namespace {

/// Enough to show a person that more characters are needed.
constexpr std::size_t kMaxCandidates = 8;

std::string noun_text(Noun noun) {
  switch (noun) {
    case Noun::volume:
      return "volume";
    case Noun::snapshot:
      return "snapshot";
    case Noun::operation:
      return "operation";
  }
  return "";
}

tl::unexpected<Error> ambiguous(Noun noun, const std::string& text,
                                const json::Value::Array& candidates) {
  std::string message = "'" + text + "' fits several " + noun_text(noun) + "s:";
  for (std::size_t i = 0; i < candidates.size() && i < kMaxCandidates; ++i) {
    message += (i == 0 ? " " : ", ") + string_of(candidates[i], "id");
    const std::string label = string_of(candidates[i], noun == Noun::operation ? "kind" : "name");
    if (!label.empty()) message += " (" + label + ")";
  }
  if (candidates.size() > kMaxCandidates) message += ", and more";
  return fail(ErrorCode::invalid_request, message + "; give more of the id");
}

Result<json::Value::Array> search(Service& service, Noun noun, const std::string& parameter,
                                  const std::string& value) {
  return service.list(collection_path(noun), noun_text(noun) + "s", {{parameter, value}},
                      kMaxCandidates + 1);
}

}  // namespace

std::string collection_path(Noun noun) {
  return "/v1/" + noun_text(noun) + "s";
}

Result<std::string> resolve(Service& service, Noun noun, const std::string& text) {
  if (const auto id = Uuid::parse(text)) return id->str();
  json::Value::Array found;
  if (noun != Noun::operation && check_resource_name(text, "name")) {
    auto by_name = search(service, noun, "name", text);
    if (!by_name) return fail(by_name.error());
    found = std::move(*by_name);
  }
  const auto prefix = canonical_id_prefix(text);
  if (found.empty() && prefix) {
    auto by_prefix = search(service, noun, "id_prefix", *prefix);
    if (!by_prefix) return fail(by_prefix.error());
    found = std::move(*by_prefix);
  }
  if (found.empty()) {
    return fail(ErrorCode::not_found, "there is no " + noun_text(noun) + " '" + text + "'");
  }
  if (found.size() > 1) return ambiguous(noun, text, found);
  const auto id = Uuid::parse(string_of(found.front(), "id"));
  if (!id) return fail(ErrorCode::internal, "the service's answer has no id that is a UUID");
  return id->str();
}

Result<std::string> resolve_path(Service& service, Noun noun, const std::string& text) {
  auto id = resolve(service, noun, text);
  if (!id) return fail(id.error());
  return collection_path(noun) + "/" + *id;
}

}  // namespace vbs::cli
