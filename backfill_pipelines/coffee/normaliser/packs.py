"""How many packs a text speaks of, apart from a count that multiplies a weight (that is ``weights``'s).

A number of deliveries is no pack, and neither is a bare number of capsules or bags.
"""

import re
from functools import lru_cache

PACK_NOUN = r"(?:packs?|packets?|bags?|pouch(?:es)?)"
_PACK = re.compile(
    r"(?<![a-z0-9])(?:packs?|sets?|box(?:es)?) of (?P<of>[0-9]{1,3})(?![0-9.])"
    rf"|(?<![0-9.,])(?P<nouns>[0-9]{{1,3}}) {PACK_NOUN} of(?![a-z0-9])"
    r"|(?<![0-9.,])(?P<dash>[0-9]{1,3})[ -]?packs?(?![a-z0-9])"
)


@lru_cache(maxsize=1 << 14)
def pack_of(folded: str) -> int | None:
    """The count of packs that a folded text names first, 1 or more; None where it names none."""
    for match in _PACK.finditer(folded):
        if count := int(match["of"] or match["nouns"] or match["dash"]):
            return count
    return None
