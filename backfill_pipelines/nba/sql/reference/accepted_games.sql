-- Grain: (table_name, game_date, game_id): holes that are accepted today.
SELECT table_name, game_date, game_id, reason
FROM nba_reference.accepted_gaps
WHERE game_date >= DATE '2021-10-19' AND (expires_on IS NULL OR expires_on >= CURRENT_DATE())
