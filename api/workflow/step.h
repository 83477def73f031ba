#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/delegate_client.h"
#include "api/workflow/facts.h"
#include "db/database.h"

namespace vbs::workflow {

/// Where a step acts.
enum class Place { database, volume_server, vmm_node };
std::string_view to_string(Place place);

/// What an answer, or the lack of one, means for a step.
struct Verdict {
  enum class Kind {
    done,     ///< it is true now
    wait,     ///< accepted, not yet true: look again soon
    retry,    ///< not settled (outage, unknown outcome): try again, backing off
    refused,  ///< surely not done, and asking again would not help
  };
  Kind kind = Kind::done;
  Error error;         ///< for retry and refused
  std::string remark;  ///< wait: what for; done: something a person should know
  /// wait: bytes that the node has worked off so far, where it tells.
  std::optional<std::int64_t> progress = std::nullopt;
  /// refused: the node has looked, and nothing of it is done, whatever became of earlier calls.
  bool nothing_done = false;
};

using Answer = Result<http::Response>;

/// Status of the response that stands for an answer which never came.
inline constexpr unsigned kNoAnswer = 0;

/// One direction of a step. Empty members mean: nothing to call, judge by the status, nothing to
/// write.
struct Action {
  /// The call that makes it true; nullopt when this run needs none.
  std::function<std::optional<api::DelegateCall>(const Facts&)> call;
  /// Judges an answer where judge_by_status is not enough.
  std::function<Verdict(const Facts&, const Answer&)> judge;
  /// Written in the same transaction as the step's completion. The response is empty without a
  /// call.
  std::function<Result<void>(db::Transaction&, const Facts&, const http::Response&, WallTime now)>
      record;
};

/// One idempotent act inside an operation. Doing it again after any crash is harmless: calls are
/// PUT or DELETE on ids that the front chose, and the delegates look before and after they act.
struct Step {
  std::string_view name;
  Place place = Place::database;
  Action make;
  Action undo;
  /// Once accepted, or possibly done, the operation only goes forward.
  bool point_of_no_return = false;
  /// Releases what an earlier step holds (a frozen guest): undoing starts with it.
  bool release = false;
};

/// A table of steps, in the order they are made; undone in the opposite order.
struct Workflow {
  std::string_view kind;
  std::vector<Step> steps;
  Milliseconds deadline{60'000};  ///< default time to settle before it is undone
  /// The steps from this one on are made once for each attachment of the volume, as long as the
  /// operation has the option `kEachAttachment`.
  std::optional<int> each_attachment_from = std::nullopt;
  /// How long a node that reports progress may show none: each bit of it puts the deadline off.
  /// It may be much longer, because work on bytes stands in line behind other work.
  Milliseconds patience{0};
  /// It frees what nodes have: begun however much is in work already, and its calls go before those
  /// of others that stand in a node's queue.
  bool gives_back = false;
};

/// 2xx is done, 202 wait, transient problems and missing answers retry, any other problem refused.
Verdict judge_by_status(const Answer& answer);
/// Of an order to remove something, which is answered 204 and nothing else: a word that nobody
/// asked for is no proof that it is gone. 202 where that takes time, if bytes are wiped with their
/// count.
Verdict judge_removal(const Answer& answer);
/// The node that a step talks to; "" for one in the database.
std::string node_of(const Step& step, const Facts& facts);

/// The step that the operation has come to; there must be one.
const Step& step_in_work(const Workflow& workflow, const Facts& facts);
/// Whether cancel and deadline may still undo it.
bool past_no_return(const Workflow& workflow, const db::Operation& operation, const Facts& facts);
/// Name of a fault point of one step: "attach-volume.export.after-act"; when undoing, "undo-"
/// stands before the last part.
std::string crash_point(const Workflow& workflow, int step, bool undoing, std::string_view where);
/// Every fault point that doing `workflow` passes, intent included, and then those that undoing it
/// from its last call on passes; crash tests are made from it.
std::vector<std::string> crash_points(const Workflow& workflow);

/// The step that undoing begins with when `step` was in work.
int first_to_undo(const Workflow& workflow, int step);

}  // namespace vbs::workflow
