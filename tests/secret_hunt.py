"""Looks for secrets in whatever a life left behind, in every shape that they could have."""

from __future__ import annotations

import base64
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

_STREAM: Final = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_PDF: Final = b"%PDF"


@dataclass(frozen=True, slots=True)
class Secret:
    """What nobody may find, but in the files where it is kept."""

    name: str
    value: bytes = field(repr=False)
    kept_in: tuple[str, ...] = ()
    """Patterns of paths, from the folder that is looked through."""

    @property
    def shapes(self) -> frozenset[bytes]:
        """As it is, in hexadecimal, in Base64 at any alignment, in UTF-16 and backwards."""
        value = self.value
        hexadecimal = value.hex().encode()
        return frozenset(
            {
                value,
                value[::-1],
                hexadecimal,
                hexadecimal.upper(),
                value.hex(" ").encode(),
                value.hex(":").encode(),
                repr(value)[2:-1].encode(),
                value.decode("latin-1").encode("utf-16-le"),
                *_base64_of(value),
            }
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A secret where it is not kept."""

    secret: str
    where: str


def hunt(folder: Path, secrets: Iterable[Secret]) -> Iterator[Found]:
    """Yield every secret that lies in a file of a folder where it is not kept."""
    shapes = [(secret, secret.shapes) for secret in secrets]
    for path in sorted(it for it in folder.rglob("*") if it.is_file()):
        name = path.relative_to(folder).as_posix()
        for content in _layers(path.read_bytes()):
            for secret, those in shapes:
                if not any(fnmatch(name, kept) for kept in secret.kept_in):
                    yield from (Found(secret.name, name) for it in those if it in content)


def _base64_of(value: bytes) -> Iterator[bytes]:
    """Yield what the inner part of a value looks like in Base64, wherever it begins."""
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            whole = encode(bytes(shift) + value)
            # Characters that also depend on neighbours are left out, at both ends.
            first, last = (0, 2, 3)[shift], -4 if (shift + len(value)) % 3 else None
            yield whole[first:last]


def _layers(content: bytes) -> Iterator[bytes]:
    """Yield a file's bytes, and those that are packed in them."""
    yield content
    if content.startswith(_GZIP):
        yield from _layers(gzip.decompress(content))
    if content.startswith(_ZIP):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for name in packed.namelist():
                yield from _layers(packed.read(name))
    if content.startswith(_PDF):
        for stream in _STREAM.findall(content):
            try:
                yield zlib.decompress(stream)
            except zlib.error:
                continue
