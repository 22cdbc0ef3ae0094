"""The text of a description without its markup."""

import html
import re
import unicodedata
from functools import lru_cache

#: Comments, scripts and styles are no text at all; a bare "<" as in "< 250 g" is no tag.
_MARKUP = re.compile(r"<!--.*?-->|<(script|style)\b.*?</\1\s*>|</?[A-Za-z!?][^>]*>", re.DOTALL | re.IGNORECASE)


@lru_cache(maxsize=8192)
def cleaned(markup: str) -> str:
    """Tags become spaces, entities characters, compatibility forms their plain ones; spaces collapse."""
    text = html.unescape(_MARKUP.sub(" ", markup))
    return " ".join(unicodedata.normalize("NFKC", text).split())
