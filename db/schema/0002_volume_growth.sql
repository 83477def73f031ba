-- The size that a volume is growing to, from the intent of modify-volume until its store has it.
-- Usage counts it from the intent on.
ALTER TABLE volumes ADD COLUMN wanted_bytes INTEGER
  CHECK (wanted_bytes IS NULL OR (wanted_bytes > size_bytes AND wanted_bytes % 1048576 = 0));
