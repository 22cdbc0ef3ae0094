-- Grain: one row a capture of lately that holds far less of a catalogue than the one before.
-- Parameters: since (timestamptz).
SELECT o.slug, a.observed_at, count(*) AS pages FROM scrape_artifacts a JOIN roasters o ON o.id = a.roaster_id
WHERE a.observed_at > %(since)s AND a.validation_errors @> '[{"code": "R_CATALOGUE_DROP"}]' AND a.superseded_by IS NULL
GROUP BY o.slug, a.observed_at ORDER BY o.slug, a.observed_at;
