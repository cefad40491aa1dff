"""A link as a code to photograph: our own page's address, drawn here and sent to nobody."""

from __future__ import annotations

import segno
from django.utils.safestring import SafeString, mark_safe


def qr_svg(text: str) -> SafeString:
    """Return an SVG element that holds the text as squares alone, dark on white."""
    code = segno.make(text, error="m", micro=False)
    drawn = code.svg_inline(omitsize=True, dark="#000", light="#fff", border=3)
    return mark_safe(drawn)  # noqa: S308 - rectangles: nothing of the text stands in it
