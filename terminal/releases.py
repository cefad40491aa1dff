"""Putting a signed release into the slot that does not run, and saying what runs.

What is sold and not yet told lies in the data, which no release touches; but a program that does
not start could not tell it: the program is changed when all was sent, or written to a stick.
"""

from __future__ import annotations

import logging
from enum import Enum, unique
from pathlib import Path
from typing import Protocol

from cardkit.bodies import EntryKind, MediumExchanged
from cardkit.errors import DocumentForeign, DocumentMalformed
from cardkit.frozen import dataclass
from cardkit.keyfiles import CaissePublic
from cardkit.release import SIGNED_NAME, HeldRelease, Release, accept_release, check_files
from cardkit.signing import PublicKey
from terminal.journal import Journal
from terminal.slots import Slots, name_of

logger = logging.getLogger(__name__)


@unique
class NotInstalled(Enum):
    """Why a release was left alone; what ran still runs."""

    SAME = "this release runs already"
    WENT_BACK = "this release was tried, and did not open the till"
    ON_TRIAL = "the release that runs has not proven itself yet: the one of before is still needed"
    UNSENT = "sales are not sent yet"


@dataclass(frozen=True, slots=True)
class Installed:
    """The release starts the next time; on trial, unless it is the first."""

    release: Release
    slot: str


class Environment(Protocol):
    """Makes a slot out of a release's files."""

    def build(self, files: Path, slot: Path) -> None:
        """Fill an empty slot; raises OSError or DocumentMalformed."""

    def digest_of(self, slot: Path) -> bytes:
        """Return the hash of the program in a slot, as that slot's own interpreter computes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installer:
    """What installing needs of this computer."""

    slots: Slots
    public: CaissePublic
    machine: str
    environment: Environment

    def held(self, slot: str | None) -> HeldRelease | None:
        """Return what a slot holds; raises DocumentError when somebody changed what it says."""
        mark = None if slot is None else self.slots.mark(slot)
        return None if mark is None else self._accept(mark, None)

    def look(self, folder: Path) -> Release | NotInstalled:
        """Verify a release and its files, and say whether it may be installed.

        Raises DocumentError when it is no good, or for another kind of computer; and OSError.
        """
        mark = (folder / SIGNED_NAME).read_bytes()
        release = self._accept(mark, self.held(self.slots.current)).release
        if release.machine != self.machine:
            raise DocumentForeign(f"a release for {release.machine}, and this is {self.machine}")
        if self.slots.current is not None and mark == self.slots.mark(self.slots.current):
            return NotInstalled.SAME
        if name_of(mark) == self.slots.refused:
            return NotInstalled.WENT_BACK
        if self.slots.trial is not None:
            return NotInstalled.ON_TRIAL
        check_files(folder, release)
        return release

    def install(self, folder: Path, release: Release) -> Installed:
        """Fill the other slot, see what it has become, and let it start the next time.

        Raises OSError or DocumentError, and then what ran before still does.
        """
        slot = self.slots.other
        path = self.slots.empty(slot)
        self.environment.build(folder, path)
        if self.environment.digest_of(path) != release.software:
            raise DocumentMalformed("what was installed is not what was signed")
        self.slots.complete(slot, (folder / SIGNED_NAME).read_bytes())
        self.slots.switch(slot)
        logger.info("release %s in slot %s", release.version, slot)
        return Installed(release, slot)

    def _accept(self, mark: bytes, held: HeldRelease | None) -> HeldRelease:
        root = PublicKey.from_bytes(self.public.root)
        return accept_release(mark, root, caisse=self.public.caisse, held=held)


def untold_sales(journal: Journal) -> int:
    """Return how many sales neither the service nor a stick has; raises JournalError."""
    unsent = journal.unsent_sales()
    last, medium = journal.last(EntryKind.SALE), journal.last(EntryKind.MEDIUM_EXCHANGED)
    if not unsent or last is None:
        return 0
    body = None if medium is None else medium.body
    # What has a digest is an archive, which the service does not read.
    is_stick = isinstance(body, MediumExchanged) and body.written_digest is None
    written_seq = body.written_up_to_seq if is_stick and isinstance(body, MediumExchanged) else None
    return 0 if last.seq <= (written_seq or 0) else unsent
