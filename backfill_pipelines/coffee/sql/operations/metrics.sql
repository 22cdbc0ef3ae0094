-- Grain: one row a sample: metric, labels, value. Every figure is counted from rows.
SELECT 'coffee_backfill_partitions_total' AS metric, jsonb_build_object('state', state) AS labels, count(*)::float AS value
FROM backfill_partitions GROUP BY state
UNION ALL
SELECT 'coffee_backfill_rows_total', jsonb_build_object('table', table_name,
    'op', CASE WHEN before IS NULL THEN 'insert' ELSE 'update' END), count(*)
FROM row_before_images GROUP BY table_name, before IS NULL
UNION ALL
SELECT 'coffee_backfill_rows_total', '{"table": "prices", "op": "insert"}', count(*)
FROM prices WHERE backfill_run_id IS NOT NULL
UNION ALL
SELECT 'coffee_backfill_rows_total', '{"table": "product_artifacts", "op": "insert"}', count(*)
FROM product_artifacts WHERE backfill_run_id IS NOT NULL
UNION ALL
SELECT 'coffee_backfill_rows_total', '{"table": "price_corrections", "op": "insert"}', count(*) FROM price_corrections
UNION ALL
SELECT 'coffee_backfill_duration_seconds' || part, jsonb_build_object('mode', mode),
  CASE part WHEN '_sum' THEN sum(extract(epoch FROM finished_at - started_at))::float ELSE count(*) END
FROM backfill_runs, unnest(ARRAY['_sum', '_count']) AS part
WHERE finished_at IS NOT NULL AND started_at IS NOT NULL GROUP BY mode, part
UNION ALL
SELECT 'artifacts_total', jsonb_build_object('source', s.base_url, 'status', a.validation_status, 'platform', s.platform),
  count(*)
FROM scrape_artifacts a JOIN product_sources s ON s.id = a.source_id GROUP BY s.base_url, a.validation_status, s.platform
UNION ALL
SELECT 'fetch_latency_seconds' || part, '{}', sum((stats_json -> 'fetch_latency_seconds' ->> ltrim(part, '_'))::float)
FROM scrape_runs, unnest(ARRAY['_sum', '_count']) AS part
WHERE stats_json -> 'fetch_latency_seconds' IS NOT NULL GROUP BY part
UNION ALL
SELECT 'fetch_errors_total', jsonb_build_object('status', e.key), sum(e.value::float)
FROM scrape_runs r, jsonb_each_text(r.stats_json -> 'fetch_errors_total') e
WHERE jsonb_typeof(r.stats_json -> 'fetch_errors_total') = 'object' GROUP BY e.key
UNION ALL
SELECT 'rate_limit_errors_total', '{}', COALESCE(sum((stats_json ->> 'rate_limit_errors_total')::float), 0)
FROM scrape_runs
UNION ALL
SELECT 'validation_errors_total', jsonb_build_object('code', code), count(*)
FROM (SELECT unnest(codes) AS code FROM product_artifacts
  UNION ALL SELECT unnest(codes) FROM variant_observations) c GROUP BY code
UNION ALL
SELECT 'price_changes_total', jsonb_build_object('roaster', o.slug, 'currency', c.currency), count(*)
FROM (SELECT roaster_id, currency, price, lag(price) OVER w AS before, lag(currency) OVER w AS currency_before
  FROM effective_prices WINDOW w AS (PARTITION BY variant_id ORDER BY scraped_at, id)) c
JOIN roasters o ON o.id = c.roaster_id
WHERE c.price <> c.before AND c.currency = c.currency_before GROUP BY o.slug, c.currency
UNION ALL
SELECT 'quarantine_open', jsonb_build_object('reason', reason), count(*) FROM quarantine WHERE state = 'open' GROUP BY reason
ORDER BY 1, 2;
