"""The exchange by stick, on the service's side: requests of terminals in, one answer each out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, unique
from pathlib import Path
from typing import Final

from cardkit.errors import DocumentError, StickError
from cardkit.signing import PublicKey
from cardkit.stick import (
    REQUEST_BYTES_MAX,
    ROOT,
    SUFFIX,
    StickFolder,
    open_request,
    terminal_of,
)
from server_stub.models import Terminal
from server_stub.services.caisse import Caisse
from server_stub.services.sync import sync

REQUESTS_MAX: Final = 2_000
"""A million entries of one terminal: whatever lies beyond was not put there by ours."""


_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
"""Sticks with links exist, and one could lead to a file of this machine's."""


@unique
class Left(Enum):
    """Why something on a stick was left alone."""

    ANOTHER_CAISSE = "another caisse's, or no terminal's folder"
    UNKNOWN_TERMINAL = "a terminal that was never enrolled"
    NOT_GENUINE = "a request that this terminal did not sign"


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderDone:
    """What became of one folder: by its name on the stick."""

    name: str
    requests: int = 0
    """Requests that were taken in."""
    left: tuple[tuple[str, Left], ...] = ()
    """What was left alone, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What became of one terminal's requests."""

    requests: int
    """Those that were taken in."""
    left: tuple[tuple[str, Left], ...]
    """What was left alone, by name."""
    answer: bytes | None
    """To the last of them, for the terminal; None where none was taken in."""


def serve_stick(caisse: Caisse, stick: Path) -> tuple[FolderDone, ...]:
    """Take in what terminals left on a stick, and leave each the answer to its last request.

    The answer to the last covers those before. Doing it again gives the same books and a newer
    answer. Raises StickError when the stick can't be read or written; what was taken in stays.
    """
    try:
        names = sorted(path.name for path in (stick / ROOT).iterdir() if _is_folder(path))
    except OSError as error:
        raise StickError(f"{stick / ROOT}: {error.strerror}") from error
    return tuple(_serve(caisse, stick, name) for name in names)


def _serve(caisse: Caisse, stick: Path, name: str) -> FolderDone:
    number = terminal_of(name, caisse=caisse.name)
    if number is None:
        return FolderDone(name=name, left=((name, Left.ANOTHER_CAISSE),))
    terminal = Terminal.objects.using(caisse.using).filter(id=number).first()
    if terminal is None:
        return FolderDone(name=name, left=((name, Left.UNKNOWN_TERMINAL),))
    folder = StickFolder(stick=stick, caisse=caisse.name, terminal=number)
    done = take_in(caisse, terminal, _requests(folder))
    if done.answer is not None:
        _leave(folder, done.answer)
    return FolderDone(name=name, requests=done.requests, left=done.left)


def take_in(caisse: Caisse, terminal: Terminal, files: Iterable[tuple[str, bytes]]) -> TakenIn:
    """Take in one terminal's requests, each with its name, and make the answer to the last."""
    key = PublicKey.from_bytes(terminal.transport_key)
    taken, answer, left = 0, None, list[tuple[str, Left]]()
    for name, content in files:
        try:
            request = open_request(content, key=key, caisse=caisse.name, terminal=terminal.pk)
        except DocumentError:
            left.append((name, Left.NOT_GENUINE))
            continue
        answer = sync(caisse, request)
        taken += 1
    return TakenIn(requests=taken, left=tuple(left), answer=answer)


def _requests(folder: StickFolder) -> Iterator[tuple[str, bytes]]:
    """Read the requests in their order; what is no plain file of a bearable size is empty."""
    try:
        if not _is_folder(folder.requests):
            return
        for path in sorted(folder.requests.glob(f"*{SUFFIX}"))[:REQUESTS_MAX]:
            is_plain = path.is_file() and not path.is_symlink()
            is_bearable = is_plain and path.stat().st_size <= REQUEST_BYTES_MAX
            yield path.name, path.read_bytes() if is_bearable else b""
    except OSError as error:
        raise StickError(f"{folder.requests}: {error.strerror}") from error


def _leave(folder: StickFolder, answer: bytes) -> None:
    """Put the answer in place whole, and make it last: the stick is pulled out next."""
    aside = folder.answer.with_name(f".{folder.answer.name}.new")
    try:
        aside.unlink(missing_ok=True)
        with os.fdopen(os.open(aside, _NEW_FILE, 0o600), "wb") as file:
            file.write(answer)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(folder.answer)
        directory = os.open(folder.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise StickError(f"{folder.answer}: {error.strerror}") from error


def _is_folder(path: Path) -> bool:
    """Say whether this is a folder on the stick itself, and no link to one of this machine."""
    return path.is_dir() and not path.is_symlink()
