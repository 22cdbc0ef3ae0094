"""Old files become bodies, failed runs or quarantine rows, whoever's and whenever they are; again adds nothing."""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.coffee.artifact_rows import read_captures
from backfill_pipelines.coffee.artifacts import Artifacts
from backfill_pipelines.coffee.deriving import derive
from backfill_pipelines.coffee.import_manifest import Manifest, ManifestError, read_manifest
from backfill_pipelines.coffee.legacy_import import Imported, LegacyImport, files_below, files_in
from backfill_pipelines.coffee.model import Source
from backfill_pipelines.coffee.registry import read_registry, register
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.postgres import Postgres, read_rows, read_value
from backfill_pipelines_tests.coffee.test_legacy_layouts import FETCHED, NAME, PRODUCTS, WOO

SHARED = Path(__file__).parents[3] / "shared" / "data" / "coffee"
NOW = datetime(2025, 10, 10, tzinfo=UTC)
TABLES = ("scrape_runs", "scrape_artifacts", "quarantine")
Importer = Callable[..., LegacyImport]


@pytest.fixture
def importer(postgres: Postgres, source: Source, tmp_path: Path) -> Importer:  # noqa: ARG001
    """An import into a database with Blue Tokai, at a fixed time."""
    artifacts = Artifacts(ObjectStore(url=str(tmp_path / "artifacts"), is_own=True))

    def make(files: dict[str, dict[str, Any]] | None = None, **choices: Any) -> LegacyImport:
        manifest = read_manifest(json.dumps({"files": files or {}}).encode())
        return LegacyImport(postgres, artifacts, manifest, clock=lambda: NOW, **choices)

    return make


def one(importer: LegacyImport, document: Any, name: str = "x.json") -> Imported:
    (found,) = importer.run([(name, json.dumps(document).encode())])
    return found


def counts(postgres: Postgres) -> dict[str, int]:
    with postgres.connect("test") as connection:
        return {table: read_value(connection, f"SELECT count(*) FROM {table}") for table in TABLES}


def test_a_fetchers_file_becomes_a_run_and_its_body(importer: Importer, postgres: Postgres, source: Source) -> None:
    work = importer(default_source="blue-tokai")
    found = one(work, FETCHED, NAME)
    assert (found.outcome, found.products) == ("imported", 2)
    with postgres.connect("test") as connection:
        (capture,) = read_captures(connection)
        (run,) = read_rows(connection, "SELECT *, status::text AS status FROM scrape_runs")
    assert capture.observed_at == datetime(2025, 9, 20, 10, 0, 5, 500_000, UTC)
    assert (capture.observed_at_source, capture.completeness, capture.http_status) == ("recorded", "complete", None)
    assert capture.url == f"{source.base_url}/products.json"
    assert work.artifacts.load_body(capture) == json.dumps(FETCHED).encode()
    assert (run["id"], run["job_type"], run["trigger"], run["status"]) == (capture.run_id, "import", "import", "ok")
    assert (run["started_at"], run["finished_at"]) == (datetime(2025, 9, 20, 10, tzinfo=UTC), capture.observed_at)
    assert run["stats_json"]["completeness"] == "complete"


def test_the_same_file_again_adds_nothing_and_mends_a_lost_body(
    importer: Importer, postgres: Postgres, tmp_path: Path
) -> None:
    work = importer(default_source="blue-tokai")
    first = one(work, FETCHED, NAME)
    before = counts(postgres)
    assert first.capture is not None
    (tmp_path / "artifacts" / first.capture.storage_uri).unlink()
    again = one(work, FETCHED, "elsewhere/" + NAME)
    assert again.outcome == "known"
    assert counts(postgres) == before == {"scrape_runs": 1, "scrape_artifacts": 1, "quarantine": 0}
    assert work.artifacts.load_body(first.capture)


def test_the_same_bytes_at_another_time_are_another_observation(importer: Importer, postgres: Postgres) -> None:
    files = {name: {"observed_at": f"2025-09-{day}T00:00:00Z"} for name, day in (("a.json", 20), ("b.json", 27))}
    work = importer(files, default_source="blue-tokai")
    content = json.dumps({"products": PRODUCTS}).encode()
    found = work.run([("a.json", content), ("b.json", content)])
    assert [item.outcome for item in found] == ["imported", "imported"]
    with postgres.connect("test") as connection:
        assert [capture.observed_at_source for capture in read_captures(connection)] == ["manifest", "manifest"]


def test_without_a_time_it_is_refused_and_the_time_of_the_file_is_not_taken(importer: Importer, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "woo.json").write_text(json.dumps([{**PRODUCTS[1], **WOO[0], "variants": []}]))
    os.utime(folder / "woo.json", (1_758_300_000, 1_758_300_000))
    work = importer(default_source="blue-tokai")
    registry = {
        "roasters": [
            {
                "slug": "woo",
                "name": "W",
                "sources": [{"base_url": "https://w.example", "platform": "woocommerce", "currency": "INR"}],
            }
        ]
    }
    with work.postgres.connect("test") as connection:
        register(connection, read_registry(json.dumps(registry).encode()))
    (found,) = importer(default_source="woo").run(files_below(folder))
    assert (found.outcome, found.code) == ("refused", "E_OBSERVED_AT_UNKNOWN")
    assert "manifest" in found.why
    (found,) = importer({"woo.json": {"observed_at": "2025-09-20T00:00:00Z", "source": "woo"}}).run(files_below(folder))
    assert found.outcome == "imported"
    (found,) = work.run(files_below(folder))
    assert (found.outcome, found.code) == ("refused", "SOURCE_PLATFORM")


def test_an_estimated_time_is_the_newest_update_and_said_to_be_one(importer: Importer) -> None:
    found = one(importer(default_source="https://bluetokaicoffee.com/"), {"products": PRODUCTS})
    assert found.capture is not None
    assert found.capture.observed_at == datetime(2025, 9, 17, 20, tzinfo=UTC)
    assert found.capture.observed_at_source == "payload_max_updated_at"


def test_a_time_in_the_future_is_refused(importer: Importer) -> None:
    late = (NOW + timedelta(minutes=6)).isoformat()
    found = one(importer({"x.json": {"observed_at": late}}, default_source="blue-tokai"), {"products": PRODUCTS})
    assert (found.outcome, found.code) == ("refused", "E_OBSERVED_AT_FUTURE")
    near = (NOW + timedelta(minutes=4)).isoformat()
    found = one(importer({"x.json": {"observed_at": near}}, default_source="blue-tokai"), {"products": PRODUCTS})
    assert found.outcome == "imported"


def test_a_manifest_cannot_change_a_recorded_time(importer: Importer, postgres: Postgres) -> None:
    entry = {"observed_at": "2025-09-20T00:00:00Z"}
    found = one(importer({"x.json": entry}, default_source="blue-tokai"), FETCHED)
    assert (found.outcome, found.code) == ("refused", "MANIFEST_CONTRADICTS")
    entry = {"observed_at": "2025-09-20T10:00:05.500000Z"}
    assert one(importer({"x.json": entry}, default_source="blue-tokai"), FETCHED).outcome == "imported"
    assert counts(postgres)["scrape_artifacts"] == 1


def test_files_find_their_source_by_what_they_say(importer: Importer) -> None:
    canonical = {
        "source": "firecrawl",
        "roaster_domain": "www.bluetokaicoffee.com",
        "scraped_at": "2025-09-21T10:00:00Z",
        "product": {"platform": "shopify", "source_url": "https://bluetokaicoffee.com/products/a"},
    }
    found = one(importer(), canonical)
    assert found.outcome == "imported"
    assert found.capture is not None
    assert (found.capture.completeness, found.capture.url) == ("partial", "https://bluetokaicoffee.com/products/a")
    page = one(importer({"x.json": {"observed_at": "2025-09-21T10:00:00Z"}}), {**FETCHED, "completed_at": None})
    assert page.outcome == "imported"
    assert page.capture is not None
    assert page.capture.capture_id != found.capture.capture_id
    stranger = one(importer(), {**FETCHED, "roaster_id": "nobody", "base_url": "https://nobody.example"})
    assert (stranger.outcome, stranger.code) == ("refused", "SOURCE_UNKNOWN")
    assert "nobody, https://nobody.example" in stranger.why


def test_a_roaster_with_two_feeds_must_be_told_which(importer: Importer) -> None:
    feeds = [
        {"base_url": f"https://{name}.example", "platform": "shopify", "currency": "INR"} for name in ("one", "two")
    ]
    registry = {"roasters": [{"slug": "both", "name": "B", "sources": feeds}]}
    with importer().postgres.connect("test") as connection:
        register(connection, read_registry(json.dumps(registry).encode()))
    found = one(importer(default_source="both"), FETCHED)
    assert (found.outcome, found.code) == ("refused", "SOURCE_AMBIGUOUS")
    assert one(importer(default_source="https://two.example"), FETCHED).outcome == "imported"


def test_failures_become_failed_runs_and_quarantine_once(importer: Importer, postgres: Postgres) -> None:
    work = importer(default_source="blue-tokai")
    failed = {**FETCHED, "success": False, "error": "boom", "products": []}
    wrapper = {
        "artifact_id": None,
        "validated_at": "2025-09-21T22:01:50.277235+00:00",
        "validation_errors": ["Failed to read artifact from storage"],
        "validation_warnings": [],
        "artifact_data": {},
    }
    for outcomes in (["failed_run", "quarantined", "ignored"], ["known", "known", "ignored"]):
        documents = [failed, wrapper, {"response_filename": "x", "content_hash": "y"}]
        assert [one(work, document, f"{n}.json").outcome for n, document in enumerate(documents)] == outcomes
    assert counts(postgres) == {"scrape_runs": 1, "scrape_artifacts": 0, "quarantine": 1}
    with postgres.connect("test") as connection:
        (run,) = read_rows(connection, "SELECT status::text AS status, error_code, error FROM scrape_runs")
        (aside,) = read_rows(connection, "SELECT day::text, reason, detail, state FROM quarantine")
    assert run == {"status": "fail", "error_code": "legacy_fetch_failed", "error": "boom"}
    assert (aside["day"], aside["reason"], aside["state"]) == ("2025-09-21", "Q_LEGACY_FAILURE", "open")
    assert aside["detail"]["errors"] == ["Failed to read artifact from storage"]
    assert aside["detail"]["wrapper"] == wrapper


def test_one_file_that_is_refused_stops_no_other_and_a_misspelt_path_is_named(importer: Importer) -> None:
    work = importer({"typo.json": {"observed_at": "2025-09-20T00:00:00Z"}}, default_source="blue-tokai")
    found = work.run([("a.json", b"<html>"), ("b.json", json.dumps(FETCHED).encode())])
    assert [(item.path, item.outcome, item.code) for item in found] == [
        ("a.json", "refused", "E_SHAPE"),
        ("b.json", "imported", None),
        ("typo.json", "refused", "MANIFEST_FILE_MISSING"),
    ]


def test_a_dry_run_and_unwanted_days_write_nothing(importer: Importer, postgres: Postgres, tmp_path: Path) -> None:
    found = one(importer(default_source="blue-tokai", dry_run=True), FETCHED)
    assert (found.outcome, found.why, found.products) == ("imported", "dry run", 2)
    (left,) = importer(default_source="blue-tokai").run(
        [("x.json", json.dumps(FETCHED).encode())], wanted=lambda _, day: day.day == 21
    )
    assert left.outcome == "left"
    assert counts(postgres) == dict.fromkeys(TABLES, 0)
    assert not (tmp_path / "artifacts").exists()


def test_an_import_that_is_cut_between_body_and_rows_is_finished_by_the_next(
    importer: Importer, postgres: Postgres
) -> None:
    class Stopped(Exception):
        pass

    def stop() -> datetime:
        raise Stopped

    work = importer(default_source="blue-tokai")
    content = [("x.json", json.dumps({"products": PRODUCTS}).encode())]
    ticks = iter([NOW])
    cut = replace(work, clock=lambda: next(ticks, None) or stop())
    with pytest.raises(Stopped):
        cut.run(content)
    assert len(work.artifacts.listing("blue-tokai").captures) == 1
    assert counts(postgres)["scrape_artifacts"] == 0
    assert [item.outcome for item in work.run(content)] == ["imported"]
    assert counts(postgres) == {"scrape_runs": 1, "scrape_artifacts": 1, "quarantine": 0}


def test_two_imports_of_one_file_at_once_are_one(importer: Importer, postgres: Postgres) -> None:
    content = [(f"{n}.json", json.dumps({"products": PRODUCTS[: n % 2 + 1]}).encode()) for n in range(4)]
    content += [("c.json", json.dumps({**FETCHED, "success": False}).encode())]
    with ThreadPoolExecutor(3) as pool:
        work = [pool.submit(importer(default_source="blue-tokai").run, content) for _ in range(3)]
        outcomes = [item.outcome for done in work for item in done.result()]
    assert (outcomes.count("imported"), outcomes.count("failed_run"), outcomes.count("known")) == (2, 1, 12)
    assert counts(postgres) == {"scrape_runs": 3, "scrape_artifacts": 2, "quarantine": 0}


def test_files_of_a_store_are_imported_like_those_of_a_folder(importer: Importer, tmp_path: Path) -> None:
    folder = tmp_path / "old" / "deep"
    folder.mkdir(parents=True)
    (folder / "a.json").write_text(json.dumps(FETCHED))
    (folder / "a.txt").write_text("no")
    store = ObjectStore(url=str(tmp_path / "old"))
    assert list(files_in(store)) == list(files_below(tmp_path / "old"))
    assert [item.path for item in importer(default_source="blue-tokai").run(files_in(store))] == ["deep/a.json"]
    assert [path for path, _ in files_below(folder / "a.json")] == ["a.json"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "no JSON"),
        (b'{"files": {"a": {"observed_at": "2025-09-20T00:00:00"}}}', "timezone"),
        (b'{"files": {"a": {"observed": 1}}}', "Extra inputs"),
        (b'{"files": {"a": {"completeness": "not_modified"}}}', "completeness"),
    ],
)
def test_a_wrong_manifest_is_named(content: bytes, said: str) -> None:
    with pytest.raises(ManifestError, match=rf"(?s){said}"):
        read_manifest(content)
    assert Manifest().entry("x").page == 1  # pyright: ignore[reportCallIssue]


@pytest.fixture
def real(importer: Importer) -> Importer:
    """The same with the roasters of the real captures; skipped where those are not here."""
    if not SHARED.is_dir():
        pytest.skip(f"the shared captures are not here: {SHARED}")
    woo = {"base_url": "https://babasbeanscoffee.com", "platform": "woocommerce", "currency": "INR"}
    with importer().postgres.connect("test") as connection:
        register(
            connection,
            read_registry(json.dumps({"roasters": [{"slug": "baba", "name": "B", "sources": [woo]}]}).encode()),
        )
    return importer


def shared(*names: str) -> list[tuple[str, bytes]]:
    return [(name, (SHARED / name).read_bytes()) for name in names]


A, B = "raw/bluetokaicoffee-shopify.json", "captures/blue-tokai-coffee-shopify.json"
W, INVALID = "raw/bababeans-woocommerce.json", "failures/invalid_unknown_unknown_unknown_20250921_221508.json"


def test_the_real_captures_have_their_hashes_times_and_completeness(real: Importer, postgres: Postgres) -> None:
    found = real(default_source="blue-tokai").run(shared(A, B))
    assert [item.outcome for item in found] == ["imported", "imported"]
    assert [item.products for item in found] == [30, 65]
    with postgres.connect("test") as connection:
        first, second = read_captures(connection)
        days = read_rows(connection, "SELECT partition_date::text AS day FROM scrape_artifacts ORDER BY 1")
    assert (first.body_sha256[:8], first.body_sha256[-4:]) == ("887cdfec", "5ddf")
    assert (second.body_sha256[:8], second.body_len) == ("353c3b61", 784_944)
    assert first.observed_at == datetime(2025, 9, 17, 19, 3, 11, tzinfo=UTC)
    assert second.observed_at == datetime(2025, 9, 21, 5, 34, 4, tzinfo=UTC)
    assert {first.observed_at_source, second.observed_at_source} == {"payload_max_updated_at"}
    assert (first.completeness, second.completeness) == ("unknown", "filtered")
    assert [row["day"] for row in days] == ["2025-09-17", "2025-09-21"]


def test_the_real_woo_capture_needs_a_manifest(real: Importer) -> None:
    (found,) = real(default_source="baba").run(shared(W))
    assert (found.outcome, found.code) == ("refused", "E_OBSERVED_AT_UNKNOWN")
    (found,) = real({W: {"observed_at": "2025-09-20T00:00:00Z", "source": "baba"}}).run(shared(W))
    assert (found.outcome, found.products) == ("imported", 10)
    assert found.capture is not None
    assert (found.capture.body_sha256[:8], found.capture.body_sha256[-4:]) == ("eb20ca15", "ddcd")


@pytest.mark.parametrize("order", [(A, INVALID), (INVALID, A)], ids=["page_first", "invalid_first"])
def test_the_real_invalid_file_is_the_capture_that_is_there_already(
    real: Importer, postgres: Postgres, order: tuple[str, str]
) -> None:
    """It holds the same 30 products: imported as a second capture they would all be observed twice."""
    found = real(default_source="blue-tokai").run(shared(*order))
    assert [item.outcome for item in found] == ["imported", "same_products"]
    assert counts(postgres) == {"scrape_runs": 1, "scrape_artifacts": 1, "quarantine": 0}


def test_what_was_imported_says_as_many_products_and_variants_as_the_spec_counts(real: Importer) -> None:
    files = {W: {"observed_at": "2025-09-20T00:00:00Z", "source": "baba"}}
    work = real(files, default_source="blue-tokai")
    counted = []
    for item in work.run(shared(A, B, W)):
        assert item.capture is not None
        assert item.resolved is not None
        said = derive(work.artifacts.load_body(item.capture), item.capture, item.resolved.source)
        counted.append((len(said.products), sum(len(product.variants) for product in said.products), said.status))
    assert counted == [
        (30, 333, "valid_with_warnings"),
        (65, 943, "needs_review"),
        (10, 907, "needs_review"),
    ]


def test_the_other_real_failures_give_no_product(real: Importer, postgres: Postgres) -> None:
    names = sorted(f"failures/{path.name}" for path in (SHARED / "failures").glob("*.json") if path.name not in INVALID)
    found = real(default_source="blue-tokai").run(shared(*names))
    assert [item.outcome for item in found] == ["quarantined", "quarantined", "quarantined", "failed_run", "ignored"]
    assert counts(postgres) == {"scrape_runs": 1, "scrape_artifacts": 0, "quarantine": 3}


def test_the_documented_canonical_artifact_is_a_capture_of_one_product(real: Importer) -> None:
    (found,) = real().run(shared("canonical/full_example_artifact.json"))
    assert found.capture is not None
    assert (found.outcome, found.products, found.capture.completeness) == ("imported", 1, "partial")
    assert found.capture.observed_at == datetime(2025, 9, 21, 10, tzinfo=UTC)
