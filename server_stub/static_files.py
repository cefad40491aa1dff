"""The console's few files, under names that change with their contents: browsers keep them."""

from __future__ import annotations

import shutil
from pathlib import Path

from django.contrib.staticfiles.finders import get_finders
from django.core.files.storage import Storage
from whitenoise.storage import CompressedManifestStaticFilesStorage


def collect(folder: Path) -> None:
    """Write every file below `folder`, hashed names and compressed forms beside it.

    Made anew at each start, which takes a moment: what is served is what is installed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    made = CompressedManifestStaticFilesStorage(location=folder)
    found: dict[str, tuple[Storage, str]] = {}
    for finder in get_finders():
        for name, source in finder.list([]):
            with source.open(name) as file:
                made.save(name, file)
            found[name] = made, name
    for _, _, trouble in made.post_process(found):
        if isinstance(trouble, Exception):
            raise trouble
