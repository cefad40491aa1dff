"""A code scanner that nobody here wrote: zbarimg reads what our programs draw."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.needed_tools import need

_MODULE_PIXELS = 4
_INK = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}


def scan_rows(rows: Sequence[str], folder: Path, *, light_on_dark: bool) -> str:
    """Return the text of a QR code drawn in half blocks; its picture is kept in a folder."""
    lines = [[_INK[block][half] for block in row] for row in rows for half in (0, 1)]
    light = 1 if light_on_dark else 0
    picture = folder / "code.pgm"
    width, height = (len(it) * _MODULE_PIXELS for it in (lines[0], lines))
    with picture.open("wb") as file:
        file.write(f"P5 {width} {height} 255\n".encode())
        for line in lines:
            modules = (b"\xff" if ink == light else b"\0" for ink in line)
            file.write(b"".join(it * _MODULE_PIXELS for it in modules) * _MODULE_PIXELS)
    return scan(picture)


def scan(picture: Path) -> str:
    """Return the text of the one QR code in a picture."""
    need("zbarimg")
    read = subprocess.run(
        ("zbarimg", "--quiet", "--raw", "--set", "*.enable=0", "--set", "qr.enable=1", picture),
        capture_output=True,
        check=True,
        text=True,
    )
    return read.stdout.strip()
