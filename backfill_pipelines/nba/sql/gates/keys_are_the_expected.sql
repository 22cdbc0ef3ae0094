-- One item for each key of the date that is expected or found: it is both.
WITH expected AS (
  SELECT partition_date, key
  FROM {expected}
  WHERE partition_date BETWEEN @start_date AND @end_date
),
found AS (
  SELECT analysis_date AS partition_date, {key} AS key
  FROM {staged}
  WHERE analysis_date BETWEEN @start_date AND @end_date
)
SELECT
  IFNULL(e.partition_date, f.partition_date) AS partition_date,
  e.key IS NOT NULL AND f.key IS NOT NULL AS ok,
  CONCAT(IFNULL(e.key, f.key), IF(f.key IS NULL, ' is missing', ' is not expected')) AS culprit
FROM expected AS e
FULL OUTER JOIN found AS f ON f.partition_date = e.partition_date AND f.key = e.key
