#include "cli/service.h"

#include <algorithm>
#include <array>

#include "common/ids.h"

namespace vbs::cli {
namespace {

constexpr Milliseconds kDeadline{30'000};
constexpr std::array kBackOff{Milliseconds(250), Milliseconds(500), Milliseconds(1'000)};
constexpr std::size_t kPageSize = 500;
/// A service that always gives another marker must not keep us for ever.
constexpr std::size_t kMaxPages = 10'000;

constexpr json::Limits kAnswerLimits{16 * 1024 * 1024, 16, 2'000'000};

ErrorCode code_of_status(unsigned status) {
  switch (status) {
    case 401:
      return ErrorCode::unauthenticated;
    case 403:
      return ErrorCode::forbidden;
    case 404:
      return ErrorCode::not_found;
    case 429:
    case 503:
      return ErrorCode::overloaded;
    case 502:
    case 504:
      return ErrorCode::node_unavailable;
    default:
      return ErrorCode::internal;
  }
}

Error malformed(const std::string& what) {
  return Error{ErrorCode::internal, "the service's answer is not understood: " + what, {}, {}, {}};
}

/// nullptr if there is none of that name.
const json::Value::Array* array_of(const json::Value& answer, const std::string& member) {
  const json::Value* elements = answer.find(member);
  return elements == nullptr ? nullptr : elements->as<json::Value::Array>();
}

}  // namespace

Error error_of_answer(const http::Response& answer) {
  if (answer.content_type.starts_with("application/problem+json")) return http::error_of(answer);
  const std::string status = std::to_string(answer.status);
  return Error{code_of_status(answer.status),
               "HTTP status " + status + " without an explanation",
               {},
               {},
               {}};
}

Error Service::explain(Error error) const {
  // What is wrong with a local file is not the service's doing.
  if (pause_.interrupted() || error.code == ErrorCode::invalid_field) return error;
  if (error.code == ErrorCode::node_unavailable) {
    error.message = "no connection to the service at " + url_ + ": " + error.message;
  } else {
    error.message = "the service at " + url_ + ": " + error.message;
  }
  return error;
}

Result<http::Response> Service::send_again_while_lost(const http::Request& request) {
  bool maybe_taken = false;
  for (std::size_t tries = 0;; ++tries) {
    const auto begun = clock_.monotonic();
    auto answer = transport_.send(request, kDeadline);
    if (answer) return answer;
    const bool timeout = answer.error().code == ErrorCode::timeout;
    maybe_taken = maybe_taken || timeout;
    const bool lost = timeout ? clock_.monotonic() - begun < kDeadline
                              : answer.error().code == ErrorCode::node_unavailable;
    if (lost && tries < kBackOff.size() && pause_.pause(kBackOff[tries])) continue;
    if (lost && maybe_taken) answer.error().code = ErrorCode::timeout;
    return answer;
  }
}

Result<json::Value> Service::exchange(const http::Request& request) {
  auto answer = send_again_while_lost(request);
  if (!answer) return fail(explain(answer.error()));
  if (answer->status >= 400) return fail(error_of_answer(*answer));
  if (answer->status < 200 || answer->status >= 300) {
    return fail(malformed("HTTP status " + std::to_string(answer->status)));
  }
  auto value = json::parse(answer->body, kAnswerLimits);
  if (!value) return fail(malformed(value.error().message));
  if (value->as<json::Value::Object>() == nullptr) return fail(malformed("it is no object"));
  return value;
}

Result<json::Value> Service::get(const std::string& path, const Query& query) {
  http::Request request;
  request.path = path;
  request.query = query;
  return exchange(request);
}

Result<json::Value> Service::get_operation(const std::string& id, std::chrono::seconds wait) {
  http::Request request;
  request.path = "/v1/operations/" + id;
  if (wait.count() > 0) request.headers.set("Prefer", "wait=" + std::to_string(wait.count()));
  return exchange(request);
}

Result<json::Value> Service::change(const Change& change) {
  http::Request request;
  request.method = change.method;
  request.path = change.path;
  request.query = change.query;
  request.body = change.body;
  request.headers.set("Idempotency-Key", Uuid::generate(clock_, random_).str());
  return exchange(request);
}

Result<json::Value::Array> Service::list(const std::string& path, const std::string& member,
                                         Query query, std::optional<std::size_t> limit) {
  json::Value::Array all;
  std::string marker;
  for (std::size_t pages = 0; pages < kMaxPages; ++pages) {
    const std::size_t wanted = limit ? std::min(*limit - all.size(), kPageSize) : kPageSize;
    Query page_query = query;
    page_query.emplace_back("limit", std::to_string(wanted));
    if (!marker.empty()) {
      std::erase_if(page_query, [](const auto& parameter) { return parameter.first == "marker"; });
      page_query.emplace_back("marker", marker);
    }
    auto page = get(path, page_query);
    if (!page) return fail(page.error());
    const auto* array = array_of(*page, member);
    if (array == nullptr) return fail(malformed("it has no array '" + member + "'"));
    all.insert(all.end(), array->begin(), array->end());
    const json::Value* next = page->find("next");
    const auto* text = next == nullptr ? nullptr : next->as<std::string>();
    if (text == nullptr || (limit && all.size() >= *limit)) {
      if (limit && all.size() > *limit) all.resize(*limit);
      return all;
    }
    marker = *text;
  }
  return fail(malformed("the list does not end"));
}

Result<json::Value::Array> Service::list_whole(const std::string& path, const std::string& member) {
  auto answer = get(path);
  if (!answer) return fail(answer.error());
  const auto* array = array_of(*answer, member);
  if (array == nullptr) return fail(malformed("it has no array '" + member + "'"));
  return *array;
}

}  // namespace vbs::cli
