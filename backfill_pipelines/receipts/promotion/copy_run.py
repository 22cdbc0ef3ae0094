"""Many images in one run: chunks of a hundred, each admitted by the embedding backlog, some workers at a time.

Images that an earlier run has begun come first: their room in the backlog was given to them then, and nothing is
embedded before they are whole. A worker holds one image, reads it when its turn comes and lets it go with the result:
memory does not grow with the run. What a turn does is ``image_copying``'s.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass, field

from backfill_pipelines.receipts.promotion.image_copying import ImageCopier
from backfill_pipelines.receipts.promotion.image_evidence import ImageResult
from backfill_pipelines.receipts.promotion.image_outcomes import (
    INTERRUPTED,
    PARKED_BACKLOG,
    SOURCE_CHANGED,
    STOPPED,
    THROTTLED,
    ImageOutcome,
)
from backfill_pipelines.receipts.promotion.image_state import IMAGE_SK
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage, SetAside
from backfill_pipelines.stores.dynamodb_batches import chunks

_SAMPLE_SECONDS = 300.0


@dataclass(frozen=True)
class Work:
    """An image to be copied; ``load`` reads it anew when its turn comes."""

    image_id: str
    embedding_rows: int
    load: Callable[[], PlannedImage | SetAside]
    #: Of all items that the manifest promised; empty where nothing was promised.
    content_digest: str = ""
    #: An earlier run has begun it, and lines and words of it may wait already.
    is_begun: bool = False


#: Given the rows and the number of a chunk, says why there is no room for it, if there is none.
MakeRoom = Callable[[int, int], str]


@dataclass
class CopyRun:
    """Works through images; ``results`` has one for each image that was given."""

    copier: ImageCopier
    #: Lines and words of the target that wait for their embedding.
    backlog: Callable[[], int]
    backlog_limit: int
    workers: int = 10
    chunk_images: int = 100
    #: Waits until there is room for the rows of a chunk; without it the rest is parked.
    make_room: MakeRoom | None = None
    log: Callable[[str], None] = lambda _: None
    clock: Callable[[], float] = time.monotonic
    results: dict[str, ImageResult] = field(default_factory=dict[str, ImageResult])
    #: Why the run ended before its work did; empty when it did not.
    stop: str = ""
    stop_detail: str = ""
    _began: float = 0.0
    _sampled: float = 0.0

    def run(self, work: Sequence[Work]) -> Mapping[str, ImageResult]:
        """Copy the images in order, chunk after chunk; begun ones first. After an error ``results`` has what is known.

        Raises:
            LeaseLost: somebody else may be writing the table.
            ItemStoreError: the table as a whole refuses.
        """
        self._began = self._sampled = self.clock()
        parts = self._parts(work)
        with ThreadPoolExecutor(self.workers, "image") as pool:
            for number, part in enumerate(parts):
                left = [one for later in parts[number:] for one in later]
                if self.copier.apply and (why := self._refused(part, number)):
                    self.stop, self.stop_detail = PARKED_BACKLOG, why
                    self._leave(left, ImageOutcome.PARKED, PARKED_BACKLOG, why)
                    break
                self._chunk(pool, part)
                self._sample(len(work))
                if self.copier.throttled.is_set():
                    self.stop = THROTTLED
                    self.stop_detail = "the table accepted no write for ten minutes"
                    rest = [one for one in left if one.image_id not in self.results]
                    self._leave(rest, ImageOutcome.NOT_ATTEMPTED, STOPPED, self.stop_detail)
                    break
        return self.results

    def _parts(self, work: Sequence[Work]) -> list[Sequence[Work]]:
        """Chunks that the backlog can hold when it is empty; an image that it can never hold is the last."""
        parts: list[Sequence[Work]] = [*chunks([one for one in work if one.is_begun], self.chunk_images)]
        part, rows = list[Work](), 0
        for one in sorted(work, key=lambda each: each.embedding_rows > self.backlog_limit):
            if one.is_begun:
                continue
            if part and (len(part) == self.chunk_images or rows + one.embedding_rows > self.backlog_limit):
                parts, part, rows = [*parts, part], [], 0
            part, rows = [*part, one], rows + one.embedding_rows
        return [*parts, part] if part else parts

    def _refused(self, part: Sequence[Work], number: int) -> str:
        """Why a chunk is not begun before the embedding workflows have worked; empty when it may be."""
        rows = sum(one.embedding_rows for one in self._unwritten(part))
        waiting = self.backlog() if rows else 0
        if not rows or waiting + rows <= self.backlog_limit:
            return ""
        if rows > self.backlog_limit:
            return (
                f"{part[0].image_id} alone has {rows:,} lines and words, more than may ever wait for their embedding "
                f"({self.backlog_limit:,}). Repair: raise BACKFILL_PROMOTION_EMBEDDING_BACKLOG_LIMIT, then the same "
                "command"
            )
        if self.make_room is not None:
            self.log(f"{waiting:,} lines and words wait for their embedding: waiting for room for {rows:,} more")
            return self.make_room(rows, number)
        return (
            f"{waiting:,} lines and words wait for their embedding, the next {len(part):,} images have {rows:,}, "
            f"together more than {self.backlog_limit:,}. Repair: backfill promote embed --apply, then the same command"
        )

    def _unwritten(self, part: Sequence[Work]) -> list[Work]:
        """The images that are not begun and whose IMAGE row is not there: only they will add lines and words."""
        new = [one for one in part if not one.is_begun]
        keys = [{"PK": {"S": f"IMAGE#{one.image_id}"}, "SK": {"S": IMAGE_SK}} for one in new]
        whole = {item["PK"]["S"] for item in self.copier.items.batch_get(keys).items} if keys else set[str]()
        return [one for one in new if f"IMAGE#{one.image_id}" not in whole]

    def _chunk(self, pool: ThreadPoolExecutor, part: Sequence[Work]) -> None:
        futures: dict[Future[ImageResult], Work] = {pool.submit(self._turn, one): one for one in part}
        try:
            for future in as_completed(futures):
                result = future.result()
                self.results[result.image_id] = result
                for slowdown in self.copier.writer.pacer.slowdowns():
                    self.log(slowdown.text)
                if result.outcome is ImageOutcome.FAILED:
                    self.log(f"image {result.image_id} failed: {result.reason}: {result.detail}")
                if self.clock() - self._sampled >= _SAMPLE_SECONDS:
                    self._sample(len(part))
        except BaseException:
            for future in futures:
                future.cancel()
            wait(futures)
            self._keep_ended(futures)
            raise

    def _keep_ended(self, futures: Mapping[Future[ImageResult], Work]) -> None:
        """What the other workers have brought to its end meanwhile, and which images the error has met.

        The ledger has the latter as begun, as after a kill: whoever holds the lease next goes on with them.
        """
        for future, one in futures.items():
            if future.cancelled() or one.image_id in self.results:
                continue
            error = future.exception()
            met = ImageResult(one.image_id, ImageOutcome.FAILED, INTERRUPTED, str(error))
            self.results[one.image_id] = future.result() if error is None else met

    def _turn(self, work: Work) -> ImageResult:
        """One image, from its source to its result."""
        if self.copier.throttled.is_set():
            left = ImageResult(work.image_id, ImageOutcome.NOT_ATTEMPTED, STOPPED, "the table refused all writes")
            return self.copier.settled(left)
        planned = work.load()
        if isinstance(planned, PlannedImage):
            if work.content_digest in ("", planned.content_digest):
                return self.copier.copy(planned)
            detail = f"{planned.origin} is not what it was when the plan was made. Repair: backfill promote plan"
            return self.copier.settled(ImageResult(work.image_id, ImageOutcome.FAILED, SOURCE_CHANGED, detail))
        outcome = ImageOutcome.FAILED if planned.is_failure else ImageOutcome.QUARANTINED
        return self.copier.settled(ImageResult(work.image_id, outcome, str(planned.reason), planned.detail))

    def _leave(self, rest: Sequence[Work], outcome: ImageOutcome, reason: str, detail: str) -> None:
        for one in rest:
            self.results[one.image_id] = self.copier.settled(ImageResult(one.image_id, outcome, reason, detail))

    def _sample(self, of: int) -> None:
        """One line of progress for the run's log."""
        self._sampled = self.clock()
        seconds, done = self._sampled - self._began, list(self.results.values())
        written, units = sum(sum(one.written.values()) for one in done), sum(one.write_units for one in done)
        outcomes = {str(outcome): sum(one.outcome is outcome for one in done) for outcome in ImageOutcome}
        tally = ", ".join(f"{name} {count:,}" for name, count in outcomes.items() if count)
        rate = f"{written / seconds:,.0f} items a second" if seconds else "no rate yet"
        self.log(
            f"{len(done):,} of {of:,} images after {seconds:,.0f} s ({tally}), {written:,} items written, {rate}, "
            f"{units:,.0f} write units at {self.copier.writer.pacer.share:.0%} of the rate"
        )
