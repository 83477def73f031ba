#include "api/reconcile/reconciler.h"

#include <algorithm>
#include <set>

#include "api/workflow/calls.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "common/units.h"
#include "db/audit_table.h"
#include "db/transitions.h"

namespace vbs::api {

namespace {

constexpr Milliseconds kInventoryTimeout{30'000};
constexpr int kMostQueuedInOneSweep = 64;
constexpr Milliseconds kLongestPause{300'000};
constexpr const char* kPrincipal = "reconciler";

/// Resources of the operations that are live now, and the attachments they work on.
HeldResources held_resources(db::Connection& connection) {
  HeldResources held;
  for (const db::HeldLock& lock : db::OperationTable(connection).locks())
    held.insert(lock.resource);
  for (const db::Operation& operation : db::OperationTable(connection).live()) {
    if (!operation.attachment.is_nil()) held.insert(attachment_resource(operation.attachment));
  }
  return held;
}

/// Whether the rows still want what the drift asks for, in the transaction that queues the remedy.
bool still_wanted(db::Connection& connection, const Drift& drift) {
  if (!drift.attachment.is_nil()) {
    const auto row = db::AttachmentTable(connection).find(drift.attachment);
    const auto state = drift.remedy == Remedy::remove ? db::AttachmentState::closed
                                                      : db::AttachmentState::attached;
    return row && row->state == state;
  }
  if (!drift.volume.is_nil()) {
    const auto row = db::VolumeTable(connection).find(drift.volume);
    return row && row->state == db::VolumeState::deleted;
  }
  const auto row = db::SnapshotTable(connection).find(drift.snapshot);
  return row && row->state == db::SnapshotState::deleted;
}

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

/// The audit record of what nobody asked for.
void record(db::Transaction& tx, db::AuditRecord record) {
  record.principal = kPrincipal;
  record.role = "service";
  db::AuditTable(tx.connection()).append(record);
}

std::string project_of(db::Connection& connection, const Drift& drift) {
  if (!drift.volume.is_nil()) return db::VolumeTable(connection).find(drift.volume)->project;
  return db::SnapshotTable(connection).find(drift.snapshot)->project;
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
  return act_on(drift);
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

std::string Reconciler::act_on(const Drift& drift) {
  if (drift.remedy == Remedy::repair_attachment) {
    queue(drift, "repair-attachment", "{}");
    return "repair-attachment is queued";
  }
  if (drift.remedy == Remedy::record_loss) {
    record_loss(drift);
    return "the snapshot is put in error";
  }
  json::Writer options;
  options.begin_object();
  options.member("path", drift.path);
  options.member("vm", drift.vm);
  options.end_object();
  queue(drift, "remove-leftover", options.take());
  return "remove-leftover is queued";
}

void Reconciler::record_loss(const Drift& drift) {
  services_.database.write(
      [drift, now = services_.clock.wall()](db::Transaction& tx) -> Result<void> {
        const auto row = db::SnapshotTable(tx.connection()).find(drift.snapshot);
        const bool held = held_resources(tx.connection()).contains(resource_of(drift));
        if (held || !row || row->state != db::SnapshotState::available) return {};
        if (auto ok = db::snapshot_error(tx, drift.snapshot, drift.detail, now); !ok) return ok;
        db::AuditRecord loss;
        loss.at = now;
        loss.action = "record-loss";
        loss.volume = row->volume;
        loss.snapshot = row->id;
        record(tx, std::move(loss));
        return {};
      },
      [](Result<void> written) {
        if (!written)
          log::warning("a loss is not recorded", {{"error", describe(written.error())}});
      },
      services_.executor);
}

void Reconciler::queue(const Drift& drift, std::string_view kind, std::string options) {
  auto operation = std::make_shared<db::Operation>();
  operation->id = Uuid::generate(services_.clock, services_.random);
  operation->principal = kPrincipal;
  operation->kind = kind;
  operation->volume = drift.volume;
  operation->snapshot = drift.snapshot;
  operation->attachment = drift.attachment;
  operation->node = drift.node;
  operation->options = std::move(options);
  operation->created_at = operation->updated_at = operation->step_since = services_.clock.wall();
  operation->deadline = operation->created_at + services_.workflows.find(kind)->deadline;
  services_.database.write(
      [operation, drift](db::Transaction& tx) -> Result<void> {
        if (!still_wanted(tx.connection(), drift))
          return fail(ErrorCode::conflict, "the rows changed meanwhile");
        operation->project = project_of(tx.connection(), drift);
        if (auto begun = db::begin_operation(tx, *operation, {{resource_of(drift)}}); !begun)
          return begun;
        record(tx, db::audit_record_of(*operation));
        fault_point(operation->kind + ".intent.before-commit");
        return {};
      },
      [this, alive = std::weak_ptr(state_), operation](Result<void> written) {
        if (alive.expired()) return;
        if (written) {
          fault_point(operation->kind + ".intent.after-commit");
          services_.engine.wake(operation->id);
        } else
          log::info("remedy not queued",
                    {{"kind", operation->kind}, {"error", describe(written.error())}});
      },
      services_.executor);
}

}  // namespace vbs::api
