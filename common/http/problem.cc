#include <string>
#include <utility>

#include "common/http/message.h"
#include "common/http/problem_status.h"
#include "common/json.h"
#include "common/text.h"

namespace vbs::http {

namespace {

/// Of what a peer says. The longest message of ours has some hundred characters; a peer that is
/// broken, or repeats what a guest told it, would fill logs and database.
constexpr std::size_t kMaxDetail = 2'000;
constexpr std::size_t kMaxName = 256;

constexpr std::pair<unsigned, std::string_view> kReasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {507, "Insufficient Storage"},
};

Error not_a_problem(const Response& response) {
  return Error{
      ErrorCode::internal,
      "the answer with status " + std::to_string(response.status) + " carries no problem document",
      {},
      {},
      {}};
}

std::string text_member(const json::Value& document, std::string_view key,
                        std::size_t max_characters = kMaxName) {
  const json::Value* member = document.find(key);
  const std::string* text = member ? member->as<std::string>() : nullptr;
  return text ? printable(*text, max_characters) : std::string();
}

}  // namespace

Response problem(const Error& error) {
  return problem_with_status(error, http_status(error.code));
}

Response problem_with_status(const Error& error, unsigned status) {
  json::Writer writer;
  writer.begin_object();
  writer.member("type", "about:blank");
  writer.member("title", reason_phrase(status));
  writer.member("status", static_cast<std::int64_t>(status));
  writer.member("detail", error.message);
  writer.member("code", to_string(error.code));
  if (!error.field.empty()) writer.member("field", error.field);
  if (!error.node.empty()) writer.member("node", error.node);
  if (!error.operation.empty()) writer.member("operation", error.operation);
  writer.end_object();

  Response response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = writer.take();
  if (status == 503) response.headers.set("Retry-After", "1");
  if (status == 401) response.headers.set("WWW-Authenticate", "Bearer");
  return response;
}

Error error_of(const Response& response) {
  auto document = json::parse(response.body);
  if (!document) return not_a_problem(response);
  const std::string code = text_member(*document, "code");
  if (code.empty()) return not_a_problem(response);
  Error error;
  error.code = error_code_from(code);
  error.message = text_member(*document, "detail", kMaxDetail);
  error.field = text_member(*document, "field");
  error.node = text_member(*document, "node");
  error.operation = text_member(*document, "operation");
  return error;
}

std::string_view reason_phrase(unsigned status) {
  for (const auto& [known, phrase] : kReasons) {
    if (known == status) return phrase;
  }
  return "Unknown";
}

}  // namespace vbs::http
