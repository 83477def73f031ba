#pragma once

#include <functional>

#include "api/services.h"
#include "db/transitions.h"

namespace vbs::api {

/// Writes an intent: checks the rows, writes the resource, fills the operation in and begins it,
/// all in one transaction. Runs on the database's writer.
using Intent = std::function<Result<void>(db::Transaction&, db::Operation&)>;

/// Carries a mutating request from its headers to its answer: Idempotency-Key, the intent, the
/// engine's wake-up, `Prefer: wait=N` (RFC 7240), and 202 with the operation and its resource (200
/// when it ended well while waiting, its problem when it did not).
class Submitter {
 public:
  explicit Submitter(Services& services) : services_(services) {}

  /// A fresh operation of `kind` for this principal, with its deadline.
  db::Operation draft(const Principal& principal, std::string_view kind) const;
  void submit(const Principal& principal, const http::Request& request, db::Operation operation,
              Intent intent, http::Responder respond) const;
  /// Whether this request was made before under its key; then it has been answered. For handlers
  /// that must ask a node before they can write the intent.
  bool answered_before(const Principal& principal, const http::Request& request,
                       const http::Responder& respond) const;

 private:
  void answer(const Uuid& operation, Milliseconds wait, http::Responder respond) const;

  Services& services_;
};

}  // namespace vbs::api
