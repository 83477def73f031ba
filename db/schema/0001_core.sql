-- Metadata of the front service. Times are milliseconds since the epoch, sizes bytes, ids canonical
-- UUID text. Rowid tables with a unique uid: ten times faster to page than random primary keys.

CREATE TABLE volumes (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,
  uid         TEXT NOT NULL UNIQUE CHECK (length(uid) = 36),
  project     TEXT NOT NULL,
  name        TEXT,
  size_bytes  INTEGER NOT NULL CHECK (size_bytes > 0 AND size_bytes % 1048576 = 0),
  node        TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('available', 'in-use', 'error', 'deleted')),
  reason      TEXT NOT NULL DEFAULT '',
  source_kind TEXT NOT NULL DEFAULT '' CHECK (source_kind IN ('', 'snapshot', 'volume')),
  source_uid  TEXT,
  tags        TEXT NOT NULL DEFAULT '{}',
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  CHECK ((source_kind = '') = (source_uid IS NULL))
) STRICT;
CREATE UNIQUE INDEX volumes_name ON volumes (name, project)
  WHERE state <> 'deleted' AND name IS NOT NULL;
CREATE INDEX volumes_project ON volumes (project, seq) WHERE state <> 'deleted';
CREATE INDEX volumes_live ON volumes (seq) WHERE state <> 'deleted';
CREATE INDEX volumes_node ON volumes (node, seq) WHERE state <> 'deleted';
-- What a project asks for costs what the project holds, whatever others hold.
CREATE INDEX volumes_project_node ON volumes (project, node, seq) WHERE state <> 'deleted';
CREATE INDEX volumes_project_state ON volumes (project, state, seq) WHERE state <> 'deleted';
CREATE INDEX volumes_deleted ON volumes (updated_at) WHERE state = 'deleted';
CREATE INDEX volumes_source ON volumes (source_uid) WHERE source_uid IS NOT NULL;

-- Of rows that are not deleted; the indexes hand a tag's volumes out in the order of lists.
CREATE TABLE volume_tags (
  volume_seq INTEGER NOT NULL REFERENCES volumes (seq) ON DELETE CASCADE,
  project    TEXT NOT NULL,
  key        TEXT NOT NULL,
  value      TEXT NOT NULL,
  PRIMARY KEY (volume_seq, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX volume_tags_value ON volume_tags (key, value, volume_seq);
CREATE INDEX volume_tags_project ON volume_tags (project, key, value, volume_seq);

CREATE TABLE snapshots (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,
  uid         TEXT NOT NULL UNIQUE CHECK (length(uid) = 36),
  project     TEXT NOT NULL,
  name        TEXT,
  volume_uid  TEXT NOT NULL,
  size_bytes  INTEGER NOT NULL CHECK (size_bytes > 0 AND size_bytes % 1048576 = 0),
  node        TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('available', 'error', 'deleted')),
  reason      TEXT NOT NULL DEFAULT '',
  consistency TEXT NOT NULL DEFAULT ''
              CHECK (consistency IN ('', 'file-system', 'crash', 'offline')),
  tags        TEXT NOT NULL DEFAULT '{}',
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX snapshots_name ON snapshots (name, project)
  WHERE state <> 'deleted' AND name IS NOT NULL;
CREATE INDEX snapshots_project ON snapshots (project, seq) WHERE state <> 'deleted';
CREATE INDEX snapshots_live ON snapshots (seq) WHERE state <> 'deleted';
CREATE INDEX snapshots_node ON snapshots (node, seq) WHERE state <> 'deleted';
CREATE INDEX snapshots_project_node ON snapshots (project, node, seq) WHERE state <> 'deleted';
CREATE INDEX snapshots_project_state ON snapshots (project, state, seq) WHERE state <> 'deleted';
CREATE INDEX snapshots_volume ON snapshots (volume_uid);
CREATE INDEX snapshots_deleted ON snapshots (updated_at) WHERE state = 'deleted';

-- Of rows that are not deleted; the indexes hand a tag's snapshots out in the order of lists.
CREATE TABLE snapshot_tags (
  snapshot_seq INTEGER NOT NULL REFERENCES snapshots (seq) ON DELETE CASCADE,
  project      TEXT NOT NULL,
  key          TEXT NOT NULL,
  value        TEXT NOT NULL,
  PRIMARY KEY (snapshot_seq, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX snapshot_tags_value ON snapshot_tags (key, value, snapshot_seq);
CREATE INDEX snapshot_tags_project ON snapshot_tags (project, key, value, snapshot_seq);

CREATE TABLE attachments (
  seq           INTEGER PRIMARY KEY AUTOINCREMENT,
  uid           TEXT NOT NULL UNIQUE CHECK (length(uid) = 36),
  volume_uid    TEXT NOT NULL REFERENCES volumes (uid),
  volume_seq    INTEGER NOT NULL,
  project       TEXT NOT NULL,
  volume_server TEXT NOT NULL,
  vmm_node      TEXT NOT NULL,
  vm            TEXT NOT NULL,
  device        TEXT NOT NULL,
  read_only     INTEGER NOT NULL CHECK (read_only IN (0, 1)),
  state         TEXT NOT NULL CHECK (state IN ('reserved', 'attached', 'closed')),
  reason        TEXT NOT NULL DEFAULT '',
  initiator     TEXT NOT NULL,
  chap_user     TEXT NOT NULL,
  chap_secret   TEXT NOT NULL,
  iqn           TEXT NOT NULL DEFAULT '',
  portal        TEXT NOT NULL DEFAULT '',
  lun           INTEGER NOT NULL DEFAULT 0,
  serial        TEXT NOT NULL DEFAULT '',
  guest_device  TEXT,
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL,
  CHECK (state <> 'closed' OR chap_secret = '')
) STRICT;
CREATE UNIQUE INDEX attachments_device ON attachments (vmm_node, vm, device)
  WHERE state <> 'closed';
CREATE UNIQUE INDEX attachments_one_writer ON attachments (volume_uid)
  WHERE state <> 'closed' AND read_only = 0;
CREATE INDEX attachments_volume ON attachments (volume_seq) WHERE state <> 'closed';
CREATE INDEX attachments_vm ON attachments (vm) WHERE state <> 'closed';
CREATE INDEX attachments_server ON attachments (volume_server) WHERE state <> 'closed';
CREATE INDEX attachments_closed ON attachments (updated_at) WHERE state = 'closed';
CREATE INDEX attachments_parent ON attachments (volume_uid);

CREATE TABLE operations (
  seq              INTEGER PRIMARY KEY AUTOINCREMENT,
  uid              TEXT NOT NULL UNIQUE CHECK (length(uid) = 36),
  project          TEXT NOT NULL,
  principal        TEXT NOT NULL,
  kind             TEXT NOT NULL,
  state            TEXT NOT NULL
                   CHECK (state IN ('running', 'undoing', 'succeeded', 'failed', 'cancelled')),
  step             INTEGER NOT NULL,
  volume_uid       TEXT,
  snapshot_uid     TEXT,
  attachment_uid   TEXT,
  node             TEXT NOT NULL DEFAULT '',
  options          TEXT NOT NULL DEFAULT '{}',
  data             TEXT NOT NULL DEFAULT '{}',
  cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1)),
  error            TEXT,
  attempt          INTEGER NOT NULL DEFAULT 0,
  waiting_for      TEXT NOT NULL DEFAULT '',
  next_retry_at    INTEGER,
  step_since       INTEGER NOT NULL,
  deadline         INTEGER NOT NULL,
  created_at       INTEGER NOT NULL,
  updated_at       INTEGER NOT NULL,
  ended_at         INTEGER,
  CHECK ((state IN ('running', 'undoing')) = (ended_at IS NULL))
) STRICT;
CREATE INDEX operations_live ON operations (seq) WHERE ended_at IS NULL;
CREATE INDEX operations_ended ON operations (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX operations_project ON operations (project, seq);
CREATE INDEX operations_project_kind ON operations (project, kind, seq);
-- The rare ends, so that looking for them does not read all that went well.
CREATE INDEX operations_turned_back ON operations (project, state, seq)
  WHERE state IN ('failed', 'cancelled');
CREATE INDEX operations_volume ON operations (volume_uid, seq);
CREATE INDEX operations_snapshot ON operations (snapshot_uid, seq) WHERE snapshot_uid IS NOT NULL;
CREATE INDEX operations_attachment ON operations (attachment_uid, seq)
  WHERE attachment_uid IS NOT NULL;

CREATE TABLE operation_events (
  seq           INTEGER PRIMARY KEY AUTOINCREMENT,
  operation_seq INTEGER NOT NULL REFERENCES operations (seq) ON DELETE CASCADE,
  at            INTEGER NOT NULL,
  step          TEXT NOT NULL,
  what          TEXT NOT NULL,
  node          TEXT NOT NULL DEFAULT '',
  message       TEXT NOT NULL DEFAULT '',
  elapsed_ms    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX operation_events_operation ON operation_events (operation_seq, seq);

-- The journal is the lock: a row here is the only thing that keeps two operations apart.
CREATE TABLE operation_locks (
  resource      TEXT NOT NULL,
  operation_seq INTEGER NOT NULL REFERENCES operations (seq),
  mode          TEXT NOT NULL CHECK (mode IN ('shared', 'exclusive')),
  PRIMARY KEY (resource, operation_seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX operation_locks_exclusive ON operation_locks (resource)
  WHERE mode = 'exclusive';
CREATE INDEX operation_locks_operation ON operation_locks (operation_seq);

CREATE TABLE idempotency_keys (
  project       TEXT NOT NULL,
  principal     TEXT NOT NULL,
  key           TEXT NOT NULL,
  request_hash  TEXT NOT NULL,
  operation_uid TEXT NOT NULL,
  created_at    INTEGER NOT NULL,
  PRIMARY KEY (project, principal, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
CREATE INDEX idempotency_keys_operation ON idempotency_keys (operation_uid);

CREATE TABLE project_usage (
  project   TEXT PRIMARY KEY,
  volumes   INTEGER NOT NULL CHECK (volumes >= 0),
  snapshots INTEGER NOT NULL CHECK (snapshots >= 0),
  bytes     INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE node_usage (
  node  TEXT PRIMARY KEY,
  bytes INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT, WITHOUT ROWID;
