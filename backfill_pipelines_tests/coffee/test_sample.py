"""Generated shops: the same in every generation, accepted by the registry and by every gate, and something happens."""

import uuid
from pathlib import Path

import orjson
import pytest

from backfill_pipelines.coffee.artifact_rows import record_captures
from backfill_pipelines.coffee.artifacts import Artifacts
from backfill_pipelines.coffee.deriving import derive
from backfill_pipelines.coffee.model import Capture
from backfill_pipelines.coffee.overall_gates import OVERALL_GATES, measure_overall
from backfill_pipelines.coffee.partition_gates import PARTITION_GATES, measure
from backfill_pipelines.coffee.publishing import publish
from backfill_pipelines.coffee.registry import read_registry, register, sources
from backfill_pipelines.coffee.sample import SampleSize, sample_bodies, sample_registry, sample_sources, write_sample
from backfill_pipelines.coffee.staging import StagedBody, render, stage
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.postgres import Connection, Postgres
from backfill_pipelines_tests.coffee.observed import V1, new_run, one

SMALL = SampleSize(roasters=2, weeks=4, products=8, variants=6, price_moves=0.3)


def test_every_generation_is_the_same() -> None:
    for source in sample_sources(SMALL):
        assert list(sample_bodies(source, SMALL)) == list(sample_bodies(source, SMALL))
    first, second = (next(iter(sample_bodies(source, SMALL)))[1] for source in sample_sources(SMALL))
    assert first != second


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Artifacts, list[Capture]]:
    artifacts = Artifacts(ObjectStore(url=str(tmp_path / "store"), is_own=True))
    return artifacts, write_sample(artifacts, SMALL)


def published(connection: Connection, artifacts: Artifacts, captures: list[Capture]) -> uuid.UUID:
    register(connection, read_registry(orjson.dumps(sample_registry(SMALL))))
    record_captures(connection, captures)
    known = {source.id: source for source in sources(connection)}
    bodies = [
        StagedBody(seen.capture, known[seen.capture.source_id],
                   derive(seen.body, seen.capture, known[seen.capture.source_id]), seen.capture.body_sha256)
        for seen in artifacts.load_bodies(captures)
    ]  # fmt: skip
    run = new_run(connection)
    staged = stage(connection, render(bodies, V1))
    for gate in PARTITION_GATES:
        red = [key for key, found in measure(connection, gate, staged.partitions).items() if found.violations]
        assert red == [], gate.name
    publish(connection, staged, staged.partitions, run)
    return run


def test_every_gate_is_green_on_it_and_prices_move(postgres: Postgres, stored: tuple[Artifacts, list[Capture]]) -> None:
    with postgres.connect("test") as connection:
        published(connection, *stored)
        for gate in OVERALL_GATES:
            if gate.source:
                assert measure_overall(connection, gate).violations == 0, gate.name
    assert one(postgres, "SELECT count(*) FROM prices") == 2 * 4 * 8 * 6
    assert one(postgres, "SELECT count(*) FROM coffees WHERE product_kind = 'beans' AND roast_level IS NOT NULL") == 16
    moved = "SELECT count(*) FROM (SELECT FROM prices GROUP BY variant_id HAVING count(DISTINCT price) > 1) m"
    assert one(postgres, moved) > 0
    assert one(postgres, "SELECT count(*) FROM prices WHERE is_sale") > 0
