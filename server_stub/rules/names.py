"""Names as people look for them: without accents, capitals and hyphens."""

from __future__ import annotations

import unicodedata
from typing import Final

_LIGATURES: Final = str.maketrans({"œ": "oe", "æ": "ae"})


def folded(text: str) -> str:
    """Return a text's letters and digits in words parted by single blanks: `Lecœur-Roy` is
    `lecoeur roy`.
    """
    parted = unicodedata.normalize("NFKD", text.casefold().translate(_LIGATURES))
    plain = (it for it in parted if not unicodedata.combining(it))
    return " ".join("".join(it if it.isalnum() else " " for it in plain).split())
