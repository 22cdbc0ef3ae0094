"""The embedding of copied images: what is left, the workflows that work it off, and the verdict on the samples.

Counts come from the index by which the workflows find their work, noise left out, over all pages. The order of places
before embeddings is ``embedding_target``'s admission.
"""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from backfill_pipelines.receipts.promotion.embedding_backlog import PREFIXES, by_status, remaining
from backfill_pipelines.receipts.promotion.embedding_samples import Left, Sample, judge_samples, samples_text
from backfill_pipelines.receipts.promotion.embedding_workflows import Workflows
from backfill_pipelines.receipts.ratio_gates import RatioVerdict as DrainVerdict
from backfill_pipelines.stores.items import ItemStore
from backfill_pipelines.stores.step_functions import Execution

FAILED = "FAILED"
_WORKERS = 10


@dataclass(frozen=True)
class Backlog:
    """What is left of all images of the table, and of the run's, which is a part of it."""

    overall: Left
    images: Mapping[str, Left]

    @property
    def of_run(self) -> Left:
        """Of the run's images together."""
        return sum(self.images.values(), Left())


@dataclass(frozen=True)
class Drained:
    """How the embedding of a chunk went."""

    verdict: DrainVerdict
    #: Why the workflows were given up; empty when they succeeded.
    cause: str
    executions: tuple[Execution, ...]
    #: Taken after the executions had ended.
    samples: tuple[Sample, ...]
    overall: Left = field(default_factory=Left)

    @property
    def images(self) -> Mapping[str, Left]:
        """The images of which something is left, at the last sample."""
        return self.samples[-1].images if self.samples else {}

    @property
    def text(self) -> str:
        """The verdict for people."""
        return f"{self.verdict}: {'; '.join(part for part in (self.cause, samples_text(self.samples)) if part)}"


def left_of(items: ItemStore, image_id: str = "") -> Left:
    """What is left of an image, or of the whole table."""
    lines, words = (remaining(items, image_id=image_id, prefixes=(prefix,)) for prefix in PREFIXES)
    return Left(lines, words, remaining(items, FAILED, image_id))


def backlog_of(items: ItemStore, image_ids: Collection[str]) -> Backlog:
    """What is left of the table and of each of some images; images without anything left are not named.

    Of a table that is drained, nothing can be left of an image: then the images are not asked one by one.
    """
    overall = left_of(items)
    if not overall.total or not image_ids:
        return Backlog(overall, {})
    names = sorted(image_ids)
    with ThreadPoolExecutor(_WORKERS, "embedding") as pool:
        found = dict(zip(names, pool.map(lambda one: left_of(items, one), names), strict=True))
    return Backlog(overall, {name: left for name, left in found.items() if left.total})


def statuses_of(items: ItemStore, image_ids: Collection[str]) -> Mapping[str, Mapping[str, int]]:
    """Of each image, all lines and words that the index has, noise included, by status."""
    names = sorted(image_ids)
    with ThreadPoolExecutor(_WORKERS, "embedding") as pool:
        return dict(zip(names, pool.map(lambda one: by_status(items, one), names), strict=True))


def drain(items: ItemStore, image_ids: Collection[str], workflows: Workflows) -> Drained:
    """Let the workflows embed some images, and watch what is left until it is known whether they did.

    Raises:
        StepFunctionsError: a machine is missing, or there is no answer.
        ItemStoreError: the table does not answer.
    """
    patience = workflows.patience
    cause = workflows.run(lambda: backlog_of(items, image_ids).of_run)
    samples: list[Sample] = []
    deadline = patience.clock() + patience.timeout_seconds
    while True:
        backlog = backlog_of(items, image_ids)
        samples.append(Sample(patience.clock(), backlog.images))
        verdict = judge_samples(samples, patience.sample_seconds)
        if cause and verdict is not DrainVerdict.PASS:
            verdict = DrainVerdict.FAIL
        if verdict is not DrainVerdict.NEED_MORE_DATA or patience.clock() >= deadline:
            return Drained(verdict, cause, tuple(workflows.seen), tuple(samples), backlog.overall)
        workflows.log(f"embedding: {samples_text(samples)}")
        patience.until_next_sample()


def make_room(items: ItemStore, rows: int, limit: int, workflows: Workflows) -> str:
    """Let the workflows work until so many rows more are within the limit; says why they are not, if they are not.

    For a copy run between two chunks: what waits may be anybody's, so the whole table is looked at.
    """
    patience = workflows.patience
    if rows > limit:
        return f"the chunk has {rows:,} lines and words, more than the limit of {limit:,}: no waiting makes room for it"
    if cause := workflows.run(lambda: _unless(left_of(items), lambda left: left.waiting + rows <= limit)):
        return cause
    # One that still runs would take lines and words of the next chunk as they arrive.
    if cause := workflows.wait_until_none_runs():
        return cause
    samples: list[Sample] = []
    while True:
        left = left_of(items)
        if left.waiting + rows <= limit:
            return ""
        samples.append(Sample(patience.clock(), {"": Left(left.lines, left.words)}))
        if judge_samples(samples, patience.sample_seconds) is DrainVerdict.FAIL:
            return f"the workflows ended and what waits does not get less: {samples_text(samples)}"
        patience.until_next_sample()


def _unless(left: Left, is_enough: Callable[[Left], bool]) -> Left:
    return Left() if is_enough(left) else left
