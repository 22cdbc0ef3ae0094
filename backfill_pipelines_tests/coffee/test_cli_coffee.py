"""``backfill coffee plan|run|status|validate`` as an operator uses them, one after the other."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from backfill_pipelines.cli import app
from backfill_pipelines.cli_console import BROKEN
from backfill_pipelines.coffee.artifact_meta import Answer
from backfill_pipelines.coffee.artifact_rows import record_captures
from backfill_pipelines.coffee.artifacts import Artifacts
from backfill_pipelines.coffee.migrations import migrate
from backfill_pipelines.coffee.registry import read_registry, register, sources
from backfill_pipelines.settings import read_settings
from backfill_pipelines.stores.postgres import execute, read_value
from backfill_pipelines.stores.resources import build_artifacts, build_postgres
from backfill_pipelines_tests.coffee.coffee_world import SUNDAY, shopify
from backfill_pipelines_tests.coffee.databases import short_folder

SHOP = {"base_url": "https://bluetokaicoffee.com", "platform": "shopify", "currency": "INR"}
REGISTRY = {
    "roasters": [{"slug": "blue-tokai", "name": "Blue Tokai", "active_from": "2025-09-15", "active_to": "2025-10-01",
                  "sources": [SHOP]}]
}  # fmt: skip
DAYS = ("--from", "2025-09-15", "--to", "2025-09-28")


@pytest.fixture(scope="module", autouse=True)
def deployment() -> Iterator[Path]:
    """An empty state folder with one shop and two stored captures."""
    with short_folder() as found, pytest.MonkeyPatch.context() as environment:
        environment.setenv("BACKFILL_STATE_DIR", str(found / "state"))
        settings = read_settings()
        postgres = build_postgres(settings)
        migrate(postgres)
        with postgres.connect("test") as connection:
            register(connection, read_registry(orjson.dumps(REGISTRY)))
            (source,) = sources(connection)
            for weeks, price in ((1, "450.00"), (0, "460.00")):
                body = orjson.dumps({"products": shopify(price)})
                answer = Answer(
                    f"{source.base_url}/products.json", SUNDAY - timedelta(weeks=weeks), "response", "complete"
                )
                capture = Artifacts(build_artifacts(settings)).save_body(source, body, answer)
                record_captures(connection, [capture])
        yield found
        postgres.embedded_server.stop()


def coffee(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["coffee", *arguments], catch_exceptions=False)
    return result.exit_code, " ".join(result.output.split())


def planned(*arguments: str) -> str:
    code, said = coffee("plan", *arguments)
    assert code == 0, said
    return re.findall(r"backfill coffee run ([0-9a-f-]{36})", said)[-1]


def prices() -> int:
    with build_postgres(read_settings()).connect("test") as connection:
        return int(read_value(connection, "SELECT count(*) FROM prices"))


def test_a_plan_shows_what_it_will_take_and_publishes_nothing() -> None:
    code, said = coffee("plan", "incremental", *DAYS, "--count-rows")
    assert code == 0
    for shown in ("stale", "artifacts to replay", "time, the runbook's", "fingerprint", "prices 12"):
        assert shown in said
    assert prices() == 0


def test_a_plan_is_shown_applied_and_found_again() -> None:
    plan = planned("incremental", *DAYS)
    code, said = coffee("run", plan, "--dry-run")
    assert (code, "dry run: nothing was changed" in said, prices()) == (0, True, 0)
    code, said = coffee("run", plan)
    assert (code, "2 ok" in said, "14 of 14 accounted for, 0 unexplained" in said) == (0, True, True)
    assert "0.0 %: 0 of 2 processed in 0 of 1 ranges" in said
    assert "100.0 %: 2 of 2 processed in 1 of 1 ranges, 2 ok, 0 failed, 0 unrecoverable, 12 rows looked at" in said
    assert prices() == 12
    code, said = coffee("status")
    assert (code, plan in said.replace(" ", ""), "ok" in said) == (0, True, True)
    code, said = coffee("status", plan)
    assert (code, "incremental" in said, "ok 2" in said) == (0, True, True)
    code, said = coffee("run", plan)
    assert (code, "is over: ok" in said) == (BROKEN, True)
    again = planned("incremental", *DAYS)
    assert coffee("run", again)[0] == 0
    assert "nothing to do" in coffee("status", again)[1]


def test_a_validation_is_green_and_says_so() -> None:
    code, said = coffee("validate", *DAYS)
    assert (code, "2 ok" in said, "would_repair: []" in said) == (0, True, True)


def test_a_full_backfill_refuses_without_a_backup() -> None:
    code, said = coffee("run", planned("full", *DAYS))
    assert (code, "BackupMissing" in said) == (BROKEN, True)


def test_what_a_person_has_set_is_applied_taken_back_and_listed() -> None:
    with build_postgres(read_settings()).connect("test") as connection:
        execute(
            connection,
            "INSERT INTO field_overrides SELECT id, 'region', '\"Araku\"', 'ann', now() FROM coffees LIMIT 1",
        )
    assert "-> Araku" in coffee("overrides", "apply")[1]
    code, said = coffee("overrides", "apply", "--roaster", "blue-tokai", "--apply")
    assert code == 0, said
    run = re.findall(r"backfill coffee rollback ([0-9a-f-]{36})", said)[-1]
    assert "nothing to do" in coffee("overrides", "apply", "--apply")[1]
    assert coffee("rollback", run, "--apply")[0] == 0
    code, said = coffee("status")
    assert (code, f"rollbackof{run}" in said.replace(" ", "").replace("│", "")) == (0, True), said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("status", "seven"), "'seven' is no id"),
        (("run", "00000000-0000-0000-0000-000000000007"), "no backfill"),
        (("plan", "incremental", *DAYS, "--roaster", "araku"), "no roaster araku"),
        (("overrides", "apply", "--roaster", "araku"), "no roaster araku"),
        (("plan", "incremental", *DAYS, "--product", "7"), "Repair: use the mode selective"),
        (("plan", "selective", *DAYS, "--data", "colour"), "no data type colour"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_do(arguments: tuple[str, ...], said: str) -> None:
    code, output = coffee(*arguments)
    assert (code, said in output) == (BROKEN, True)
