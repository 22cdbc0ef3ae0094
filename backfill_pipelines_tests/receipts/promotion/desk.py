"""An operator's environment: settings, a folder of exports, an empty target, and commands as they are typed."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from backfill_pipelines.cli import app
from backfill_pipelines_tests.receipts.promotion.copy_world import Copying, copying, image, wide_export
from backfill_pipelines_tests.receipts.promotion.exports import BUCKETS
from backfill_pipelines_tests.stores.item_servers import ENVIRONMENTS


@dataclass
class Desk:
    """An operator's environment: an empty target, and a folder for exports."""

    target: Copying
    exports: Path

    def export(self, *numbers: int, words: int = 5) -> None:
        """Write exports as the export script would."""
        for number in numbers:
            (self.exports / f"{image(number)}.json").write_text(json.dumps(wide_export(number, words)))

    def typed(self, *words: str) -> Result:
        """One command of the promotion."""
        return CliRunner().invoke(app, ["promote", *words], catch_exceptions=False)

    def promote(self, *words: str) -> Result:
        """One command, on the folder."""
        return self.typed(*words, "--export", str(self.exports))

    def planned(self) -> str:
        """The fingerprint of a new plan."""
        result = self.promote("plan")
        assert result.exit_code == 0, result.output
        return result.output.split("fingerprint ")[1].split()[0]

    def copied(self, *numbers: int, words: int = 5) -> str:
        """Export, plan and copy; the run id."""
        self.export(*numbers, words=words)
        self.planned()
        result = self.promote("run", "--apply")
        assert result.exit_code == 0, result.output
        return self.run_id

    @property
    def run_id(self) -> str:
        """The newest run."""
        return max(self.target.ledger.runs())


@contextmanager
def desk_of(endpoint: str, folder: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk over the shared server; Dagster's home is ``state``'s."""
    for name in [name for name in os.environ if name.startswith("BACKFILL_")]:
        monkeypatch.delenv(name)
    with copying(endpoint, folder) as target:
        said = {
            "STATE_DIR": str(state),
            "SERVERS_DIR": str(ENVIRONMENTS),
            "OBJECTS_URL": str(folder / "objects"),
            "CONTROL_URL": f"sqlite:///{folder / 'control.db'}",
            "PROMOTION_TARGET_TABLE": target.table,
            "PROMOTION_EXPORTS_URL": str(folder / "exports"),
            "PROMOTION_BUCKETS": json.dumps(BUCKETS),
            "PROMOTION_MAX_EXPORT_AGE_DAYS": "100000",
        }
        for name, value in said.items():
            monkeypatch.setenv(f"BACKFILL_{name}", value)
        (folder / "exports").mkdir()
        yield Desk(target, folder / "exports")
