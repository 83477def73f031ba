#include "db/purge.h"

#include "db/id_queries.h"

namespace vbs::db {

namespace {

int run(Transaction& tx, const char* sql, const Purge& purge) {
  return tx.connection()
      .prepare(sql)
      .bind(purge.before)
      .bind(text_array(purge.unsettled_nodes))
      .bind(purge.limit)
      .run();
}

}  // namespace

int purge_closed_attachments(Transaction& tx, const Purge& purge) {
  return run(tx,
             "DELETE FROM attachments WHERE seq IN (SELECT a.seq FROM attachments a"
             " INDEXED BY attachments_closed WHERE a.state = 'closed' AND a.updated_at < ?1"
             " AND a.vmm_node NOT IN (SELECT value FROM json_each(?2))"
             " AND a.volume_server NOT IN (SELECT value FROM json_each(?2))"
             " ORDER BY a.updated_at LIMIT ?3)",
             purge);
}

int purge_deleted_snapshots(Transaction& tx, const Purge& purge) {
  return run(tx,
             "DELETE FROM snapshots WHERE seq IN (SELECT s.seq FROM snapshots s"
             " INDEXED BY snapshots_deleted WHERE s.state = 'deleted' AND s.updated_at < ?1"
             " AND s.node NOT IN (SELECT value FROM json_each(?2))"
             " AND NOT EXISTS (SELECT 1 FROM volumes v WHERE v.source_uid = s.uid)"
             " AND NOT EXISTS (SELECT 1 FROM operation_locks l"
             "  WHERE l.resource = 'snapshot/' || s.uid)"
             " ORDER BY s.updated_at LIMIT ?3)",
             purge);
}

int purge_deleted_volumes(Transaction& tx, const Purge& purge) {
  return run(tx,
             "DELETE FROM volumes WHERE seq IN (SELECT v.seq FROM volumes v"
             " INDEXED BY volumes_deleted WHERE v.state = 'deleted' AND v.updated_at < ?1"
             " AND v.node NOT IN (SELECT value FROM json_each(?2))"
             " AND NOT EXISTS (SELECT 1 FROM attachments a WHERE a.volume_uid = v.uid)"
             " AND NOT EXISTS (SELECT 1 FROM snapshots s WHERE s.volume_uid = v.uid)"
             " AND NOT EXISTS (SELECT 1 FROM volumes w WHERE w.source_uid = v.uid)"
             " AND NOT EXISTS (SELECT 1 FROM operation_locks l"
             "  WHERE l.resource = 'volume/' || v.uid)"
             " ORDER BY v.updated_at LIMIT ?3)",
             purge);
}

}  // namespace vbs::db
