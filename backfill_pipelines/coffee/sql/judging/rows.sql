-- Grain: a row of the quarantine, oldest day first.
-- Parameters: ids (bigint[], NULL for all), roaster (slug or NULL), day (date or NULL), state (or NULL).
SELECT q.id, r.slug, q.day, q.artifact_id, q.platform_product_id AS product, q.platform_variant_id AS variant, q.reason,
  q.detail, q.state
FROM quarantine q JOIN roasters r ON r.id = q.roaster_id
WHERE (%(ids)s::bigint[] IS NULL OR q.id = ANY (%(ids)s)) AND (%(roaster)s::text IS NULL OR r.slug = %(roaster)s)
  AND (%(day)s::date IS NULL OR q.day = %(day)s) AND (%(state)s::text IS NULL OR q.state = %(state)s)
ORDER BY q.day, r.slug, q.reason, q.id;
