-- One row: rows of the feature store of a range, and their mean quality score.
SELECT COUNT(*) AS row_count, CAST(ROUND(AVG(feature_quality_score), 2) AS NUMERIC) AS mean_quality
FROM nba_precompute.ml_feature_store_v2
WHERE analysis_date BETWEEN @start_date AND @end_date
