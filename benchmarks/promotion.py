"""Items a second into a table: the promotion against loops that people write, on the same local server.

The server is the project's embedded one (ministack, one Python process). The exports are generated, about 2,300 items
an image. All ways read the same files and write the same items.

- plain loop: one image after another, 25 items a request, one request after another; no ledger, no read-back.
- put_item loop: one image after another, one item a request, as a script without batches does it.
- ours: the asset promoted_images over all buckets, with Dagster, lease, ledger, stages, read-back and gates.

``--latency-ms`` holds every request back before it is sent, for all of them: a table that is not on the same machine.
On one machine with two processors nothing can be faster than server and client together allow, see the columns. The
loops run over fewer images (``--sample``), since their rate does not depend on how many there are. Dagster's part, some
four seconds for 256 partitions and their gates, is in ours: a few images are not enough to compare. Every line is
printed as soon as it is measured.
"""

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.httpsession import URLLib3Session

from backfill_pipelines.backfill.event_storage import enable_event_batches
from backfill_pipelines.migration_resource import build_all_resources
from backfill_pipelines.receipts.keys import BUCKETS
from backfill_pipelines.receipts.migration_context import ORIGIN_TAG
from backfill_pipelines.receipts.promotion.export_reading import read_export
from backfill_pipelines.receipts.promotion.image_source import build_source
from backfill_pipelines.receipts.promotion.inventory_assets import write_inventory
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage
from backfill_pipelines.receipts.promotion.promotion_assets import build_promoted_images
from backfill_pipelines.receipts.promotion.promotion_context import RESOURCES
from backfill_pipelines.receipts.promotion.promotion_plans import PlannedWork, make_plan, save_plan
from backfill_pipelines.receipts.promotion.promotion_reports import joined, load_reports
from backfill_pipelines.receipts.promotion.reading_rules import ReadingRules
from backfill_pipelines.receipts.promotion.sample import ITEMS, SampleBuckets, write_samples
from backfill_pipelines.receipts.try_out import SPEC
from backfill_pipelines.runner import open_instance, run_asset
from backfill_pipelines.settings import PROJECT_ROOT, Settings
from backfill_pipelines.stores.embedded_aws import EmbeddedAws
from backfill_pipelines.stores.items import Item
from benchmarks.ending import ended_with_us, leave_nothing_when_ended
from benchmarks.waiting import Waiting, own_seconds

_PER_REQUEST = 25
_NAMES = SampleBuckets()
_BUCKETS = {_NAMES.raw: "sample-raw-prod", _NAMES.cdn: "sample-cdn-prod"}


@dataclass
class Line:
    """What one way of doing it took."""

    name: str
    images: int
    items: int
    seconds: float
    own_seconds: float
    server_seconds: float

    @property
    def rate(self) -> float:
        """Items a second."""
        return self.items / self.seconds


class Bench:
    """Exports, and tables for each way on one embedded server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.exports = folder / "exports"
        self.aws = EmbeddedAws(folder / "state" / "aws", PROJECT_ROOT / ".state" / "servers")

    def settings(self, table: str, workers: int = 10) -> Settings:
        """As a deployment with this target would have them."""
        return Settings(  # pyright: ignore[reportCallIssue]
            state_dir=self.folder / "state",
            servers_dir=PROJECT_ROOT / ".state" / "servers",
            promotion_exports_url=str(self.exports),
            promotion_target_table=table,
            promotion_buckets=_BUCKETS,
            promotion_embedding_backlog_limit=10_000_000,
            promotion_workers=workers,
        )

    def resources(self, table: str) -> dict[str, Any]:
        """Stores and choices; the target is made when it is missing."""
        found = build_all_resources(self.settings(table))
        found["items"].as_table(table).ensure(SPEC)
        return {name: one for name, one in found.items() if name in RESOURCES}

    def client(self) -> Any:
        """boto3 as a script has it."""
        return boto3.client(
            "dynamodb",
            endpoint_url=self.aws.endpoint(),
            region_name="us-east-1",
            aws_access_key_id="embedded",
            aws_secret_access_key="embedded",  # noqa: S106
        )

    def server_seconds(self) -> float:
        """Processor seconds of the server; 0 where the system does not tell."""
        running = self.aws.running()
        stat = Path(f"/proc/{running.pid}/stat") if running else Path("/none")
        if not stat.is_file():
            return 0.0
        fields = stat.read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def end_server(self) -> None:
        """At once: nobody needs what it would save."""
        if running := self.aws.running():
            os.kill(running.pid, signal.SIGKILL)

    def images(self, most: int) -> Iterator[list[Item]]:
        """The items of each image, as every way writes them."""
        for file in sorted(self.exports.iterdir())[:most]:
            found = read_export(file.name, file.read_bytes(), ReadingRules(_BUCKETS))
            if not isinstance(found, PlannedImage):
                raise SystemExit(f"{file}: {found.reason}")
            yield [item.item for item in found.items]


@contextmanager
def metered(bench: Bench, name: str) -> Iterator[Line]:
    """Time of the block, and what both processes computed in it."""
    line = Line(name, 0, 0, 0.0, 0.0, 0.0)
    start, own, server = time.perf_counter(), own_seconds(), bench.server_seconds()
    yield line
    line.seconds, line.own_seconds = time.perf_counter() - start, own_seconds() - own
    line.server_seconds = bench.server_seconds() - server


def batches(client: Any, table: str, items: Sequence[Item]) -> None:
    """25 items a request, one request after another."""
    for start in range(0, len(items), _PER_REQUEST):
        rest = {table: [{"PutRequest": {"Item": item}} for item in items[start : start + _PER_REQUEST]]}
        while rest:
            rest = client.batch_write_item(RequestItems=rest)["UnprocessedItems"]


def singles(client: Any, table: str, items: Sequence[Item]) -> None:
    """One item a request."""
    for item in items:
        client.put_item(TableName=table, Item=item)


def loop(bench: Bench, name: str, write: Callable[[Any, str, Sequence[Item]], None], images: int) -> Line:
    """One image after another."""
    table = name.replace(" ", "-").replace("_", "-")
    bench.resources(table)
    client = bench.client()
    with metered(bench, name) as line:
        for items in bench.images(images):
            write(client, table, items)
            line.images, line.items = line.images + 1, line.items + len(items)
    return line


def ours(bench: Bench, table: str, origin: str) -> tuple[int, int]:
    """The asset over all buckets; gives images and items that were written."""
    resources = bench.resources(table)
    with open_instance(bench.settings(table)) as instance:
        chunks = run_asset(
            build_promoted_images(),
            BUCKETS,
            instance=instance,
            resources=resources,
            config={"apply": True},
            tags={ORIGIN_TAG: origin},
            longest=len(BUCKETS),
        )
        if failures := [chunk.failure for chunk in chunks if chunk.failure]:
            raise SystemExit("\n".join(failures))
    report = joined(load_reports(resources["objects"], origin))
    resources["control"].close()
    return report.images, sum(report.items_written.values())


def prepare(bench: Bench, table: str) -> None:
    """Inventory and plan."""
    resources = bench.resources(table)
    settings, objects = resources["promotion"], resources["objects"]
    source = build_source(settings, resources["exports"], resources["items"])
    manifest, verdicts = write_inventory(source, settings, objects, datetime.now(UTC))
    if red := [verdict.text for verdict in verdicts if not verdict.passed]:
        raise SystemExit("\n".join(red))
    arn = resources["items"].as_table(table).describe().arn
    save_plan(objects, make_plan(objects, manifest, table, arn, PlannedWork(manifest.images)))
    resources["control"].close()


def remembered(bench: Bench, table: str) -> Mapping[str, Any]:
    """What a process of its own needs in memory to promote the folder into a new table."""
    command = [sys.executable, "-m", "benchmarks.promotion", "--child", str(bench.folder), table]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT) as running:
        ended_with_us(running.kill)
        said, _ = running.communicate()
    if running.returncode:
        raise SystemExit(f"the process that promotes {table} ended with {running.returncode}")
    return json.loads(said.strip().splitlines()[-1])


def child(folder: Path, table: str) -> None:
    """Promote, and say how much memory that took at most."""
    enable_event_batches()
    bench = Bench(folder)
    start = time.perf_counter()
    images, items = ours(bench, table, table)
    seconds, peak = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"images": images, "items": items, "seconds": seconds, "megabytes": peak}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--items", type=int, default=ITEMS, help="of an image")
    parser.add_argument("--sample", type=int, default=40, help="images of the plain loop")
    parser.add_argument("--singles", type=int, default=5, help="images of the put_item loop")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="of every request")
    parser.add_argument("--memory", type=int, nargs="*", default=[50, 200], help="images of the memory rows")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(Path(arguments.child[0]), arguments.child[1])
        return
    enable_event_batches()
    if arguments.latency_ms:
        Waiting().watch(URLLib3Session, "send", arguments.latency_ms / 1000)
    with tempfile.TemporaryDirectory(prefix="promotion-") as name:
        leave_nothing_when_ended(Path(name))
        samples = Path(name) / "samples"
        list(write_samples(samples, max([arguments.images, *arguments.memory]), arguments.items, buckets=_NAMES))
        with _bench(Path(name) / "copy", samples, arguments.images) as bench:
            _measure(bench, arguments)
        for images in arguments.memory:
            with _bench(Path(name) / f"memory-{images}", samples, images) as bench:
                prepare(bench, "memory")
                row = remembered(bench, "memory")
            text = f"{row['megabytes']:.0f} MB, {row['items']:,} items in {row['seconds']:.0f} s"
            print(f"memory at most, a process that promotes {row['images']:,} images: {text}", flush=True)


@contextmanager
def _bench(folder: Path, samples: Path, images: int) -> Iterator[Bench]:
    """Some of the exports, and a server that is gone at the end."""
    bench = Bench(folder)
    bench.exports.mkdir(parents=True)
    for file in sorted(samples.iterdir())[:images]:
        os.link(file, bench.exports / file.name)
    try:
        ended_with_us(bench.end_server)
        bench.aws.endpoint()
        yield bench
    finally:
        bench.end_server()


def _measure(bench: Bench, arguments: argparse.Namespace) -> None:
    print(f"about {arguments.items:,} items an image, {arguments.latency_ms:g} ms before every request")
    print(_HEADER, flush=True)
    plain = loop(bench, "plain loop", batches, arguments.sample)
    _say(plain, plain)
    _say(loop(bench, "put_item loop", singles, arguments.singles), plain)
    prepare(bench, "ours")
    first = _ours(bench, "ours, with Dagster and gates", 0)
    _say(first, plain)
    _say(_ours(bench, "ours again: nothing left to do", first.items), plain)
    print("ratio: to the plain loop. processor: of one, in the time of the row, and milliseconds an item.")
    if plain.server_seconds:
        most = plain.items / plain.server_seconds
        print(
            f"the server is one process: for writes alone, 25 a request, it answers at most {most:,.0f} items a second",
            flush=True,
        )


def _ours(bench: Bench, name: str, written_before: int) -> Line:
    """One run of the asset; one that writes nothing has looked at what was written before."""
    with metered(bench, name) as line:
        line.images, written = ours(bench, "ours", f"benchmark-{written_before}")
        line.items = written or written_before
    if bool(written) == bool(written_before):
        raise SystemExit(f"{name}: {written:,} items were written")
    return line


_HEADER = (
    f"{'':32}{'images':>7}{'items':>10}{'seconds':>9}{'a second':>10}{'ratio':>7}{'own processor':>16}{'server':>16}"
)


def _say(line: Line, plain: Line) -> None:
    used = (line.own_seconds, line.server_seconds)
    shares = [f"{seconds / line.seconds:.0%}, {seconds / line.items * 1000:.2f} ms" for seconds in used]
    print(
        f"{line.name:32}{line.images:>7,}{line.items:>10,}{line.seconds:>9.1f}{line.rate:>10,.0f}"
        f"{line.rate / plain.rate:>7.1f}{shares[0]:>16}{shares[1]:>16}",
        flush=True,
    )


if __name__ == "__main__":
    main()
