"""The exchange by USB stick: requests go out on it, and the service's answer comes back.

In that order of trust and of cuts: the answer is put into the inbox and taken in as if it had
come by the network, then what is still unsent is written, then both are journalled. Each step
may be cut short and done again. A stick is nobody's secret and nobody's word: everything on it is
signed, and only this terminal's own folder is read (docs/protocol.md, "By stick").
"""

from __future__ import annotations

import errno
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from cardkit.bodies import EntryKind, MediumExchanged
from cardkit.errors import (
    DocumentError,
    StickError,
    StickFull,
    StickGone,
    StickReadOnly,
)
from cardkit.frozen import dataclass
from cardkit.signing import SigningKey, parse
from cardkit.stick import ANSWER_BYTES_MAX, ROOT, SUFFIX, StickFolder, sign_request
from terminal.files import sync_directory, write_atomically
from terminal.journal import Journal
from terminal.mailbox import Mailbox
from terminal.mounts import Stick

logger = logging.getLogger(__name__)

OTHERS_MAX: Final = 8
"""Other terminals' folders that are named to a person."""
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_READ_ONLY: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


@dataclass(frozen=True, slots=True, kw_only=True)
class StickExchanged:
    """What an exchange did."""

    requests: int
    """Files that lie on the stick now, for the service."""
    written_up_to_seq: int
    """The last entry in them; what was journalled after it goes with the next exchange."""
    answers: int
    """Answers that were taken in: 1, or 0 when there was none that told anything new."""
    others: tuple[str, ...]
    """Folders of other terminals on the stick, which were left alone."""


class StickExchange:
    """The till at a stick; like every other use of the journal, one at a time."""

    def __init__(self, *, journal: Journal, mailbox: Mailbox, key: SigningKey) -> None:
        """Take the till's journal and mailbox, and the transport key, which signs requests."""
        self._journal = journal
        self._mailbox = mailbox
        self._key = key

    def run(self, stick: Stick) -> StickExchanged:
        """Take in the answer that lies there, and write what is unsent.

        Raises StickError, after which what was taken in stays taken in; and JournalDamaged or
        StoreError as the network's exchange does.
        """
        folder = self.folder(stick)
        digest = self._take_in(stick, folder)
        try:
            written = self._write(stick, folder)
        except StickError:
            if digest is not None:
                self._note(stick, MediumExchanged(medium=stick.medium, read_digest=digest))
            raise
        up_to_seq = self._journal.head.seq
        self._note(
            stick,
            MediumExchanged(medium=stick.medium, written_up_to_seq=up_to_seq, read_digest=digest),
        )
        return StickExchanged(
            requests=written,
            written_up_to_seq=up_to_seq,
            answers=0 if digest is None else 1,
            others=_others(folder),
        )

    def rescue(self, stick: Stick) -> int:
        """Write what is unsent and journal nothing: for a chain whose board is gone.

        Returns how many requests there are; raises StickError.
        """
        return self._write(stick, self.folder(stick))

    def folder(self, stick: Stick) -> StickFolder:
        """Return this terminal's place on a stick."""
        journal = self._journal
        return StickFolder(stick=stick.path, caisse=journal.caisse, terminal=journal.terminal)

    def _take_in(self, stick: Stick, folder: StickFolder) -> bytes | None:
        """Take in the answer and return its digest; None when it is no good, or tells nothing new.

        What came by the network goes first, so that none of it is found older than the stick's.
        """
        self._mailbox.consume()
        with at_stick(stick):
            content = _read(folder.answer)
        if content is None or self._is_noted(content) or not self._mailbox.is_news(content):
            return None
        if not self._mailbox.deliver(content):
            return None
        with suppress(OSError):  # one that stays is known when it is seen again
            folder.answer.unlink()
        return parse(content).digest

    def _is_noted(self, content: bytes) -> bool:
        """Say whether this answer was taken in whole: only then is it journalled here."""
        last = self._journal.last(EntryKind.MEDIUM_EXCHANGED)
        body = None if last is None else last.body
        return isinstance(body, MediumExchanged) and body.read_digest == parse(content).digest

    def _write(self, stick: Stick, folder: StickFolder) -> int:
        """Put the whole outbox on the stick, and take away what it no longer holds."""
        waiting = self._mailbox.export()
        with at_stick(stick):
            folder.requests.mkdir(parents=True, exist_ok=True)
            names = {path.name for path in waiting}
            for stale in folder.requests.glob(f"*{SUFFIX}"):
                if stale.name not in names:
                    stale.unlink(missing_ok=True)
            for path in waiting:
                signed = sign_request(self._mailbox.request(path), key=self._key)
                write_atomically(folder.requests / path.name, signed)
            for made in (folder.path, folder.path.parent, folder.stick):
                sync_directory(made)
        return len(waiting)

    def _note(self, stick: Stick, body: MediumExchanged) -> None:
        """Journal the exchange, unless all there is to tell is the telling of the one before."""
        last = self._journal.last(EntryKind.MEDIUM_EXCHANGED)
        is_told = last is not None and last.seq == self._journal.head.seq
        if is_told and body.read_digest is None:
            logger.debug("%s: nothing happened since the last exchange", stick.medium)
            return
        self._journal.append(EntryKind.MEDIUM_EXCHANGED, body)


def _read(path: Path) -> bytes | None:
    """Read an answer; None when there is none, or something that is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EISDIR):
            return None
        raise
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        content = file.read(ANSWER_BYTES_MAX + 1)
    try:
        parse(content)
    except DocumentError as error:
        logger.info("%s: %s", path.name, error)
        return None
    return content


def _others(folder: StickFolder) -> tuple[str, ...]:
    """Return the folders beside this terminal's; a stick that is gone by now shows none."""
    try:
        names = sorted(path.name for path in (folder.stick / ROOT).iterdir() if path.is_dir())
    except OSError:
        return ()
    return tuple(name for name in names if name != folder.path.name)[:OTHERS_MAX]


@contextmanager
def at_stick(stick: Stick) -> Iterator[None]:
    """Work on a stick while it is there, and call its trouble by our name for it."""
    if not _is_here(stick):
        raise StickGone("another file system lies at its place")
    try:
        yield
    except OSError as error:
        raise _named(error, stick) from error


def _named(error: OSError, stick: Stick) -> StickError:
    told = f"{error.strerror}"
    if not _is_here(stick):
        return StickGone(told)
    if error.errno in _FULL:
        return StickFull(told)
    return StickReadOnly(told) if error.errno in _READ_ONLY else StickGone(told)


def _is_here(stick: Stick) -> bool:
    try:
        return stick.path.stat().st_dev == stick.device
    except OSError:
        return False
