#include "api/reconcile/housekeeping.h"

#include <algorithm>

#include "common/log.h"
#include "db/idempotency_table.h"
#include "db/operation_table.h"
#include "db/purge.h"

namespace vbs::api {

namespace {

/// Some 20 ms of the one writer.
constexpr int kRowsInOneBatch = 500;

}  // namespace

struct Housekeeping::Batch {
  WallTime keys_before{};
  db::Purge purge;
};

void Housekeeping::run(const std::set<std::string>& unsettled) {
  if (running_) return;
  const WallTime now = services_.clock.wall();
  auto batch = std::make_shared<Batch>();
  batch->keys_before = now - services_.settings.idempotency_kept;
  batch->purge.before = now - services_.settings.operations_kept;
  batch->purge.unsettled_nodes.assign(unsettled.begin(), unsettled.end());
  batch->purge.limit = kRowsInOneBatch;
  running_ = true;
  run_batch(batch);
}

void Housekeeping::run_batch(const std::shared_ptr<const Batch>& batch) {
  auto most = std::make_shared<int>(0);
  auto job = [batch, most](db::Transaction& tx) -> Result<void> {
    const db::Purge& purge = batch->purge;
    // In this order: what is removed first may have kept what follows.
    *most = std::max({
        db::IdempotencyTable(tx.connection()).purge(batch->keys_before, purge.limit),
        db::OperationTable(tx.connection()).purge_ended(purge.before, purge.limit),
        db::purge_closed_attachments(tx, purge),
        db::purge_deleted_snapshots(tx, purge),
        db::purge_deleted_volumes(tx, purge),
    });
    return {};
  };
  auto done = [this, alive = std::weak_ptr(alive_), batch, most](const Result<void>& written) {
    if (alive.expired()) return;
    running_ = false;
    if (!written) {
      log::warning("old rows were not removed", {{"error", describe(written.error())}});
    } else if (*most == batch->purge.limit) {
      running_ = true;
      run_batch(batch);
    }
  };
  services_.database.write(std::move(job), std::move(done), services_.executor);
}

}  // namespace vbs::api
