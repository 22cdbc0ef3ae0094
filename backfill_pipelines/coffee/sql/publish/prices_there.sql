-- The staged prices whose variant and instant have a row already, beside what that row says. The steps are materialised:
-- new rows have no statistics yet, and a join by the instant alone would be chosen.
CREATE TEMPORARY TABLE prices_there ON COMMIT DROP AS
WITH stored AS MATERIALIZED (
  SELECT r.id, r.variant_id, r.scraped_at, r.artifact_id, r.price, r.currency, r.compare_at_price
  FROM (SELECT DISTINCT roaster_id, observed_at FROM publishing) p
  JOIN prices r ON r.roaster_id = p.roaster_id AND r.scraped_at = p.observed_at
), said AS MATERIALIZED (
  SELECT s.variant_id, p.observed_at, p.artifact_no, s.price, s.currency, s.compare_at_price
  FROM publishing p
  JOIN staged_variants s USING (product_no)
  WHERE s.price IS NOT NULL AND p.standing <> 'yields'
)
SELECT s.variant_id, s.observed_at, s.artifact_no, s.price, s.currency::char(3), s.compare_at_price, r.id AS price_id,
  r.artifact_id AS stored_artifact_id, r.price AS stored_price, r.currency AS stored_currency,
  r.compare_at_price AS stored_compare_at_price
FROM said s
JOIN stored r ON r.variant_id = s.variant_id AND r.scraped_at = s.observed_at;
