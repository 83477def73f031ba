#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/reconcile/drift.h"
#include "api/reconcile/housekeeping.h"
#include "api/reconcile/remedies.h"
#include "api/services.h"

namespace vbs::api {

/// A drift as the last sweep saw it.
struct Finding {
  Drift drift;
  WallTime since{};    ///< first seen
  std::string action;  ///< what is done about it, for people
};

/// What the last sweep saw, for `vbs audit`.
struct SweepReport {
  WallTime started_at{};
  std::int64_t took_ms = 0;
  bool complete = false;            ///< false until the first sweep has ended
  std::string destructive_stopped;  ///< why nothing is removed now; "" if allowed
  std::vector<Finding> findings;
};

/// Compares rows with nodes, both ways, on every sweep, and queues operations for what differs on
/// two sweeps in a row; where that does not help, again after pauses that double, so that others
/// get at the resource meanwhile. It never edits a row to fit. Objects that an operation works on,
/// or worked on while the sweep ran, are passed over. Lives on the executor; `report` is for any
/// thread.
class Reconciler {
 public:
  explicit Reconciler(Services& services, DelegateClient& delegates);
  ~Reconciler();

  /// Begins sweeping; call on the executor.
  void start();
  SweepReport report() const;

 private:
  struct Sweep;
  struct State;
  void sweep();
  void ask(const std::shared_ptr<Sweep>& sweep, const NodeSettings& node);
  void compare(Sweep& sweep, const NodeSettings& node, const http::Response& answer);
  void conclude(const std::shared_ptr<Sweep>& sweep);
  struct Memory;
  /// Whether a VM may still hold on to what the drift would remove.
  static bool needed_by_vmm(const Sweep& sweep, const Drift& drift);
  std::string decide(Sweep& sweep, const Drift& drift, Memory& memory);

  Services& services_;
  DelegateClient& delegates_;
  Remedies remedies_;
  Housekeeping housekeeping_;
  std::shared_ptr<State> state_;
};

}  // namespace vbs::api
