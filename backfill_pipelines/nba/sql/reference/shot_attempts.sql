-- Grain: one row for each field-goal attempt of the play-by-play, with its zone.
-- The shot type decides what is a three, never the distance: corner threes are 22 ft.
-- A two without a distance belongs to no zone.
SELECT
  game_id,
  game_date,
  team_abbr,
  player_lookup,
  assist_player_lookup,
  block_player_lookup,
  shot_made,
  CASE
    WHEN shot_type = '3PT' THEN 'three'
    WHEN shot_distance IS NULL THEN NULL
    WHEN shot_distance <= 8 THEN 'paint'
    ELSE 'mid_range'
  END AS zone
FROM nba_raw.bigdataball_play_by_play
WHERE game_date >= DATE '2021-10-19' AND event_type IN ('shot', 'miss')
