-- Rows of current state that the fold over all published observations says otherwise.
WITH changed AS (
  SELECT 'coffee ' || id AS culprit FROM changed_coffees UNION ALL SELECT 'variant ' || id FROM changed_variants
)
SELECT (SELECT count(*) FROM folded_coffees) + (SELECT count(*) FROM folded_variants), count(*),
  (array_agg(culprit ORDER BY culprit))[1:20]
FROM changed;
