-- CHAP secrets stand here sealed (common/secret_box.h). Those of before are sealed when the service
-- starts; until then, and until the file holds no more of them where rows were, the mark stays
-- (db/sealed_secrets.h).
ALTER TABLE attachments RENAME COLUMN chap_secret TO sealed_secret;
PRAGMA application_id = 1;
