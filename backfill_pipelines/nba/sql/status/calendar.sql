-- What the schedule says about each partition of a range.
SELECT partition_date, expected_games, exhibitions, cup_finals, empty_reason, is_bootstrap, schedule_loaded
FROM nba_reference.calendar_days
WHERE partition_date BETWEEN @start_date AND @end_date
