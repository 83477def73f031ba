-- The image that a volume was made from. Images are no rows: volume servers offer them, and whoever
-- offers one may take it away.
ALTER TABLE volumes ADD COLUMN image_id TEXT
  CHECK (image_id IS NULL OR (length(image_id) = 36 AND source_kind = ''));
