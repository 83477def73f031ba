#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/delegate_client.h"
#include "api/workflow/registry.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/random.h"
#include "db/database.h"

namespace vbs::workflow {

struct EngineOptions {
  unsigned calls_per_node = 8;    ///< delegate calls under way at once, for each node
  Milliseconds first_retry{100};  ///< doubles with every try that settles nothing
  Milliseconds longest_retry{10'000};
  Milliseconds first_look{10};  ///< after "accepted, not yet true"; grows to longest_look
  Milliseconds longest_look{500};
};

/// Counts since start, for /metrics.
struct EngineCounters {
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t retries = 0;
  std::size_t live = 0;
};

/// Drives every operation through its workflow: claims, calls, records, retries, undoes. It lives
/// on one executor, starts no thread and reads no clock of its own. `wake` and `watch` may be
/// called from any thread; the rest belongs to the executor.
class Engine {
 public:
  /// Called on the executor with the operation as it ended, or nullopt when the time ran out first.
  using Watcher = std::function<void(std::optional<db::Operation>)>;

  Engine(db::Database& database, api::DelegateClient& delegates, const Registry& registry,
         const Clock& clock, Random& random, Executor& executor, EngineOptions options = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Takes up every operation that the journal says is live. Call once, on the executor.
  Result<void> start();
  /// A new operation was committed, or something about it changed (cancel): look at it now.
  void wake(const Uuid& operation);
  /// Tells when an operation ends, at the latest after `limit`.
  void watch(const Uuid& operation, Milliseconds limit, Watcher watcher);

  EngineCounters counters() const;

 private:
  struct Run;
  using RunPtr = std::shared_ptr<Run>;
  using Line = std::deque<RunPtr>;
  using Job = db::Database::Job;

  void drive(const RunPtr& run);
  void decide(const RunPtr& run, Facts facts);
  void make_step(const RunPtr& run, std::shared_ptr<const Facts> facts);
  void undo_step(const RunPtr& run, std::shared_ptr<const Facts> facts);
  void act(const RunPtr& run, std::shared_ptr<const Facts> facts, const Action& action);
  void judge(const RunPtr& run, std::shared_ptr<const Facts> facts, const Action& action,
             const std::string& node, const Answer& answer);
  void complete(const RunPtr& run, std::shared_ptr<const Facts> facts, http::Response response,
                std::string remark);
  void look_again(const RunPtr& run, const Facts& facts, const Verdict& verdict);
  void try_again(const RunPtr& run, const Facts& facts, const Verdict& verdict);
  void turn_back(const RunPtr& run, const Facts& facts, const Error& error, std::string_view what);
  void commit(const RunPtr& run, Job job, std::string point);
  void sleep(const RunPtr& run, Milliseconds delay);
  void finish(const RunPtr& run, const db::Operation& operation);
  /// Whether a call to the node may be sent now; else the run stands in the node's queue.
  bool take_slot(const RunPtr& run, const Facts& facts, const std::string& node);
  void release_slot(const std::string& node);
  /// In one line at most; nullptr for none.
  static void stand_in(const RunPtr& run, Line* line);

  db::Database& database_;
  api::DelegateClient& delegates_;
  const Registry& registry_;
  const Clock& clock_;
  Random& random_;
  Executor& executor_;
  EngineOptions options_;
  std::map<Uuid, RunPtr> runs_;
  struct NodeQueue {
    unsigned under_way = 0;
    Line ahead;  ///< deletes, detaches and what is undone: they make room
    Line waiting;

    RunPtr pop();  ///< nullptr if nobody waits
  };
  std::map<std::string, NodeQueue> nodes_;
  struct Watch {
    Watcher watcher;
    TimerId timer = 0;
  };
  std::multimap<Uuid, std::shared_ptr<Watch>> watches_;
  struct Shared;
  std::shared_ptr<Shared> shared_;  ///< counters, and whether the engine still lives
};

}  // namespace vbs::workflow
