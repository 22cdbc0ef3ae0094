"""Places a second: this project against two scripts that people write, on the same local servers.

The servers are the project's embedded ones: ministack for DynamoDB, the stand-in for the Places API, which answers
after ``--api-latency-ms`` as a service on the network does. The rows are generated, five records a place. A server in
the memory of this machine, on the same two processors, is no service: ``--latency-ms`` holds every request to the
table back before it is sent, for all ways alike, as a table in the same region does (a put of DynamoDB takes about 5).

- plain loop: for each record get the metadata row, call the API, put the place; one by one.
- batch_writer: the rows come from one scan; call the API for each record, put through boto3's ``batch_writer``, one
  thread. Its puts are unconditional: it overwrites what a live writer has put.
- ours: the assets places_cache and receipt_places over all buckets, with Dagster, budget, ledger, conditional puts,
  read-back and gates; one call a place.

The scripts run over fewer records (``--sample``), since their rate does not depend on how many there are. How the
share of waiting is measured is said in ``waiting``.
"""

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import httpx
from boto3.dynamodb.types import TypeDeserializer
from botocore.httpsession import URLLib3Session
from rich.console import Console
from rich.table import Table

from backfill_pipelines.backfill.event_storage import enable_event_batches
from backfill_pipelines.migration_resource import build_all_resources
from backfill_pipelines.receipts.assets import write_inventory
from backfill_pipelines.receipts.decision_records import Choice, Evidence
from backfill_pipelines.receipts.decisions import CANARY, canary_digest, decide, wave_digest
from backfill_pipelines.receipts.inventory import take_inventory
from backfill_pipelines.receipts.keys import Malformed
from backfill_pipelines.receipts.ledger import RecordLedger
from backfill_pipelines.receipts.metadata import TYPE, Eligibility, Metadata, eligibility, read_metadata
from backfill_pipelines.receipts.migration_assets import CACHE, PLACES, build_migration_assets
from backfill_pipelines.receipts.migration_context import ORIGIN_TAG, RESOURCES
from backfill_pipelines.receipts.migration_plan import plan_migration
from backfill_pipelines.receipts.place import table_key
from backfill_pipelines.receipts.place_admission import PREFLIGHT
from backfill_pipelines.receipts.place_building import Built, build
from backfill_pipelines.receipts.plans import latest_plan
from backfill_pipelines.receipts.prices import Tier, field_mask
from backfill_pipelines.receipts.provenance import Mark, content_digest
from backfill_pipelines.receipts.run_reports import load_reports
from backfill_pipelines.receipts.sample import write_sample
from backfill_pipelines.receipts.try_out import SPEC, seed_items
from backfill_pipelines.runner import QUIET, open_instance, run_asset
from backfill_pipelines.settings import PROJECT_ROOT, Settings
from backfill_pipelines.stores.embedded_aws import EmbeddedAws
from backfill_pipelines.stores.embedded_places import EmbeddedPlaces, StandInControl
from backfill_pipelines.stores.items import Item
from backfill_pipelines.stores.places import EMBEDDED_KEY
from benchmarks.waiting import Line, Waiting, metered

ORIGIN = "benchmark"


WAITING = Waiting()


class Bench:
    """Tables of the same rows on the embedded servers, one for each way."""

    def __init__(self, folder: Path, records: int, places: int, latency_ms: float) -> None:
        self.settings = Settings(  # pyright: ignore[reportCallIssue]
            state_dir=folder / "state",
            servers_dir=PROJECT_ROOT / ".state" / "servers",
            places_concurrency=16,
            places_budget_usd="1000000",
        )
        self.file = folder / "rows.jsonl"
        write_sample(self.file, records, places)
        self.latency_ms = latency_ms

    def open(self) -> None:
        """Start the servers."""
        self.aws = EmbeddedAws(self.settings.embedded_aws_dir, self.settings.environments_dir)
        self.places = EmbeddedPlaces(self.settings.embedded_places_dir)
        self.aws_url, self.places_url = self.aws.endpoint(), self.places.endpoint()
        self.control = StandInControl(self.places_url)
        self.resources = build_all_resources(self.settings)

    def reset(self) -> None:
        """The API as at its start, its meters at zero."""
        self.control.reset()
        self.control.script(latency_seconds=self.latency_ms / 1000)

    def close(self) -> None:
        """End them."""
        self.resources["control"].close()
        self.aws.stop()
        self.places.stop()

    def table(self, name: str, records: int | None = None) -> tuple[str, list[Metadata]]:
        """A table of the rows, or of the first records only, and its eligible ones."""
        _, every = seed_items(self.file)
        rows = every if records is None else every[: 2 * records]
        items = self.resources["items"]
        items.as_table(name).ensure(SPEC)
        items.store(name).batch_write(rows)
        read = [read_metadata(row) for row in rows if row["TYPE"]["S"] == TYPE]
        usable = [row for row in read if not isinstance(row, Malformed)]
        return name, sorted((r for r in usable if eligibility(r) is Eligibility.ELIGIBLE), key=lambda row: row.key)

    def client(self) -> Any:
        """A boto3 resource as a script has it."""
        return boto3.resource(
            "dynamodb",
            endpoint_url=self.aws_url,
            region_name="us-east-1",
            aws_access_key_id="embedded",
            aws_secret_access_key="embedded",  # noqa: S106
        )

    def stored(self, table: str, rows: Sequence[Metadata]) -> dict[str, str]:
        """Content digests of the places of some records in a table."""
        keys = [table_key(row.image_id, row.receipt_id) for row in rows]
        found = self.resources["items"].store(table).batch_get(keys).items
        return {item["PK"]["S"] + item["SK"]["S"]: content_digest(item) for item in found}


def _call(client: httpx.Client, place_id: str) -> Mapping[str, Any]:
    return client.get(f"/v1/places/{place_id}").raise_for_status().json()


def _api(bench: Bench) -> httpx.Client:
    headers = {"X-Goog-Api-Key": EMBEDDED_KEY, "X-Goog-FieldMask": field_mask(Tier.FULL)}
    return httpx.Client(base_url=bench.places_url, headers=headers, timeout=30)


def _item(row: Metadata, answer: Mapping[str, Any]) -> Item:
    built = build(row, answer, Mark("script", "2026-01-05T12:00:00+00:00", row.source_digest))
    if not isinstance(built, Built):
        raise SystemExit(f"{row.key.name}: {built.reason}")
    return built.item


def plain_loop(bench: Bench, table: str, rows: Sequence[Metadata]) -> None:
    """Get, call, put, one by one."""
    store = bench.client().meta.client
    plain = TypeDeserializer()
    with _api(bench) as api:
        for row in rows:
            key = {"PK": f"IMAGE#{row.image_id}", "SK": f"RECEIPT#{row.receipt_id:05d}#METADATA"}
            store.get_item(TableName=table, Key=key, ConsistentRead=True)
            item = _item(row, _call(api, row.place_id))
            store.put_item(TableName=table, Item={name: plain.deserialize(value) for name, value in item.items()})


def batch_writer(bench: Bench, table: str, rows: Sequence[Metadata]) -> None:
    """Call for each record, put in batches of 25, one thread."""
    plain = TypeDeserializer()
    with _api(bench) as api, bench.client().Table(table).batch_writer() as batch:
        for row in rows:
            item = _item(row, _call(api, row.place_id))
            batch.put_item(Item={name: plain.deserialize(value) for name, value in item.items()})


def prepare(bench: Bench, table: str) -> Mapping[str, Any]:
    """Inventory, plan, preflight and decisions: what has to be there before a run may write."""
    found = build_all_resources(bench.settings.model_copy(update={"receipts_table": table}))
    resources = {name: one for name, one in found.items() if name in RESOURCES}
    store, objects = resources["items"].store(), resources["objects"]
    manifest, verdicts = write_inventory(objects, take_inventory(store, table))
    if red := [verdict.text for verdict in verdicts if not verdict.passed]:
        raise SystemExit("\n".join(red))
    arn = resources["items"].as_table().describe().arn
    plan = plan_migration(objects, resources["control"], manifest, resources["migration"], arn)
    decide(objects, plan, Evidence(CANARY, canary_digest(plan), ()), Choice.PROCEED, who=ORIGIN, reason="clean")
    return resources


def ours(instance: dg.DagsterInstance, resources: Mapping[str, Any], table: str, origin: str, longest: int) -> None:
    """Both assets, wave by wave, each released by a decision."""
    plan = latest_plan(resources["objects"], table)
    if plan is None:
        raise SystemExit(f"{table} has no plan")
    ledger = RecordLedger(resources["control"], plan.plan_id)
    for wave in plan.waves:
        for key, config in ((CACHE, {"apply": True}), (PLACES, {"apply": True, "fetch": True})):
            asset = next(one for one in build_migration_assets() if one.key == key)
            chunks = run_asset(
                asset,
                wave.buckets,
                instance=instance,
                resources=resources,
                config=config,
                tags={ORIGIN_TAG: origin},
                longest=longest,
            )
            if failures := [chunk.failure for chunk in chunks if chunk.failure]:
                raise SystemExit("\n".join(failures))
        digest = wave_digest(ledger.entries(buckets=wave.buckets).values(), wave)
        evidence = Evidence(str(wave.number), digest, ())
        decide(resources["objects"], plan, evidence, Choice.PROCEED, who=ORIGIN, reason="no person waits here")


def preflight_of(table: str) -> dg.AssetsDefinition:
    """Stands for the preflight, which asks for people."""

    @dg.asset(key=PREFLIGHT)
    def preflight() -> dg.MaterializeResult[Any]:
        return dg.MaterializeResult(metadata={"receipts/table": table})

    return preflight


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--places", type=int, default=2_000)
    parser.add_argument("--sample", type=int, default=500, help="records of the scripts")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="of every request to the table")
    parser.add_argument("--api-latency-ms", type=float, default=50.0, help="of an answer of the API")
    parser.add_argument("--buckets-per-run", type=int, default=64, help="of one Dagster run")
    arguments = parser.parse_args()
    enable_event_batches()
    WAITING.watch(URLLib3Session, "send", arguments.latency_ms / 1000)
    WAITING.watch(httpx.HTTPTransport, "handle_request")
    with tempfile.TemporaryDirectory(prefix="receipts-") as folder:
        bench = Bench(Path(folder), arguments.records, arguments.places, arguments.api_latency_ms)
        bench.open()
        try:
            lines = _measure(bench, arguments.sample, arguments.buckets_per_run)
        finally:
            bench.close()
    _report(lines, arguments)


def _measure(bench: Bench, sample: int, longest: int) -> list[Line]:
    lines: list[Line] = []
    rows_of_the_scripts: list[Metadata] = []
    scripts: list[tuple[str, Callable[[Bench, str, Sequence[Metadata]], None]]] = [
        ("plain loop", plain_loop),
        ("boto3 batch_writer, one thread", batch_writer),
    ]
    for name, script in scripts:
        table, rows = bench.table(f"script-{len(lines)}", sample)
        rows_of_the_scripts = rows
        bench.reset()
        with metered(name, lines, WAITING) as line:
            script(bench, table, rows)
        line.records, line.calls = len(rows), _answered(bench)
    table, rows = bench.table("ours")
    resources = prepare(bench, table)
    with open_instance(bench.settings) as instance:
        dg.materialize([preflight_of(table)], instance=instance, run_config=QUIET)
        bench.reset()
        for number, name in enumerate(("ours, with Dagster and gates", "ours again: nothing left to do")):
            with metered(name, lines, WAITING) as line:
                ours(instance, resources, table, f"{ORIGIN}-{number}", longest)
            line.records, line.calls = len(rows), _answered(bench)
            bench.reset()
            written = [r.attempted for r in load_reports(resources["objects"], f"{ORIGIN}-{number}")]
            print(f"{name}: {sum(written):,} records taken up")
    resources["control"].close()
    found = bench.stored("ours", rows_of_the_scripts)
    wrong = [name for name in ("script-0", "script-1") if bench.stored(name, rows_of_the_scripts) != found]
    print(f"scripts whose {len(found):,} places differ from ours: {', '.join(wrong) or 'none'}")
    return lines


def _answered(bench: Bench) -> int:
    return len(bench.control.log())


def _report(lines: Sequence[Line], arguments: argparse.Namespace) -> None:
    shares = ("waiting", "under way", "own processor", "ms a record")
    table = Table("what", "records", "calls", "seconds", "records a second", "ratio", *shares)
    table.title = (
        f"{arguments.records:,} records of {arguments.places:,} places, {arguments.api_latency_ms:g} ms a call, "
        f"{arguments.latency_ms:g} ms before every request to the table"
    )
    for line in lines:
        numbers = (f"{line.records:,}", f"{line.calls:,}", f"{line.seconds:.1f}", f"{line.rate:,.0f}")
        used = (line.waiting, line.under_way / line.seconds, line.own_seconds / line.seconds)
        own = f"{line.own_seconds / line.records * 1000:.2f}"
        table.add_row(line.name, *numbers, f"{line.rate / lines[0].rate:.1f}", *(f"{part:.0%}" for part in used), own)
    Console(width=130).print(table)
    print("ratio: to the plain loop. waiting: of the workers' time, the rest is our own processor time.")
    print("under way: part of the seconds with a request on its way. own processor: of one, and in ms a record;")
    print("the servers are Python programs on the same two, and take the rest")


if __name__ == "__main__":
    main()
