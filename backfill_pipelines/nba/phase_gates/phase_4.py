"""What gate 2 asks for on top of whole tables: scores that were computed, and features of good quality."""

from backfill_pipelines.nba.catalog import PRECOMPUTE_PHASE
from backfill_pipelines.nba.phase_gates.completeness import Judgement, measurement
from backfill_pipelines.nba.phase_gates.scope import Scope, Span
from backfill_pipelines.stores.warehouse import WarehouseSession

MISMATCHES_COMPUTED = "zero_mismatch_scores_are_rare"
FEATURES_GOOD = "mean_feature_quality_is_good"

#: Percent of zero scores among players with both inputs: 1.6 measured. More are defaults that look like scores.
MOST_ZERO_MISMATCHES = 5.0
#: Mean feature_quality_score: every feature native is 100, all defaults 40.
LEAST_FEATURE_QUALITY = 85.0

_NOTHING = "not judged: every date of the scope is expected to be empty in phase 4"


def judge_precompute(session: WarehouseSession, scope: Scope, found: Judgement) -> None:
    """Both rules over every span."""
    for span in scope.spans:
        matrix = span.rows(session, "matrix", phase=PRECOMPUTE_PHASE)
        expected = any(row["state"] != "expected_empty" for row in matrix)
        _mismatches(session, span, found, expected=expected)
        _quality(session, span, found, expected=expected)


def _mismatches(session: WarehouseSession, span: Span, found: Judgement, *, expected: bool) -> None:
    row = span.rows(session, "zero_mismatches")[0]
    rows, zeros = row["row_count"], row["zeros"]
    share = 100 * zeros / rows if rows else None
    found.show("zero mismatches", [{"rows_with_both_inputs": rows, "zeros": zeros, "percent": share}], span)
    culprits = []
    if share is None and expected:
        culprits = ["no row has both inputs"]
    elif share is not None and share > MOST_ZERO_MISMATCHES:
        culprits = [f"STOP {zeros} of {rows} rows with both inputs score 0: {share:.1f} %, at most 5 allowed"]
    note = "" if expected else _NOTHING
    repair = "look at no_score_is_zero_by_contamination of player_composite_factors; build its inputs first"
    found.add(MISMATCHES_COMPUTED, measurement(1, culprits, note=note), repair, span)


def _quality(session: WarehouseSession, span: Span, found: Judgement, *, expected: bool) -> None:
    row = span.rows(session, "feature_quality")[0]
    mean = row["mean_quality"]
    found.show("feature quality", [row], span)
    culprits = []
    if mean is None and expected:
        culprits = ["ml_feature_store_v2 has no row"]
    elif mean is not None and mean < LEAST_FEATURE_QUALITY:
        culprits = [f"mean feature_quality_score {mean} over {row['row_count']} rows, at least 85 needed"]
    note = "" if expected else _NOTHING
    repair = "see feature_sources of ml_feature_store_v2: which features are defaults, and why"
    found.add(FEATURES_GOOD, measurement(1, culprits, note=note), repair, span)
