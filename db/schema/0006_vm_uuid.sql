-- Which VM of that name is meant. NULL where its hypervisor has no UUIDs that last, and for attachments
-- that were there before.
ALTER TABLE attachments ADD COLUMN vm_uuid TEXT CHECK (length(vm_uuid) = 36);
