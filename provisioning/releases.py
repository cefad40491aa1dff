"""Signing what tills run: the root says which files make up a release, and nothing else can.

The folder comes from `tools/build_release.py`. What it says of itself is shown before it is signed,
because whoever signs answers for the fiscal perimeter in it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from cardkit.clock import Clock
from cardkit.errors import DocumentMalformed
from cardkit.keyfiles import CaissePublic
from cardkit.release import (
    ABOUT_NAME,
    SIGNED_NAME,
    HeldRelease,
    Release,
    accept_release,
    check_files,
    list_files,
    sign_release,
)
from cardkit.signing import PublicKey, SigningKey

_HASH_BYTES: Final = 32


def drafted(folder: Path, *, clock: Clock) -> Release:
    """Return what would be signed; raises OSError or DocumentMalformed."""
    try:
        about = json.loads((folder / ABOUT_NAME).read_text("utf-8"))
        software, perimeter = (bytes.fromhex(about[it]) for it in ("software", "perimeter"))
        version, machine = about["version"], about["machine"]
    except (ValueError, KeyError, TypeError) as error:
        raise DocumentMalformed(f"{folder / ABOUT_NAME} does not say what this is") from error
    if len(software) != _HASH_BYTES or len(perimeter) != _HASH_BYTES:
        raise DocumentMalformed(f"{folder / ABOUT_NAME} holds no hashes")
    return Release(
        version=str(version),
        made_at=clock.now().at.replace(microsecond=0),
        software=software,
        perimeter=perimeter,
        machine=str(machine),
        files=list_files(folder),
    )


def sign_folder(folder: Path, root: SigningKey, release: Release) -> HeldRelease:
    """Leave the signed list in the folder that it names; raises OSError."""
    signed = sign_release(root, release)
    write_whole(folder / SIGNED_NAME, signed.encoded)
    return HeldRelease(release, signed.digest)


def open_folder(folder: Path, public: CaissePublic) -> HeldRelease:
    """Verify a release's signature and each of its files; raises OSError or DocumentError."""
    content = (folder / SIGNED_NAME).read_bytes()
    root = PublicKey.from_bytes(public.root)
    held = accept_release(content, root, caisse=public.caisse)
    check_files(folder, held.release)
    return held


def write_whole(path: Path, content: bytes) -> bool:
    """Replace a file whole, unless it has this content already; says whether it wrote.

    Raises OSError, and then the file is what it was.
    """
    if path.is_file() and path.read_bytes() == content:
        return False
    aside = path.with_name(f"{path.name}.new")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    return True
