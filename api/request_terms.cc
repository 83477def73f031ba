#include "api/request_terms.h"

#include <algorithm>
#include <charconv>

#include "api/access.h"
#include "common/names.h"
#include "common/secret.h"
#include "db/idempotency_table.h"

namespace vbs::api {

namespace {

constexpr std::int64_t kLongestWaitSeconds = 60;

}  // namespace

Result<Milliseconds> preferred_wait(const http::Request& request) {
  const auto prefer = request.headers.find("Prefer");
  if (!prefer) return Milliseconds(0);
  const auto at = prefer->find("wait=");
  if (at == std::string_view::npos)
    return Milliseconds(0);  // RFC 7240: unknown preferences are ignored
  std::int64_t seconds = -1;
  const std::string_view digits = prefer->substr(at + 5);
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  if (result.ec != std::errc() || seconds < 0) {
    return fail_field("Prefer", "must be wait=SECONDS");
  }
  return Milliseconds(std::min(seconds, kLongestWaitSeconds) * 1000);
}

Result<RequestTerms> read_request_terms(const http::Request& request) {
  RequestTerms terms;
  auto wait = preferred_wait(request);
  if (!wait) return fail(wait.error());
  terms.wait = *wait;
  if (const auto key = request.headers.find("Idempotency-Key")) {
    if (auto ok = check_idempotency_key(*key); !ok) return fail(ok.error());
    terms.key = *key;
    std::string whole = std::string(to_string(request.method)) + " " + request.path + "?";
    for (const auto& [name, value] : request.query) whole += name + "=" + value + "&";
    terms.hash = sha256_hex(whole + "\n" + request.body);
  }
  return terms;
}

Result<std::optional<Uuid>> find_repeat(db::Connection& connection, const Principal& principal,
                                        const RequestTerms& terms) {
  if (terms.key.empty()) return std::optional<Uuid>();
  const auto known =
      db::IdempotencyTable(connection).find(principal.project, principal.name, terms.key);
  if (!known) return std::optional<Uuid>();
  // What the principal may do can have changed since.
  if (auto seen = visible_operation(connection, principal, known->operation); !seen)
    return fail(seen.error());
  if (known->request_hash != terms.hash) {
    return fail(
        {ErrorCode::idempotency_mismatch,
         "this Idempotency-Key was used for another request; use a fresh key for a new request",
         "Idempotency-Key",
         {},
         known->operation.str()});
  }
  return std::optional(known->operation);
}

}  // namespace vbs::api
