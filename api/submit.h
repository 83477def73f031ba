#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "api/services.h"
#include "db/transitions.h"

namespace vbs::api {

/// Writes an intent: checks the rows, writes the resource, fills the operation in and begins it,
/// all in one transaction. Runs on the database's writer.
using Intent = std::function<Result<void>(db::Transaction&, db::Operation&)>;
/// Changes an operation that exists, in one transaction; false if nothing was left to change.
using Change = std::function<Result<bool>(db::Transaction&)>;

/// Carries a mutating request from its headers to its answer: Idempotency-Key, the intent, the
/// audit record, the engine's wake-up, `Prefer: wait=N` (RFC 7240), and 202 with the operation
/// and its resource (200 when it ended well while waiting, its problem when it did not). At most
/// half of the requests that may be in work wait; beyond, they are answered 202 at once.
class Submitter {
 public:
  explicit Submitter(Services& services)
      : services_(services), waiting_(std::make_shared<std::atomic<std::size_t>>(0)) {}

  /// A fresh operation of `kind` for this principal, with its deadline.
  db::Operation draft(const Principal& principal, std::string_view kind) const;
  void submit(const Principal& principal, const http::Request& request, db::Operation operation,
              Intent intent, http::Responder respond) const;
  /// The same for a change of operation `id`, which the audit trail calls `action`; the answer is
  /// the operation, however it has ended.
  void amend(const Principal& principal, const http::Request& request, const Uuid& id,
             std::string_view action, Change change, http::Responder respond) const;
  /// Whether this request was made before under its key; then it has been answered. For handlers
  /// that must ask a node before they can write the intent.
  bool answered_before(const Principal& principal, const http::Request& request,
                       const http::Responder& respond) const;
  /// Calls `then` once the operation has ended or is not known, at the latest after `wait`; at once
  /// where too many wait already.
  void wait_for(const Uuid& operation, Milliseconds wait, std::function<void()> then) const;

 private:
  Result<void> check_room(db::Connection& connection, std::string_view kind) const;
  using Render = http::Response (*)(Services&, const Uuid&);
  void answer(const Uuid& operation, Milliseconds wait, Render render,
              http::Responder respond) const;

  Services& services_;
  std::shared_ptr<std::atomic<std::size_t>> waiting_;  ///< requests that wait for an operation
};

}  // namespace vbs::api
