"""``backfill promote verify`` and ``rollback``: what came of a promotion, and taking it back.

Exit codes of ``verify``: 0 all gates green, 1 one is red, 2 refused, or a gate could not be measured.
"""

from backfill_pipelines.cli_promote import promote_app
from backfill_pipelines.cli_promote_rollback import rollback

promote_app.command()(rollback)

__all__ = ["promote_app"]
