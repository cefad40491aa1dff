"""The rungs of the readers' contract: every way in which a till can be connected to a card.

A rung is a world around one reader: cards are laid down and lifted, exchanges torn, the reader
unplugged. What a rung cannot do stands in `CANNOT`, with the reason, and nowhere else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from enum import Enum, unique
from pathlib import Path
from typing import Protocol

import pytest

from cardkit.card.connection import CardConnection
from cardkit.errors import ReaderError
from cardkit.reader import Reader, open_reader
from cardkit.reader.nfc import ChipLink, HostLink, MakeLink, open_serial
from simulator.card import VirtualCard
from simulator.field import Field
from simulator.pcscd import PrivatePcscd
from simulator.plastic import Plastic
from simulator.pn532 import VirtualPn532
from simulator.vpcd import VpcdSlot
from tests.purse_cards import UID
from tests.real_reader import OneCardReader, named_card

SOON_S = 10.0
HAND_S = 60.0
"""How long a person has for laying a card down or lifting it."""


@unique
class Kind(Enum):
    """The rungs, from the shortest way to the longest."""

    FIELD = "VirtualCard in simulator.field"
    CHIP = "nfcpy on a virtual PN532, whose chip does ISO-DEP"
    HOST = "nfcpy on a virtual PN532, nfcpy does ISO-DEP"
    PCSC = "pyscard on a real pcscd"
    REAL = "the reader and the card of the command line"


@unique
class Feature(Enum):
    """What not every rung can be asked for."""

    ANY_CARD = "cards of the test's choice are laid down, sold to and torn out"
    SNATCH = "the card is taken away, or laid down again, without the reader noticing"
    KNOWN_BEEP = "what the reader says of its beep is known before"
    TWO_CARDS = "two cards in the field are told"
    UNPLUG = "the reader is unplugged and comes back"
    SHOWS_ATS = "ATQA, SAK and ATS are told"
    BIT_RATE = "the bit rate is told"


CANNOT = {
    (Kind.REAL, Feature.ANY_CARD): "one card may lie there, and it is given back as it came",
    (Kind.REAL, Feature.SNATCH): "a hand is waited for by asking the reader",
    (Kind.REAL, Feature.KNOWN_BEEP): "it may be any reader",
    (Kind.REAL, Feature.TWO_CARDS): "one card may lie there",
    (Kind.REAL, Feature.UNPLUG): "the reader may be soldered on",
    (Kind.REAL, Feature.SHOWS_ATS): "it may be any DESFire, behind any reader",
    (Kind.REAL, Feature.BIT_RATE): "it may be any DESFire, behind any reader",
    (Kind.FIELD, Feature.TWO_CARDS): "the in-process field holds one card",
    (Kind.HOST, Feature.TWO_CARDS): "nfcpy asks for one card, and gets one",
    (Kind.PCSC, Feature.TWO_CARDS): "a slot of vpcd holds one card, and PC/SC has no word for two",
    (Kind.FIELD, Feature.UNPLUG): "the in-process field has no cable",
    (Kind.PCSC, Feature.UNPLUG): (
        "libpcsclite remembers its daemon: tests/test_cardkit_reader_pcsc.py does it, in processes"
    ),
    (Kind.PCSC, Feature.SHOWS_ATS): "a PC/SC reader makes an ATR of them",
    (Kind.FIELD, Feature.BIT_RATE): "nothing goes over the air",
    (Kind.PCSC, Feature.BIT_RATE): "a PC/SC reader keeps it to itself",
}


class World(Protocol):
    """What all of simulator.field, vpcd and the virtual PN532 can be made to do."""

    @property
    def exchanges(self) -> int:
        """APDUs so far, lost ones included."""

    def tear_before(self, number: int) -> None:
        """Lose the n-th APDU from now, and the card."""

    def tear_after(self, number: int) -> None:
        """Lose the answer to the n-th APDU from now, and the card."""

    def garble(self, number: int) -> None:
        """Flip a bit in the answer to the n-th APDU from now."""


class Rung:
    """One reader, and the world around it."""

    def __init__(
        self,
        kind: Kind,
        reader: Reader,
        world: Callable[[], World],
        *,
        place: Callable[[Plastic], None],
        lift: Callable[[], None],
        replug: Callable[[], contextlib.AbstractContextManager[None]] | None = None,
        uid: bytes = UID,
        patience_s: float = SOON_S,
    ) -> None:
        self.kind = kind
        self.card = VirtualCard(uid)
        """A card as the factory delivers it; on a real reader it stands for the one in hand."""
        self.reader = reader
        self._world = world
        self.place = place
        self._lift = lift
        self._replug = replug
        self._patience_s = patience_s

    @property
    def world(self) -> World:
        """What is around the reader now; after a replugging it is another one."""
        return self._world()

    def demand(self, feature: Feature) -> None:
        """Leave the test, saying why, when this rung has not got the feature."""
        reason = CANNOT.get((self.kind, feature))
        if reason is not None:
            pytest.skip(f"{self.kind.value}; not “{feature.value}”: {reason}")

    def lift(self) -> None:
        """Take every card away, and let the reader notice."""
        self._lift()
        assert self.reader.wait_for_removal(self._patience_s)

    def snatch(self) -> None:
        """Take every card away, and let nobody notice."""
        self._lift()

    def tap(self, card: Plastic) -> CardConnection:
        """Lay a card down and connect to it."""
        self.place(card)
        return self.present()

    def present(self) -> CardConnection:
        """Connect to the card that lies there."""
        connection = self.reader.wait_for_card(self._patience_s)
        assert connection is not None
        return connection

    def unplugged(self) -> contextlib.AbstractContextManager[None]:
        """The reader has no cable while the context lasts; it comes back without any card."""
        assert self._replug is not None
        return self._replug()


@contextlib.contextmanager
def field_rung() -> Iterator[Rung]:
    """The card as a connection, without bytes in between."""
    field = Field()
    with contextlib.closing(field):
        yield Rung(Kind.FIELD, field, lambda: field, place=field.place, lift=field.lift)


class Cable:
    """A path under which a virtual PN532 is plugged in, and after a while another one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.chip = VirtualPn532()

    def plug(self) -> None:
        """Start a chip, as it is after power-up, at the end of the cable."""
        self.chip = VirtualPn532()
        self.chip.__enter__()
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(self.chip.path)

    def unplug(self) -> None:
        """Pull the cable: the device file goes as well."""
        self.path.unlink(missing_ok=True)
        self.chip.unplug()

    def place(self, card: Plastic) -> None:
        """Lay a card on whichever chip is plugged in."""
        self.chip.place(card)

    def lift(self) -> None:
        """Take all cards from it."""
        self.chip.lift()

    @contextlib.contextmanager
    def unplugged(self) -> Iterator[None]:
        """No reader there for a while."""
        self.unplug()
        yield
        self.plug()


@contextlib.contextmanager
def pn532_rung(kind: Kind, make_link: MakeLink, folder: Path) -> Iterator[Rung]:
    """Nfcpy's own driver at the end of a pty."""
    cable = Cable(folder / "ttyUSB0")
    cable.plug()
    try:
        with contextlib.closing(open_serial(str(cable.path), make_link=make_link)) as reader:
            yield Rung(
                kind,
                reader,
                lambda: cable.chip,
                place=cable.place,
                lift=cable.lift,
                replug=cable.unplugged,
            )
    finally:
        cable.unplug()


@contextlib.contextmanager
def pcsc_rung(daemon: PrivatePcscd) -> Iterator[Rung]:
    """The real pcscd, with a card in its virtual slot."""
    with VpcdSlot("127.0.0.1", daemon.port) as slot:
        reader = open_reader(f"pcsc:{daemon.reader_names[0]}")

        def place(card: Plastic) -> None:
            # A card that was torn out is out for the world before it is for the daemon.
            assert reader.wait_for_removal(SOON_S)
            slot.insert(card)

        with contextlib.closing(reader):
            yield Rung(Kind.PCSC, reader, lambda: slot, place=place, lift=slot.remove)
            slot.remove()
            assert reader.wait_for_removal(SOON_S)


@contextlib.contextmanager
def real_rung(config: pytest.Config) -> Iterator[Rung]:
    """The reader and the card of the command line, and a person who is told what to do."""
    uid = named_card(config)
    assert uid is not None
    try:
        opened = open_reader(config.getoption("--reader"))
    except ReaderError as error:
        pytest.exit(str(error), 2)
    reader = OneCardReader(opened, uid)

    def ask(text: str) -> None:
        with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print(f"\n{text}", flush=True)  # noqa: T201 - a person has to read it now

    def place(card: Plastic) -> None:
        assert card.uid == uid
        if reader.wait_for_removal(0):
            ask(f"Lay {uid.hex().upper()} on the reader, and leave it there.")

    def lift() -> None:
        if not reader.wait_for_removal(0):
            ask("Lift the card.")

    def world() -> World:
        raise AssertionError("a test that asks for the world demands ANY_CARD first")

    with contextlib.closing(reader):
        if there := reader.wait_for_card(0):
            there.close()
        yield Rung(Kind.REAL, reader, world, place=place, lift=lift, uid=uid, patience_s=HAND_S)


@contextlib.contextmanager
def rung_of(kind: Kind, request: pytest.FixtureRequest) -> Iterator[Rung]:
    """Any rung; the daemon is started by the first that needs it."""
    match kind:
        case Kind.FIELD:
            chosen = field_rung()
        case Kind.CHIP:
            chosen = pn532_rung(kind, ChipLink, request.getfixturevalue("tmp_path"))
        case Kind.HOST:
            chosen = pn532_rung(kind, HostLink, request.getfixturevalue("tmp_path"))
        case Kind.PCSC:
            chosen = pcsc_rung(request.getfixturevalue("virtual_pcscd"))
        case Kind.REAL:
            chosen = real_rung(request.config)
    with chosen as rung:
        yield rung
