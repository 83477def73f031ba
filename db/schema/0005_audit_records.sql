-- Who changed what: one record for each change, written in its transaction and kept for ever. Role,
-- project and request are '' where they are not known: nobody asked, or it was before there were
-- records.
CREATE TABLE audit_records (
  seq            INTEGER PRIMARY KEY AUTOINCREMENT,
  at             INTEGER NOT NULL,
  principal      TEXT NOT NULL,
  role           TEXT NOT NULL,
  project        TEXT NOT NULL,
  action         TEXT NOT NULL,
  force          INTEGER NOT NULL DEFAULT 0 CHECK (force IN (0, 1)),
  operation_uid  TEXT,
  volume_uid     TEXT,
  snapshot_uid   TEXT,
  attachment_uid TEXT,
  vm             TEXT,
  node           TEXT,
  request_id     TEXT NOT NULL
) STRICT;

INSERT INTO audit_records (at, principal, role, project, action, force, operation_uid, volume_uid,
                           snapshot_uid, attachment_uid, vm, node, request_id)
SELECT e.at, substr(e.message, length('by ') + 1), '', '',
       iif(e.what = 'begun', o.kind, 'cancel-operation'),
       e.what = 'begun' AND coalesce(json_extract(o.options, '$.force'), 0),
       o.uid, o.volume_uid, o.snapshot_uid, o.attachment_uid, a.vm, a.vmm_node, ''
  FROM operation_events e
  JOIN operations o ON o.seq = e.operation_seq
  LEFT JOIN attachments a ON a.uid = o.attachment_uid
 WHERE e.what IN ('begun', 'cancel-requested')
 ORDER BY e.seq;

CREATE TRIGGER audit_records_stay BEFORE DELETE ON audit_records
BEGIN SELECT RAISE(ABORT, 'audit records are never removed'); END;
CREATE TRIGGER audit_records_keep BEFORE UPDATE ON audit_records
BEGIN SELECT RAISE(ABORT, 'audit records are never changed'); END;
-- REPLACE deletes without asking the first trigger.
CREATE TRIGGER audit_records_end BEFORE INSERT ON audit_records
WHEN EXISTS (SELECT 1 FROM audit_records WHERE seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'audit records are never replaced'); END;
