-- The staged prices that have no row yet, and those whose row says, or was corrected to say, something else. The stored
-- ones are materialised: new rows have no statistics yet, and a join by the instant alone would be chosen.
CREATE TEMPORARY TABLE prices_open ON COMMIT DROP AS
WITH stored AS MATERIALIZED (
  SELECT r.id, r.variant_id, r.scraped_at, r.artifact_id, r.price, r.currency, r.compare_at_price,
    EXISTS (SELECT FROM price_corrections c WHERE c.price_id = r.id) AS is_corrected
  FROM (SELECT DISTINCT roaster_id, observed_at FROM publishing) p
  JOIN prices r ON r.roaster_id = p.roaster_id AND r.scraped_at = p.observed_at
)
SELECT p.product_no, p.artifact_no, p.observed_at, s.variant_id, s.price, s.currency::char(3), s.compare_at_price,
  s.price_from, r.id AS price_id, r.artifact_id AS stored_artifact_id, r.price AS stored_price,
  r.currency AS stored_currency, r.compare_at_price AS stored_compare_at_price
FROM publishing p
JOIN staged_variants s USING (product_no)
LEFT JOIN stored r ON r.variant_id = s.variant_id AND r.scraped_at = p.observed_at
WHERE s.price IS NOT NULL AND p.standing <> 'yields'
  AND (r.id IS NULL OR r.is_corrected
    OR (s.price, s.currency::char(3), s.compare_at_price) IS DISTINCT FROM (r.price, r.currency, r.compare_at_price));
