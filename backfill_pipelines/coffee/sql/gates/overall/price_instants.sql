-- Instants of a variant that have several price rows.
SELECT (SELECT count(*) FROM prices), COALESCE(sum(rows - 1), 0),
  (array_agg('variant ' || variant_id || ' at ' || scraped_at ORDER BY variant_id, scraped_at))[1:20]
FROM (SELECT variant_id, scraped_at, count(*) AS rows FROM prices GROUP BY variant_id, scraped_at HAVING count(*) > 1) d;
