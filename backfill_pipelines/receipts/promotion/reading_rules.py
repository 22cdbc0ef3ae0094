"""The rules that a promotion reads its source by: which bucket becomes which, and what may be lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ReadingRules:
    """What the operator decided.

    Attributes:
        buckets: S3 bucket of the source -> that of the target; ``name: name`` keeps a name.
        accept_loss: What may be left behind: lists, TYPEs (``(no TYPE)`` for items without), ``list.attribute``.
    """

    buckets: Mapping[str, str]
    accept_loss: frozenset[str] = field(default_factory=frozenset)
