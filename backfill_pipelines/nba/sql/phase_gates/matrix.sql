-- Grain: (table, state): how many schedule dates of a range a table of a phase has in each state.
SELECT table_name, is_required, position, state, COUNT(*) AS dates
FROM nba_reference.partition_states
WHERE phase = @phase AND is_schedule_date AND partition_date BETWEEN @start_date AND @end_date
GROUP BY table_name, is_required, position, state
ORDER BY position, state
