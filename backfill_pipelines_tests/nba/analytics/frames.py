"""What the oracle does with frames: NULL-safe counts, ratios and flags. No basketball here."""

import numpy as np
import pandas as pd


def quality(
    rows: pd.DataFrame,
    silver: pd.Series,
    ready: pd.Series,
    issues: dict[str, pd.Series],
    sources: dict[str, pd.Series],
) -> pd.DataFrame:
    """The rows with the quality columns; issues and sources are listed where their flag is set."""
    return rows.assign(
        quality_tier=np.where(silver, "silver", "gold"),
        quality_score=np.where(silver, 85.0, 100.0),
        is_production_ready=ready,
        data_quality_issues=_named(issues, rows.index),
        data_sources=_named(sources, rows.index),
    )


def _named(flags: dict[str, pd.Series], index: pd.Index) -> pd.Series:
    lists = [[name for name, flag in zip(flags, row, strict=True) if flag] for row in zip(*flags.values(), strict=True)]
    return pd.Series(lists, index=index, dtype=object)


def with_counts(
    rows: pd.DataFrame, events: pd.DataFrame, who: list[str], names: list[str]
) -> tuple[pd.DataFrame, pd.Series]:
    """Sums of the events joined: 0 for who has none, NULL in a game without events; and which games have any."""
    counted = events.groupby(who)[names].sum().reset_index()
    rows = rows.merge(counted, on=who, how="left")
    known = rows.game_id.isin(events.game_id)
    rows[names] = rows[names].astype("Float64").fillna(0).where(known)
    return rows, known


def without(rows: pd.DataFrame, others: pd.DataFrame, on: list[str]) -> pd.DataFrame:
    """The rows whose key the others lack."""
    joined = rows.merge(others[on].drop_duplicates(), on=on, how="left", indicator=True)
    return joined[joined.pop("_merge") == "left_only"]


def ratio(above: pd.Series, below: pd.Series) -> pd.Series:
    """A quotient; NULL where the denominator is zero."""
    below = below.astype("Float64")
    return above.astype("Float64") / below.where(below != 0)


def true(flags: pd.Series) -> pd.Series:
    """Flags without NULL: what is not known is not so."""
    return flags.astype("boolean").fillna(False).astype(bool)
