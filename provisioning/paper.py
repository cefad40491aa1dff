"""Papers of the workshop: a template and data in, PDF bytes out; the one place that knows typst.

Data is handed over inside of the process, as JSON: what a paper says is on no disk but in the PDF.
The same template, data and time are the same bytes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import segno
import typst

from cardkit.errors import PaperFailed

TEMPLATES: Final = Path(__file__).resolve().parent / "papers"
_STANDARDS: Final[typst.PDFStandards] = ["a-2a", "ua-1"]
"""ISO 19005-2 and ISO 14289-1: it can still be read in ten years, and read aloud."""
_ERROR_CORRECTION: Final = "m"
"""ISO/IEC 18004: 15 % of a code may be creased or stained."""


def paper(template: str, data: Mapping[str, object], *, at: datetime) -> bytes:
    """Make a PDF of a template such as `keys.typ`, dated `at`; raises PaperFailed."""
    try:
        made = compiler(template, data).compile(
            format="pdf", pdf_standards=_STANDARDS, timestamp=at.replace(microsecond=0)
        )
    except typst.TypstError as error:
        raise PaperFailed(f"{template}: {error.diagnostic or error.message}") from error
    if not isinstance(made, bytes):
        raise PaperFailed(f"{template}: no single document")
    return made


def compiler(template: str, data: Mapping[str, object]) -> typst.Compiler:
    """Return what makes a paper, for who wants it in another form, or asks what it says."""
    return typst.Compiler(
        TEMPLATES / template,
        root=TEMPLATES,
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data)},
        package_path=TEMPLATES,
        package_cache_path=TEMPLATES,
    )


def code(text: str) -> str:
    """Return a QR code as SVG, one module a unit, with the quiet zone that cameras need."""
    svg = io.BytesIO()
    segno.make(text, error=_ERROR_CORRECTION, micro=False, boost_error=False).save(
        svg, kind="svg", xmldecl=False, border=4
    )
    return svg.getvalue().decode("utf-8")
