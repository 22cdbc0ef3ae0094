"""Named automation conditions, each with its reason. What runs on a schedule or fills gaps is elsewhere."""

from datetime import timedelta
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.run_mode import SKIP_DOWNSTREAM_TAG

#: How far back a late partition still cascades by itself; older corrections belong to a planned repair.
LIVE_WINDOW = timedelta(days=4)


def cascade(*not_waited_for: dg.AssetKey) -> dg.AutomationCondition[Any]:
    """Run a partition once something it reads was published by a run that lets downstream go on.

    A run that does not say so by its tag sets nothing going: in a backfill the next phase waits for its gate. Every
    blocking check upstream must be green, and nothing upstream missing or under way. ``not_waited_for`` are
    dependencies that order a backfill only: the asset itself one partition back, and phase gates.
    """
    # Dagster leaves the kind of key open in the types of its conditions.
    when: Any = dg.AutomationCondition
    # Not `executed_with_tags`: of a range run it knows the last partition only.
    published = when.any_new_update_has_run_tags(tag_values={SKIP_DOWNSTREAM_TAG: "false"})
    updated = when.any_deps_match((published & ~when.executed_with_root_target()) | when.will_be_requested())
    found = (
        when.in_latest_time_window(LIVE_WINDOW)
        & updated.with_label("an upstream was published outside of a backfill").since_last_handled()
        & when.all_deps_blocking_checks_passed()
        & ~when.any_deps_missing()
        & ~when.any_deps_in_progress()
        & ~when.in_progress()
    ).with_label("cascade")
    return found.ignore(dg.AssetSelection.assets(*not_waited_for)) if not_waited_for else found
