"""Where the ``backfill`` command starts; what it can do is in ``cli``."""

from backfill_pipelines.backfill.garbage import no_collections_while_starting


def main() -> None:
    """Load the commands, then run the one that was typed."""
    with no_collections_while_starting():
        from backfill_pipelines.cli import app
    app()
