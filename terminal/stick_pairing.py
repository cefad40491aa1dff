"""A terminal that is nobody's yet, without a network: a stick makes it somebody's.

The workshop's ticket comes on the stick, the request goes back on it, the answer comes the same
way. What protects a pairing is what protects it by network: the ticket's secret and the four words
(`terminal.pair`). Switched off meanwhile, the terminal goes on with the same keys and words.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

import requests

from cardkit import cbor
from cardkit.clock import Clock
from cardkit.errors import ClafoutisError, DocumentMalformed
from cardkit.frozen import dataclass
from cardkit.pairing import PairResult, Ticket
from cardkit.schema import pack, unpack
from cardkit.stick import ANSWER_BYTES_MAX, PairingFolder
from terminal.config import DataDirectory
from terminal.documents import Identity
from terminal.files import write_atomically
from terminal.mounts import Stick
from terminal.pair import Pairing
from terminal.software import Software
from terminal.words import Words

logger = logging.getLogger(__name__)

_TICKET_BYTES_MAX: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class StickPairing:
    """Takes the ticket from a stick, writes the request on it, and takes the answer from it."""

    data: DataDirectory
    clock: Clock
    software: Software
    words: Words
    find_stick: Callable[[], Stick | None]

    def look(self) -> Identity | str | None:
        """Do what can be done with the stick that is there; returns what to say.

        None without a stick of the workshop's.
        """
        stick = self.find_stick()
        folder = None if stick is None else PairingFolder(stick.path)
        if folder is None or not folder.ticket.is_file():
            return None
        try:
            return self._exchange(folder)
        except ClafoutisError as error:
            logger.warning("pairing by stick: %s", error)
            return f"{self.words.trouble(error)}\n\n({error})"
        except OSError as error:
            sentence = self.words.gettext("The stick cannot be read. Plug it in again.")
            return f"{sentence}\n\n({error.strerror})"

    def _exchange(self, folder: PairingFolder) -> Identity | str:
        ticket = Ticket.from_text(
            _read(folder.ticket, _TICKET_BYTES_MAX).decode("ascii", "replace")
        )
        with requests.Session() as session:
            pairing = Pairing(self.data, ticket, session=session)
        answer = folder.answer(ticket.pairing_id)
        if answer.is_file():
            result = unpack(PairResult, cbor.decode(_read(answer, ANSWER_BYTES_MAX)))
            identity = pairing.finish(result, clock=self.clock, software=self.software)
            for used in (folder.ticket, answer, folder.request(ticket.pairing_id)):
                used.unlink(missing_ok=True)
            return identity
        request = folder.request(ticket.pairing_id)
        content = cbor.encode(pack(pairing.request))
        if not request.is_file() or request.read_bytes() != content:
            write_atomically(request, content)
        return self._words(pairing.words)

    def _words(self, words: str) -> str:
        _ = self.words.gettext
        return "\n\n".join(
            (
                _("Write these four words down:"),
                f"    {words}",
                _("Then take the stick back to the workshop, and bring it here again."),
                _("The terminal may be switched off meanwhile."),
            )
        )


def _read(path: Path, bytes_max: int) -> bytes:
    """Read a small file of a stranger's; raises OSError or DocumentMalformed."""
    with path.open("rb") as file:
        content = file.read(bytes_max + 1)
    if len(content) > bytes_max:
        raise DocumentMalformed(f"{path.name} is longer than anything of ours")
    return content
