"""Cards that live in another process than the program that reads them.

A `CardHost` keeps the cards and answers over a pipe; a `RemoteReader` is the program's end of it.
So the program can be killed, as a power cut does, and the cards stay what they are: a card in
the field loses its power, and its memory keeps what it had committed.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum, unique
from multiprocessing.connection import Connection

from cardkit.card.connection import Activation
from cardkit.errors import CardLost, ReaderLost
from cardkit.reader.beep import Beep
from simulator.card import VirtualCard


@unique
class Ask(IntEnum):
    """The first byte of a message to the host."""

    CONNECT = 1
    TRANSCEIVE = 2
    RELEASE = 3


Pick = Callable[[], VirtualCard]


class CardHost:
    """The cards' end of a pipe; `pick` chooses the card that lies in the field next."""

    def __init__(self, pipe: Connection, pick: Pick) -> None:
        self._pipe = pipe
        self._pick = pick
        self._card: VirtualCard | None = None
        self.exchanges = 0

    def serve(self) -> None:
        """Answer the one message that has arrived; raises EOFError when the program is gone."""
        message = self._pipe.recv_bytes()
        match message[0]:
            case Ask.CONNECT:
                self.power_off()
                self._card = self._pick()
                self._pipe.send_bytes(self._card.uid)
            case Ask.TRANSCEIVE:
                answer = None if self._card is None else self._card.transmit(message[1:])
                self.exchanges += 1
                self._pipe.send_bytes(answer or b"")
            case Ask.RELEASE:
                self.power_off()

    def power_off(self) -> None:
        """The field is gone."""
        if self._card is not None:
            self._card.reset()
        self._card = None


class RemoteConnection:
    """One card in another process (a `CardConnection`)."""

    def __init__(self, pipe: Connection, uid: bytes) -> None:
        self._pipe = pipe
        self._uid = uid
        self._is_open = True

    @property
    def uid(self) -> bytes:
        """The card's UID."""
        return self._uid

    @property
    def activation(self) -> Activation:
        """The UID is all that comes over the pipe."""
        return Activation(uid=self._uid)

    def transceive(self, command: bytes) -> bytes:
        """Exchange one APDU; raises CardLost when there was no answer."""
        if not self._is_open:
            raise CardLost("this connection is closed")
        try:
            self._pipe.send_bytes(bytes([Ask.TRANSCEIVE]) + command)
            answer = self._pipe.recv_bytes()
        except (OSError, EOFError) as error:
            self._is_open = False
            raise CardLost("the cards' process is gone") from error
        if not answer:
            self._is_open = False
            raise CardLost("no answer")
        return answer

    def close(self) -> None:
        """Let go of the card, which loses its session."""
        if self._is_open:
            self._is_open = False
            self._pipe.send_bytes(bytes([Ask.RELEASE]))


class RemoteReader:
    """The program's end of the pipe (a `Reader`); there is always a card to read."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    @property
    def name(self) -> str:
        """What a person would call this reader."""
        return "remote field"

    @property
    def beep(self) -> Beep:
        """It is silent."""
        return Beep.NONE

    def wait_for_card(self, timeout_s: float) -> RemoteConnection | None:
        """Connect to the card that the host picks; None when it says nothing in time."""
        try:
            self._pipe.send_bytes(bytes([Ask.CONNECT]))
            if not self._pipe.poll(timeout_s):
                return None
            return RemoteConnection(self._pipe, self._pipe.recv_bytes())
        except (OSError, EOFError) as error:
            raise ReaderLost("the cards' process is gone") from error

    def wait_for_removal(self, timeout_s: float) -> bool:  # noqa: ARG002 - of the protocol
        """Say that the field is empty: a card is taken away as soon as it is let go of."""
        return True

    def close(self) -> None:
        """Let go of the pipe."""
        self._pipe.close()
