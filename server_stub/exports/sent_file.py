"""Files that are too long for memory: made beside the data, read once, and gone."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from server_stub.services.audit_export import export_audit
from server_stub.services.caisse import Caisse


def audit_file(caisse: Caisse) -> BinaryIO:
    """Return the whole audit export, open for reading; nothing is left of it once it is closed."""
    return _made(lambda path: export_audit(caisse, path))


def text_file(lines: Iterable[str]) -> BinaryIO:
    """Return lines as UTF-8 text, open for reading, and gone once it is closed."""

    def write(path: Path) -> None:
        with path.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)

    return _made(write)


def _made(write: Callable[[Path], None]) -> BinaryIO:
    """Write into a folder that nobody else may enter; the name is gone before it is read."""
    with tempfile.TemporaryDirectory(prefix="clafoutis-") as folder:
        path = Path(folder) / "file"
        write(path)
        return path.open("rb")
