"""The operator's guide names what there is: every setting, every command and option."""

import re

import typer.main

from backfill_pipelines.cli import app
from backfill_pipelines.settings import PROJECT_ROOT, Settings

GUIDE = (PROJECT_ROOT / "docs" / "promotion.md").read_text("utf-8")
SHORTENED = {"embedding_timeout_seconds": "_TIMEOUT_SECONDS", "embedding_sample_seconds": "_SAMPLE_SECONDS"}


def test_every_setting_of_the_promotion_is_in_the_guide() -> None:
    ours = [name for name in Settings.model_fields if name.startswith(("promotion_", "embed", "stream_", "step_"))]
    assert len(ours) > 15
    missing = [name for name in ours if SHORTENED.get(name, f"BACKFILL_{name.upper()}") not in GUIDE]
    assert not missing
    assert "BACKFILL_LINE_WORKFLOW_ARN" in GUIDE


def test_every_command_and_option_that_the_guide_names_exists() -> None:
    commands = typer.main.get_command(app).commands["promote"].commands  # pyright: ignore[reportAttributeAccessIssue]
    named = set(re.findall(r"backfill promote ([a-z]+)", GUIDE))
    assert named == commands.keys(), "and no command is left out"
    options = {option for command in commands.values() for one in command.params for option in one.opts}
    assert set(re.findall(r"`[^`\n]*?(--[a-z-]+)", GUIDE)) <= options
