"""A terminal that is nobody's, as it stands in a stall: it scans, and shows pages."""

from __future__ import annotations

from pathlib import Path

import requests

from cardkit.pairing import Ticket
from provisioning.ticket_code import ticket_code
from terminal.config import DataDirectory
from terminal.documents import Identity
from terminal.first_pairing import FirstPairing
from terminal.scanned_pairing import ScannedPairing
from terminal.software import Software
from terminal.words import Words
from tests.code_scanner import scan_rows
from tests.workshop_world import World


class Switched(Exception):
    """Somebody switches the terminal off: the test goes on."""


class ScanningStall:
    """A bare terminal with a screen, and a scanner that types into it."""

    def __init__(self, world: World, folder: Path, session: requests.Session) -> None:
        self.world = world
        self.folder = folder
        self.data = DataDirectory(folder / "terminal")
        self.session = session
        self.pages: list[str] = []
        self.tickets: list[Ticket] = []
        self.scans: list[str] = []
        self.start()

    def start(self) -> None:
        """Switch the terminal on."""
        self.way = ScannedPairing(
            data=self.data,
            clock=self.world.clock,
            software=Software.installed(),
            words=Words.of_environment(),
            session=self.session,
            take_line=lambda: self.scans.pop() if self.scans else None,
        )

    def look(self) -> Identity | None:
        """Let the terminal look once at what was scanned."""

        def wait(_seconds: float) -> None:
            raise Switched

        first = FirstPairing(
            ways=(self.way,), words=Words.of_environment(), show=self.pages.append, wait=wait
        )
        try:
            return first.run()
        except Switched:
            return None

    def words(self) -> str:
        """The four words on the screen: the one line that is set apart."""
        (found,) = (it.strip() for it in self.pages[-1].splitlines() if it.startswith("    "))
        return found

    def scan(self, ticket: Ticket) -> None:
        """Scan the code on the workshop's screen."""
        self.tickets.append(ticket)
        self.scans.append(scan_rows(ticket_code(ticket), self.folder, light_on_dark=True))
        assert self.look() is None
