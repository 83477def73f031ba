#include "api/reconcile/reconciler.h"

#include <algorithm>
#include <set>

#include "api/workflow/calls.h"
#include "common/log.h"
#include "common/units.h"
#include "db/transitions.h"

namespace vbs::api {

namespace {

constexpr Milliseconds kInventoryTimeout{30'000};
constexpr int kMostQueuedInOneSweep = 64;
constexpr Milliseconds kLongestPause{300'000};

/// Until a remedy that did not help is tried again.
Milliseconds pause_after(int tries, Milliseconds sweep_interval) {
  const int doublings = std::min(tries, 16);
  return std::min(kLongestPause, sweep_interval * (std::int64_t{1} << doublings));
}

Drift about_node(std::string kind, const std::string& node, std::string detail) {
  Drift drift;
  drift.kind = std::move(kind);
  drift.node = node;
  drift.object = node;
  drift.detail = std::move(detail);
  return drift;
}

}  // namespace

struct Reconciler::Sweep {
  WallTime started_at{};
  MonotonicTime started{};
  HeldResources held;  ///< before the nodes were asked, and since
  std::int64_t newest_operation = 0;
  std::size_t pending = 0;
  std::vector<Drift> drifts;
  std::set<std::string> passed_over;  ///< keys of drifts of held resources
  std::set<std::string> unheard;      ///< nodes whose inventory could not be had
  std::set<std::string> unsettled;    ///< nodes that may show what rows say is gone
  std::set<std::string> unsure;       ///< VMM nodes with a VM that does not answer
  std::string stopped;
  int queued = 0;
};

bool Reconciler::needed_by_vmm(const Sweep& sweep, const Drift& drift) {
  if (drift.after_vmm.empty()) return false;
  if (sweep.unheard.contains(drift.after_vmm) || sweep.unsure.contains(drift.after_vmm))
    return true;
  return std::any_of(sweep.drifts.begin(), sweep.drifts.end(), [&](const Drift& other) {
    return other.node == drift.after_vmm && other.attachment == drift.attachment;
  });
}

/// Of one drift, from sweep to sweep.
struct Reconciler::Memory {
  WallTime since{};  ///< first seen
  std::string node;
  bool seen_last = false;              ///< by the sweep before
  int tries = 0;                       ///< remedies queued
  std::optional<MonotonicTime> again;  ///< when the next may be, once the last has not helped
};

struct Reconciler::State {
  mutable std::mutex mutex;
  SweepReport report;
  std::map<std::string, Memory> memory;  ///< by key of the drift
  TimerId timer = 0;
};

Reconciler::Reconciler(Services& services, DelegateClient& delegates)
    : services_(services),
      delegates_(delegates),
      remedies_(services),
      housekeeping_(services),
      state_(std::make_shared<State>()) {}

Reconciler::~Reconciler() {
  services_.executor.cancel(state_->timer);
}

void Reconciler::start() {
  sweep();
}

SweepReport Reconciler::report() const {
  std::lock_guard lock(state_->mutex);
  return state_->report;
}

void Reconciler::sweep() {
  auto sweep = std::make_shared<Sweep>();
  sweep->started_at = services_.clock.wall();
  sweep->started = services_.clock.monotonic();
  auto held = services_.database.read([&](db::Connection& connection) {
    auto statement = connection.prepare("SELECT coalesce(max(seq), 0) FROM operations");
    statement.step();
    sweep->newest_operation = statement.integer(0);
    return held_resources(connection);
  });
  if (held) sweep->held = std::move(*held);
  sweep->pending = services_.settings.nodes.size() + 1;
  for (const NodeSettings& node : services_.settings.nodes) ask(sweep, node);
  if (--sweep->pending == 0) conclude(sweep);
}

void Reconciler::ask(const std::shared_ptr<Sweep>& sweep, const NodeSettings& node) {
  DelegateCall call;
  call.node = node.name;
  call.path = "/v1/inventory";
  call.timeout = kInventoryTimeout;
  delegates_.call(std::move(call), [this, alive = std::weak_ptr(state_), sweep,
                                    &node](Result<http::Response> answer) {
    if (alive.expired()) return;
    if (answer && answer->status == 200) {
      compare(*sweep, node, *answer);
    } else {
      sweep->unheard.insert(node.name);
      sweep->drifts.push_back(about_node(
          "node-silent", node.name,
          "no inventory: " + describe(answer ? http::error_of(*answer) : answer.error())));
    }
    if (--sweep->pending == 0) conclude(sweep);
  });
}

void Reconciler::compare(Sweep& sweep, const NodeSettings& node, const http::Response& answer) {
  auto compared = services_.database.read([&](db::Connection& connection) -> Result<Comparison> {
    // What any operation holds, or held since the sweep began, may have changed under the node's
    // eyes.
    for (const std::string& resource : held_resources(connection)) sweep.held.insert(resource);
    auto touched = connection.prepare(
        "SELECT volume_uid, snapshot_uid, attachment_uid FROM operations"
        " WHERE seq > ?");
    touched.bind(sweep.newest_operation);
    while (touched.step()) {
      if (!touched.is_null(0)) sweep.held.insert(db::volume_resource(touched.uuid(0)));
      if (!touched.is_null(1)) sweep.held.insert(db::snapshot_resource(touched.uuid(1)));
      if (!touched.is_null(2)) sweep.held.insert(attachment_resource(touched.uuid(2)));
    }
    if (node.role == NodeRole::volume_server) {
      auto inventory = workflow::read_answer<wire::VolumeServerInventory>(answer);
      if (!inventory) return fail(inventory.error());
      services_.images.heard(node.name, inventory->images);
      return compare_volume_server(connection, node.name, *inventory, sweep.held);
    }
    auto inventory = workflow::read_answer<wire::VmmInventory>(answer);
    if (!inventory) return fail(inventory.error());
    const bool sure = std::none_of(inventory->vms.begin(), inventory->vms.end(),
                                   [](const auto& vm) { return vm.state == "unknown"; });
    if (!sure) sweep.unsure.insert(node.name);
    return compare_vmm(connection, node.name, *inventory, sweep.held);
  });
  if (!compared || !*compared) {
    const Error& error = compared ? compared->error() : compared.error();
    sweep.unheard.insert(node.name);
    sweep.drifts.push_back(about_node("inventory-unusable", node.name,
                                      "its inventory cannot be used: " + describe(error)));
    return;
  }
  remedies_.note_vm_uuids(std::move((*compared)->vm_uuids));
  if (implausible(**compared)) {
    sweep.stopped = "node " + node.name + " shows " + std::to_string((*compared)->missing) +
                    " of " + std::to_string((*compared)->expected) +
                    " objects as gone, which is not believed";
  }
  for (Drift& drift : (*compared)->drifts) {
    if (drift.remedy == Remedy::remove) sweep.unsettled.insert(node.name);
    if (sweep.held.contains(resource_of(drift)))
      sweep.passed_over.insert(drift.key());
    else
      sweep.drifts.push_back(std::move(drift));
  }
}

std::string Reconciler::decide(Sweep& sweep, const Drift& drift, Memory& memory) {
  if (drift.remedy == Remedy::none) return "none";
  if (drift.remedy == Remedy::remove && !sweep.stopped.empty())
    return "not removed: " + sweep.stopped;
  if (needed_by_vmm(sweep, drift)) return "kept until its VMM node has let go of it";
  const MonotonicTime now = services_.clock.monotonic();
  if (memory.tries > 0 && !memory.again)
    memory.again = now + pause_after(memory.tries, services_.settings.sweep_interval);
  if (!memory.seen_last) return "acted on when the next sweep sees it again";
  if (memory.again && now < *memory.again) {
    const auto left = std::chrono::ceil<Milliseconds>(*memory.again - now);
    return "tried " + std::to_string(memory.tries) + " times; again in " +
           format_duration(left.count());
  }
  if (sweep.queued++ >= kMostQueuedInOneSweep) return "waits for its turn in a later sweep";
  ++memory.tries;
  memory.again.reset();
  return remedies_.act_on(drift);
}

void Reconciler::conclude(const std::shared_ptr<Sweep>& sweep) {
  std::map<std::string, Memory> memory;
  for (const auto& [key, before] : state_->memory) {
    if (!sweep->passed_over.contains(key) && !sweep->unheard.contains(before.node)) continue;
    memory.emplace(key, before).first->second.seen_last = false;
  }
  SweepReport report;
  report.started_at = sweep->started_at;
  report.complete = true;
  report.destructive_stopped = sweep->stopped;
  for (const Drift& drift : sweep->drifts) {
    const auto before = state_->memory.find(drift.key());
    const bool seen_before = before != state_->memory.end();
    Memory& kept = memory[drift.key()];
    kept = seen_before ? before->second : Memory{sweep->started_at, drift.node, false, 0, {}};
    if (!seen_before) {
      log::warning("drift", {{"kind", drift.kind}, {"node", drift.node}, {"detail", drift.detail}});
    }
    std::string action = decide(*sweep, drift, kept);
    kept.seen_last = true;
    report.findings.push_back({drift, kept.since, std::move(action)});
  }
  sweep->unsettled.insert(sweep->unheard.begin(), sweep->unheard.end());
  housekeeping_.run(sweep->unsettled);
  const auto took = services_.clock.monotonic() - sweep->started;
  report.took_ms = std::chrono::duration_cast<Milliseconds>(took).count();
  {
    std::lock_guard lock(state_->mutex);
    state_->memory = std::move(memory);
    state_->report = std::move(report);
  }
  state_->timer = services_.executor.post_after(services_.settings.sweep_interval,
                                                [this, alive = std::weak_ptr(state_)] {
                                                  if (!alive.expired()) this->sweep();
                                                });
}

}  // namespace vbs::api
