"""Between which days a merchant may sell: bodies of acts 35 and 36 of the service's log."""

from __future__ import annotations

from datetime import date
from typing import Final, TypeAlias

from cardkit.bodies import HASH
from cardkit.schema import U32, Day, document, wire


@document
class ConventionSigned:
    """A merchant may sell from a day until a day; never two conventions of one on one day."""

    merchant: int = wire(1, U32)
    from_day: date = wire(2, Day)
    until_day: date = wire(3, Day)
    """The first day that it no longer covers."""
    signed_on: date = wire(4, Day)
    terms: bytes = wire(5, HASH)
    """SHA-256 of what was agreed beside the dates."""


@document
class ConventionEnded:
    """All that was signed with a merchant before this act ends sooner than it says."""

    merchant: int = wire(1, U32)
    until_day: date = wire(2, Day)
    """The first day that is no longer covered."""


ConventionAct: TypeAlias = ConventionSigned | ConventionEnded

CONVENTIONS: Final[dict[int, type[ConventionAct]]] = {35: ConventionSigned, 36: ConventionEnded}
"""By the number of their kind (`cardkit.acts.ActKind`)."""
