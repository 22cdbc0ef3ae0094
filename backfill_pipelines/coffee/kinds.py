"""Which kinds of product are coffee to brew. What makes a product of a kind is ``classification``'s."""

COFFEE_KINDS = frozenset({"beans", "capsule", "single_serve"})


def is_coffee(kind: str | None) -> bool | None:
    """Whether a kind is coffee to brew; None for the undecided."""
    return None if kind is None else kind in COFFEE_KINDS
