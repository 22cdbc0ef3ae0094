"""Contracts of ``nba_reference``: seasons, places, history, verdicts, quarantine, gaps, repairs; and its views."""

from backfill_pipelines.backfill.contracts import TableContract, parse_columns


def _reference(
    name: str,
    description: str,
    text: str,
    key: tuple[str, ...],
    partition_column: str,
    cluster: tuple[str, ...] = (),
) -> TableContract:
    return TableContract("nba_reference", name, description, parse_columns(text), key, partition_column, cluster)


SEASON_WINDOWS = _reference(
    "seasons",
    "Season windows; partitions are the days inside them.",
    """
    season STRING! season name, 2021-22
    season_year INT64! start year
    opening DATE! first day of the window
    closing DATE! last day of the window
    is_open BOOL! the last final is not known yet; the window runs to 30 June
    confirmed BOOL! the opening is confirmed by the league
    """,
    ("season",),
    "opening",
)

TEAM_LOCATIONS = _reference(
    "team_locations",
    "The arena of each team; games on neutral ground count as played there.",
    """
    team_abbr STRING! tricode of the team
    latitude FLOAT64! degrees north
    longitude FLOAT64! degrees east, so negative
    timezone STRING! time zone of the arena, America/New_York
    """,
    ("team_abbr",),
    "team_abbr",
)

TIMEZONE_OFFSETS = _reference(
    "timezone_offsets",
    "Ranges of days on which the clock of a time zone has one offset, at noon.",
    """
    timezone STRING! time zone of an arena
    from_date DATE! first day of the range
    to_date DATE! last day of the range
    offset_hours INT64! local time minus UTC, so negative
    """,
    ("timezone", "from_date"),
    "from_date",
)

RUN_HISTORY = _reference(
    "processor_run_history",
    "One row for each processor, date and run, written when the run's transaction ended: the final state.",
    """
    phase STRING! phase_2_raw, phase_3_analytics or phase_4_precompute
    processor_name STRING! name of the processor in the original system
    data_date DATE! the partition
    run_id STRING! the Dagster run
    season_year INT64! start year of the season
    status STRING! success, failed or skipped
    success BOOL! success or rightly skipped
    error_message STRING red gates in words
    error_category STRING INFRASTRUCTURE, DATA_AVAILABILITY, PROCESSING_ERROR, RESOURCE_EXHAUSTION, DEFENSIVE_BLOCK
    failed_gates ARRAY<STRING> names of the blocking gates that were red
    skip_reason STRING expected_empty with its reason, or already_done
    processing_decision STRING the skip reason, or processed
    records_processed INT64! rows staged
    rows_processed INT64! rows staged
    rows_expected INT64 rows expected where the schedule says so
    rows_quarantined INT64! rows set aside
    processing_time_seconds FLOAT64! time of the run divided by its dates
    duration_seconds FLOAT64! time of the run divided by its dates
    started_at TIMESTAMP! start of the range run, UTC
    processed_at TIMESTAMP! end of the range run, UTC
    created_at TIMESTAMP! when the row was written, UTC
    backfill_mode BOOL! part of a launched backfill
    strict_mode BOOL! admission was on
    skip_downstream BOOL! downstream automation must ignore the run
    triggered_by STRING! backfill, sensor, cli or manual
    dagster_run_id STRING! the Dagster run
    attempt INT64! 1, or more for a retry
    code_version STRING! version of the asset's code
    output_dataset STRING! dataset of the table
    output_table STRING! the table
    partition_digest STRING digest of the partition as staged
    upstream_dependencies JSON tables read, with rows and digest
    warnings JSON what was odd but not wrong
    """,
    ("processor_name", "data_date", "run_id"),
    "data_date",
    ("processor_name", "status"),
)

GATE_VERDICTS = _reference(
    "gate_verdicts",
    "One row for each asset, gate, partition and run: what was measured and the verdict.",
    """
    asset_key STRING! dataset/table
    gate STRING! name of the gate, a statement true when green
    partition_date DATE! the partition
    run_id STRING! the Dagster run
    passed BOOL! green
    blocking BOOL! a red verdict keeps the partition from being published
    expected INT64! things measured
    actual INT64! things as expected
    sample ARRAY<STRING> up to 20 culprits
    thresholds JSON thresholds of the gate
    code_version STRING! version of the asset's code
    measured_at TIMESTAMP! when, UTC
    """,
    ("asset_key", "gate", "partition_date", "run_id"),
    "partition_date",
    ("asset_key", "gate"),
)

FILE_QUARANTINE = _reference(
    "file_quarantine",
    "Files set aside whole, with the reason; resolved by the next good load of the same entity.",
    """
    object_key STRING! the file
    feed STRING! feed it belongs to
    table_name STRING! table that would have taken it
    game_date DATE! date in its path
    nba_game_id STRING game in its path
    reason_code STRING! empty_file, corrupt_file, unknown_shape, wrong_date, unknown_game, unsupported_competition
    detail STRING! what was found and what to do
    bytes INT64! size
    run_id STRING! the run that set it aside
    first_seen_at TIMESTAMP! when it was first set aside, UTC
    resolved_at TIMESTAMP when a later load no longer found it wanting, UTC
    """,
    ("object_key", "table_name", "reason_code"),
    "game_date",
    ("feed",),
)

ROW_QUARANTINE = _reference(
    "row_quarantine",
    "Rows set aside, with the reason and their content; resolved by the next good load of the same entity.",
    """
    table_name STRING! table that would have taken the row
    game_date DATE! the partition
    key STRING! key of the row
    reason_code STRING! contradictory_stats, unparsable_value, out_of_range, conflicting_duplicate, unknown_team
    detail STRING! the rule and what was found
    payload JSON! the row as read
    object_key STRING! the file it was in
    run_id STRING! the run that set it aside
    first_seen_at TIMESTAMP! when it was first set aside, UTC
    resolved_at TIMESTAMP when a later load no longer found it wanting, UTC
    """,
    ("table_name", "game_date", "key", "reason_code", "object_key"),
    "game_date",
    ("table_name",),
)

ACCEPTED_GAPS = _reference(
    "accepted_gaps",
    "Holes that somebody accepted, with a reason: the only way past a red raw partition.",
    """
    table_name STRING! table with the hole
    game_date DATE! the partition
    game_id STRING! the game that is missing
    reason STRING! why it cannot be had
    accepted_by STRING! who accepted it
    accepted_at TIMESTAMP! when, UTC
    expires_on DATE last day on which the acceptance holds
    """,
    ("table_name", "game_date", "game_id"),
    "game_date",
)

STALE_PARTITIONS = _reference(
    "stale_partitions",
    "One row for each partition of a repair: what a corrected partition makes stale, until it is rebuilt.",
    """
    table_name STRING! table of the partition
    partition_date DATE! the partition
    repair_id STRING! the repair, greater for a later one
    reason_chain ARRAY<STRING> the partition, what it reads that is stale, and so on to the corrected partition
    caused_by_table STRING! table of the corrected partition, at the end of the chain
    caused_by_date DATE! date of the corrected partition
    digest_before STRING! digest as published when marked; a rebuild is compared with it
    marked_at TIMESTAMP! when it became stale, UTC
    resolved_at TIMESTAMP when it stopped being stale, UTC
    resolution STRING rebuilt (other content now) or unchanged (same content, or nothing it reads has changed)
    """,
    ("table_name", "partition_date", "repair_id"),
    "partition_date",
    ("table_name",),
)

REFERENCE_TABLES = (
    SEASON_WINDOWS,
    TEAM_LOCATIONS,
    TIMEZONE_OFFSETS,
    RUN_HISTORY,
    GATE_VERDICTS,
    FILE_QUARANTINE,
    ROW_QUARANTINE,
    ACCEPTED_GAPS,
    STALE_PARTITIONS,
)

#: Views that statements may read, in the order of creation: name -> statement file below ``sql``.
VIEWS = {
    "nba_reference.accepted_games": "reference/accepted_games",
    "nba_reference.calendar_days": "reference/calendar_days",
    "nba_reference.expected_games": "reference/expected_games",
    "nba_reference.expected_game_keys": "reference/expected_game_keys",
    "nba_reference.expected_team_keys": "reference/expected_team_keys",
    "nba_reference.expected_precompute_games": "reference/expected_precompute_games",
    "nba_reference.expected_zone_teams": "reference/expected_zone_teams",
    "nba_reference.expected_zone_players": "reference/expected_zone_players",
    "nba_reference.expected_cached_players": "reference/expected_cached_players",
    "nba_reference.expected_partitions": "reference/expected_partitions",
    "nba_raw.nbac_player_boxscore": "reference/nbac_player_boxscore",
    "nba_raw.espn_team_roster": "reference/espn_team_roster",
    "nba_raw.shot_attempts": "reference/shot_attempts",
    "nba_reference.nba_stage1_failures": "reference/nba_stage1_failures",
    "nba_predictions.ml_feature_store_v2": "reference/ml_feature_store_v2",
}

#: Views on which reports and phase gates stand; they also read what ``catalog_views`` writes.
REPORT_VIEWS = {
    "nba_reference.partition_states": "reference/partition_states",
    "nba_reference.phase_states": "reference/phase_states",
    "nba_reference.latest_runs": "reference/latest_runs",
}
