"""A copy in a process of its own that is killed at a chosen moment: run it as a module with one JSON argument."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from backfill_pipelines.receipts.promotion.promotion_ledger import PromotionLedger
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.dynamodb import DynamoItemStore
from backfill_pipelines_tests.receipts.promotion.copy_world import Copying, planned

IMAGES = (1, 2)


def killed_at(kind: type, name: str, times: int, *, before: bool) -> None:
    """Let the method work so many times, then end this process on the spot, before or after its next work."""
    original, seen = getattr(kind, name), [0]

    def last(*arguments: Any, **named: Any) -> Any:
        seen[0] += 1
        if before and seen[0] == times:
            os.kill(os.getpid(), signal.SIGKILL)
        found = original(*arguments, **named)
        if seen[0] == times:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(kind, name, last)


#: An image of this size has 2 requests in stage 1, 1 in stage 2, 2 in stage 3, and its IMAGE row.
MOMENTS = {
    "before the intent": (PromotionLedger, "intend", 1, True),
    "after the intent": (PromotionLedger, "intend", 1, False),
    "in stage 1": (DynamoItemStore, "batch_write", 1, False),
    "stage 1 is written, and not said": (PromotionLedger, "stage_done", 1, True),
    "between stages 1 and 2": (PromotionLedger, "stage_done", 1, False),
    "between stages 2 and 3": (PromotionLedger, "stage_done", 2, False),
    "in stage 3": (DynamoItemStore, "batch_write", 4, False),
    "between stages 3 and 4": (PromotionLedger, "stage_done", 3, False),
    "the image row is written, and not said": (DynamoItemStore, "put", 1, False),
    "all is written, and not settled": (PromotionLedger, "settle", 1, True),
    "in the second image": (DynamoItemStore, "batch_write", 6, False),
}


def main(said: dict[str, Any]) -> None:
    """Copy the images one after another until the moment comes."""
    control = ControlStore(url=f"sqlite:///{Path(said['folder']) / 'control.db'}")
    target = Copying(said["endpoint"], Path(said["folder"]), control, said["table"])
    kind, name, times, before = MOMENTS[said["moment"]]
    killed_at(kind, name, times, before=before)
    target.run([planned(number) for number in IMAGES], "killed", workers=1)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
