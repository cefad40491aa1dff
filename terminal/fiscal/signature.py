"""The short signature that stands on a ticket: enough of an entry's digest to miss the entry by.

A ticket that a client holds pins its entry and, by the chain, all before it: whoever takes them
out of the books would have to collect the tickets too. Forty bits are typed without a scanner
and can't be met by chance.
"""

from __future__ import annotations

import base64
from typing import Final

from cardkit.entries import Entry

CHARACTERS: Final = 8


def short_signature(entry: Entry) -> str:
    """Return the first characters of an entry's digest in base32 (RFC 4648, 6)."""
    return base64.b32encode(entry.digest).decode("ascii")[:CHARACTERS]
