"""NBA backfill: raw feed files (phase 2) become analytics tables (phase 3), one game date at a time.

Source of truth is the schedule: it says for every calendar day of a season which games a date must contain, or why
it contains none. Every table is partitioned by game date and judged against that expected set.

    feeds -> nbac_schedule -> nbac_team_boxscore, nbac_starting_lineups, nbac_gamebook_player_stats,
             bdl_player_boxscores, nbac_player_boxscores, bigdataball_play_by_play -> player_lines
          -> team_offense_game_summary -> player_game_summary -> team_defense_game_summary

Reading order: ``seasons`` (calendar, partitions), ``names`` (parse rules), ``tables_*`` (contracts), ``feeds``
(files to rows), ``raw`` and ``analytics`` (assets), ``gates``, ``target`` (how a range is staged, measured,
published), ``automation``.
"""
