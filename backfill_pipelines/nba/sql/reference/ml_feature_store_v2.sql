-- Alias of nba_precompute.ml_feature_store_v2, under the dataset that the original system used.
SELECT * FROM nba_precompute.ml_feature_store_v2 WHERE analysis_date >= DATE '2021-10-19'
