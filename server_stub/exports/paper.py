"""Papers: a template and data in, PDF bytes out; the one place that knows typst.

Data is handed over as JSON and never pasted into markup, so that no name of a stall is a command.
The same template, data and time are the same bytes. A file in a folder of the caisse's own wins
over ours of the same name; so do fonts and pictures that lie there.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import typst

from cardkit.errors import PaperFailed

OURS: Final = Path(__file__).resolve().parent.parent / "papers"
_STANDARDS: Final[typst.PDFStandards] = ["a-2a", "ua-1"]
"""For an archive of ten years, and for who has it read aloud (ISO 19005-2, ISO 14289-1)."""


def paper(template: str, data: Mapping[str, object], *, at: datetime, own: Path | None) -> bytes:
    """Make a PDF of a template such as `bordereau.typ`; raises PaperFailed.

    `at` is the time that the paper bears; `own` the folder whose files win over ours.
    """
    with TemporaryDirectory() as folder:
        try:
            root = _laid_out(Path(folder), own)
            compiler = typst.Compiler(
                root / template,
                root=root,
                font_paths=[root],
                ignore_system_fonts=True,
                sys_inputs={"data": json.dumps(data)},
                package_path=root,
                package_cache_path=root,
            )
            made = compiler.compile(format="pdf", pdf_standards=_STANDARDS, timestamp=at)
        except typst.TypstError as error:
            raise PaperFailed(f"{template}: {error.diagnostic or error.message}") from error
        except OSError as error:
            raise PaperFailed(f"{template}: {error}") from error
    if not isinstance(made, bytes):
        raise PaperFailed(f"{template}: no single document")
    return made


def _laid_out(root: Path, own: Path | None) -> Path:
    """Put our files into a folder, and then the caisse's own over them."""
    for source in (OURS, own):
        if source is not None and source.is_dir():
            for file in sorted(source.iterdir()):
                if file.is_file():
                    shutil.copyfile(file, root / file.name)
    return root
