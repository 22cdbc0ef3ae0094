"""How a run behaves follows from who launched it and what it was told."""

import pytest

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.backfill.run_mode import CLI_TAG, RangeConfig, RunMode, run_mode

BACKFILL = {"dagster/backfill": "abcdefgh"}


@pytest.mark.parametrize(
    ("tags", "config", "expected"),
    [
        ({}, {}, RunMode()),
        (BACKFILL, {}, RunMode(backfill=True, skip_downstream=True)),
        ({CLI_TAG: "true"}, {}, RunMode(backfill=True, skip_downstream=True)),
        ({"dagster/sensor_name": "nba_gap_sensor"}, {}, RunMode()),
        (BACKFILL, {"backfill_mode": False}, RunMode()),
        ({}, {"backfill_mode": True}, RunMode(backfill=True, skip_downstream=True)),
        (BACKFILL, {"skip_downstream": False}, RunMode(backfill=True)),
        ({}, {"skip_downstream": True}, RunMode(skip_downstream=True)),
        ({}, {"on_error": "stop"}, RunMode(stop_on_error=True)),
        ({}, {"force": True}, RunMode(force=True)),
        ({}, {"strict_mode": False, "reason": "old feed"}, RunMode(strict=False, reason="old feed")),
    ],
)
def test_the_mode_in_force(tags: dict[str, str], config: dict[str, object], expected: RunMode) -> None:
    assert run_mode(tags, RangeConfig(**config), reads_history=False) == expected


def test_a_table_that_reads_history_stops_at_the_first_red_date() -> None:
    """The dates after it would be built on a hole."""
    assert run_mode({}, RangeConfig(), reads_history=True).stop_on_error
    with pytest.raises(SettingsError, match="on_error=continue is not for a table that reads earlier dates"):
        run_mode({}, RangeConfig(on_error="continue"), reads_history=True)


@pytest.mark.parametrize("reason", ["", "   "])
def test_strict_mode_is_not_switched_off_without_a_reason(reason: str) -> None:
    with pytest.raises(SettingsError, match="strict_mode=false needs a reason"):
        run_mode({}, RangeConfig(strict_mode=False, reason=reason), reads_history=True)
