-- Grain: a file of a required table that is set aside and that nobody has accepted.
-- Accepted: the game that the file is about is in nba_reference.accepted_gaps for the table. Files about a
-- competition that counts nowhere need no acceptance.
SELECT q.table_name, q.game_date, q.object_key, q.reason_code, q.detail
FROM nba_reference.file_quarantine AS q
JOIN nba_reference.catalog_tables AS t ON t.table_name = q.table_name
LEFT JOIN nba_reference.expected_games AS e
  ON e.nba_game_id = q.nba_game_id AND e.partition_date = q.game_date AND e.partition_date BETWEEN @start_date AND @end_date
LEFT JOIN nba_reference.accepted_games AS a
  ON a.table_name = q.table_name AND a.game_id = e.game_id AND a.game_date BETWEEN @start_date AND @end_date
WHERE t.is_required
  AND q.resolved_at IS NULL
  AND q.reason_code <> 'unsupported_competition'
  AND a.game_id IS NULL
  AND q.game_date BETWEEN @start_date AND @end_date
ORDER BY q.game_date, q.object_key
