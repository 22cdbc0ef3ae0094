"""A rollback in a process of its own that is killed at a chosen moment: run it as a module with one JSON argument."""

import json
import sys
from pathlib import Path
from typing import Any

from backfill_pipelines.receipts.promotion.rollback_ledger import RollbackLedger
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.dynamodb import DynamoItemStore
from backfill_pipelines_tests.receipts.promotion.copy_world import Copying
from backfill_pipelines_tests.receipts.promotion.killed_copier import killed_at
from backfill_pipelines_tests.receipts.promotion.undo_world import undoer

MOMENTS = {
    "after it has said so": (RollbackLedger, "begin", 1, False),
    "once the image row is gone": (DynamoItemStore, "delete", 1, False),
    "all is deleted, and not said": (RollbackLedger, "settle", 1, True),
    "in the second image": (DynamoItemStore, "delete", 120, False),
}


def main(said: dict[str, Any]) -> None:
    """Take the run back, one image after another, until the moment comes."""
    control = ControlStore(url=f"sqlite:///{Path(said['folder']) / 'control.db'}")
    target = Copying(said["endpoint"], Path(said["folder"]), control, said["table"])
    kind, name, times, before = MOMENTS[said["moment"]]
    killed_at(kind, name, times, before=before)
    undoer(target, workers=1).run(target.ledger.images(run_id="pr-1"))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
