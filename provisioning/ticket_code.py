"""A pairing ticket as a code to scan from the workshop's screen."""

from __future__ import annotations

import io
from typing import Final

import segno

from cardkit.pairing import Ticket

_ERROR_CORRECTION: Final = "l"
"""A screen is neither torn nor stained, and the code has to fit in a window of 27 rows."""
_BORDER: Final = 2


def ticket_code(ticket: Ticket) -> tuple[str, ...]:
    """Return the QR code (ISO/IEC 18004) as rows of half blocks, to be written light on dark."""
    drawn = io.StringIO()
    code = segno.make(ticket.text, error=_ERROR_CORRECTION, micro=False, boost_error=False)
    code.terminal(out=drawn, border=_BORDER, compact=True)
    return tuple(drawn.getvalue().splitlines())
