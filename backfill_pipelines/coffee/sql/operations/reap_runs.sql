-- Runs whose lease has run out end as crashed. Parameters: now (timestamptz), runs (uuid[]).
UPDATE scrape_runs SET status = 'fail', finished_at = %(now)s, error_code = 'crashed',
  error = 'not heard of since its lease ended at ' || lease_until
WHERE id = ANY(%(runs)s::uuid[]) AND status IS NULL AND lease_until < %(now)s;
