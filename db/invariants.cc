#include "db/invariants.h"

namespace vbs::db {
namespace {

constexpr int kMaxViolations = 20;

const std::vector<Invariant> kInvariants = {
    // Operations and their locks.
    {"lock-without-operation",
     "SELECT l.resource FROM operation_locks l"
     " WHERE NOT EXISTS (SELECT 1 FROM operations o WHERE o.seq = l.operation_seq)"},
    {"ended-operation-holds-lock",
     "SELECT l.resource || ' held by ' || o.uid FROM operation_locks l"
     " JOIN operations o ON o.seq = l.operation_seq WHERE o.ended_at IS NOT NULL"},
    {"live-operation-without-lock",
     "SELECT o.kind || ' ' || o.uid FROM operations o WHERE o.ended_at IS NULL"
     " AND o.kind NOT GLOB 'reap*' AND o.kind NOT GLOB 'repair*'"
     " AND NOT EXISTS (SELECT 1 FROM operation_locks l WHERE l.operation_seq = o.seq)"},
    {"exclusive-lock-shared",
     "SELECT l.resource FROM operation_locks l WHERE l.mode = 'exclusive' AND EXISTS (SELECT 1"
     " FROM operation_locks m WHERE m.resource = l.resource"
     " AND m.operation_seq <> l.operation_seq)"},
    {"undone-operation-without-error",
     "SELECT uid FROM operations WHERE state IN ('undoing', 'failed', 'cancelled')"
     " AND error IS NULL"},
    {"operation-on-missing-resource",
     // What is left over on a node has no row here by its nature.
     "SELECT o.kind || ' ' || o.uid FROM operations o WHERE o.ended_at IS NULL AND o.node = '' AND "
     "("
     " (o.volume_uid IS NOT NULL AND NOT EXISTS"
     "  (SELECT 1 FROM volumes v WHERE v.uid = o.volume_uid))"
     " OR (o.snapshot_uid IS NOT NULL AND NOT EXISTS"
     "  (SELECT 1 FROM snapshots s WHERE s.uid = o.snapshot_uid))"
     " OR (o.attachment_uid IS NOT NULL AND NOT EXISTS"
     "  (SELECT 1 FROM attachments a WHERE a.uid = o.attachment_uid)))"},
    {"idempotency-key-without-operation",
     "SELECT k.operation_uid FROM idempotency_keys k"
     " WHERE NOT EXISTS (SELECT 1 FROM operations o WHERE o.uid = k.operation_uid)"},
    {"operation-not-recorded-once",
     // Its beginning, and its cancellation where one was asked for. From the trail to the few
     // operations: nothing has to be sorted that grows for ever.
     "SELECT o.kind || ' ' || o.uid FROM operations o LEFT JOIN"
     " (SELECT p.seq AS seq, sum(a.action = p.kind) AS begun, sum(a.action <> p.kind) AS cancelled"
     "  FROM audit_records a CROSS JOIN operations p ON p.uid = a.operation_uid GROUP BY p.seq) r"
     " ON r.seq = o.seq WHERE coalesce(r.begun, 0) <> 1"
     " OR coalesce(r.cancelled, 0) <> o.cancel_requested"},

    // Attachments and the volumes they show.
    {"in-use-volume-not-attached",
     "SELECT v.uid FROM volumes v WHERE v.state = 'in-use' AND NOT EXISTS (SELECT 1"
     " FROM attachments a WHERE a.volume_seq = v.seq AND a.state <> 'closed'"
     " AND a.state = 'attached')"},
    {"attached-volume-not-in-use",
     "SELECT a.uid FROM attachments a JOIN volumes v ON v.seq = a.volume_seq"
     " WHERE a.state <> 'closed' AND a.state = 'attached' AND v.state <> 'in-use'"},
    {"reserved-attachment-without-operation",
     "SELECT a.uid FROM attachments a WHERE a.state <> 'closed' AND a.state = 'reserved'"
     " AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.attachment_uid = a.uid"
     " AND o.ended_at IS NULL)"},
    {"writer-beside-another",
     "SELECT a.uid FROM attachments a WHERE a.state <> 'closed' AND a.read_only = 0"
     " AND EXISTS (SELECT 1 FROM attachments b WHERE b.volume_seq = a.volume_seq"
     " AND b.state <> 'closed' AND b.seq <> a.seq)"},
    {"device-taken-twice",
     "SELECT vmm_node || ' ' || vm || ' ' || device FROM attachments WHERE state <> 'closed'"
     " GROUP BY vmm_node, vm, device HAVING count(*) > 1"},
    {"attachment-differs-from-volume",
     "SELECT a.uid FROM attachments a WHERE a.state <> 'closed' AND NOT EXISTS (SELECT 1"
     " FROM volumes v WHERE v.seq = a.volume_seq AND v.uid = a.volume_uid"
     " AND v.project = a.project AND v.node = a.volume_server AND v.state <> 'deleted')"},
    {"closed-attachment-with-secret",
     "SELECT uid FROM attachments WHERE state = 'closed' AND sealed_secret <> ''"},
    {"secret-in-clear",
     "SELECT uid FROM attachments WHERE sealed_secret <> '' AND sealed_secret NOT GLOB 'v1:*'"},

    // Volumes and snapshots.
    {"volume-error-without-reason",
     "SELECT uid FROM volumes WHERE state = 'error' AND reason = ''"},
    {"snapshot-error-without-reason",
     "SELECT uid FROM snapshots WHERE state = 'error' AND reason = ''"},
    {"volume-name-taken-twice",
     "SELECT project || ' ' || name FROM volumes WHERE state <> 'deleted' AND name IS NOT NULL"
     " GROUP BY name, project HAVING count(*) > 1"},
    {"snapshot-name-taken-twice",
     "SELECT project || ' ' || name FROM snapshots WHERE state <> 'deleted' AND name IS NOT NULL"
     " GROUP BY name, project HAVING count(*) > 1"},
    {"volume-source-missing",
     "SELECT v.uid FROM volumes v WHERE"
     " (v.source_kind = 'volume' AND NOT EXISTS"
     "  (SELECT 1 FROM volumes w WHERE w.uid = v.source_uid))"
     " OR (v.source_kind = 'snapshot' AND NOT EXISTS"
     "  (SELECT 1 FROM snapshots s WHERE s.uid = v.source_uid))"},
    {"snapshot-volume-missing",
     "SELECT s.uid FROM snapshots s"
     " WHERE NOT EXISTS (SELECT 1 FROM volumes v WHERE v.uid = s.volume_uid)"},
    {"volume-tags-differ",
     "SELECT v.uid FROM volumes v WHERE EXISTS"
     " (SELECT key, value FROM json_each(iif(v.state = 'deleted', '{}', v.tags))"
     "  EXCEPT SELECT key, value FROM volume_tags WHERE volume_seq = v.seq)"
     " OR EXISTS (SELECT key, value FROM volume_tags WHERE volume_seq = v.seq"
     "  EXCEPT SELECT key, value FROM json_each(iif(v.state = 'deleted', '{}', v.tags)))"},
    {"snapshot-tags-differ",
     "SELECT s.uid FROM snapshots s WHERE EXISTS"
     " (SELECT key, value FROM json_each(iif(s.state = 'deleted', '{}', s.tags))"
     "  EXCEPT SELECT key, value FROM snapshot_tags WHERE snapshot_seq = s.seq)"
     " OR EXISTS (SELECT key, value FROM snapshot_tags WHERE snapshot_seq = s.seq"
     "  EXCEPT SELECT key, value FROM json_each(iif(s.state = 'deleted', '{}', s.tags)))"},

    {"growing-volume-without-operation",
     "SELECT v.uid FROM volumes v WHERE v.wanted_bytes IS NOT NULL AND NOT EXISTS (SELECT 1"
     " FROM operations o WHERE o.volume_uid = v.uid AND o.kind = 'modify-volume'"
     " AND o.ended_at IS NULL)"},

    // Counters.
    {"project-usage-differs",
     "SELECT owner FROM ("
     "SELECT project AS owner, 1 AS v, 0 AS s, coalesce(wanted_bytes, size_bytes) AS b"
     " FROM volumes WHERE state <> 'deleted'"
     " UNION ALL SELECT project, 0, 1, size_bytes FROM snapshots WHERE state <> 'deleted'"
     " UNION ALL SELECT project, -volumes, -snapshots, -bytes FROM project_usage)"
     " GROUP BY owner HAVING sum(v) <> 0 OR sum(s) <> 0 OR sum(b) <> 0"},
    {"node-usage-differs",
     "SELECT owner FROM ("
     "SELECT node AS owner, 1 AS v, 0 AS s, coalesce(wanted_bytes, size_bytes) AS b"
     " FROM volumes WHERE state <> 'deleted'"
     " UNION ALL SELECT node, 0, 1, size_bytes FROM snapshots WHERE state <> 'deleted'"
     " UNION ALL SELECT node, 0, 0, -bytes FROM node_usage)"
     " GROUP BY owner HAVING sum(b) <> 0"},
};

}  // namespace

const std::vector<Invariant>& invariants() {
  return kInvariants;
}

std::vector<Violation> check_invariants(Connection& connection) {
  std::vector<Violation> violations;
  for (const auto& invariant : invariants()) {
    auto query = connection.prepare(invariant.sql);
    for (int i = 0; i < kMaxViolations && query.step(); ++i) {
      violations.push_back({std::string(invariant.name), query.string(0)});
    }
  }
  return violations;
}

}  // namespace vbs::db
