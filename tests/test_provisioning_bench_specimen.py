"""Which cards the bench takes: none that anybody may use, and nothing is done to those others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from provisioning.bench.specimen import Refusal, examine
from simulator.card import KeyKind, Model, VirtualCard
from simulator.desfire.memory import Application, Key
from simulator.field import Field
from simulator.issued import issued_card
from tests.bench_world import OTHER_UID, UID, bench_of, factory_card


def with_application() -> VirtualCard:
    """A card with somebody's application, its master key as delivered."""
    card = factory_card()
    card.memory.applications[b"\x01\x02\x03"] = Application(b"\x01\x02\x03", 0x0F, [Key()])
    return card


def with_hidden_purse() -> VirtualCard:
    """A purse of another name under our number."""
    card = factory_card()
    aid = bytes.fromhex("F4C1AF")
    card.memory.applications[aid] = Application(aid, 0x0F, [Key()])
    return card


def with_other_key() -> VirtualCard:
    """An empty card whose master key somebody has set."""
    card = factory_card(picc_key=KeyKind.AES)
    card.memory.root.keys = [Key(b"\x01" * 16)]
    return card


def closed_factory_card() -> VirtualCard:
    """A DES key, and nothing listed without it."""
    card = factory_card()
    card.memory.root.key_settings = 0x09
    return card


def with_other_des_key() -> VirtualCard:
    """An empty card of an old installation, whose DES key somebody has set."""
    card = factory_card()
    card.memory.root.keys = [Key(b"\x02" * 16, kind=KeyKind.DES)]
    return card


@pytest.mark.parametrize(
    ("made", "refusal"),
    [
        (lambda: issued_card(UID), Refusal.PURSE),
        (with_hidden_purse, Refusal.PURSE),
        (with_application, Refusal.OTHER_APPLICATIONS),
        (with_other_key, Refusal.OTHER_KEY),
        (with_other_des_key, Refusal.OTHER_KEY),
        (closed_factory_card, Refusal.OTHER_KEY),
        (lambda: factory_card(model=Model.LIGHT), Refusal.LIGHT),
    ],
)
def test_a_card_that_somebody_may_use_is_refused(
    made: Callable[[], VirtualCard], refusal: Refusal
) -> None:
    """No purse, no foreign application, no foreign key; and not a byte of it is changed."""
    card = made()
    before = card.snapshot()
    bench = bench_of(card)
    assert examine(bench.host, UID) is refusal
    assert card.snapshot() == before


def test_another_card_than_the_named_one_is_refused() -> None:
    """The UID on the command line is the person's word that this card may be emptied."""
    field = Field()
    bench = bench_of(factory_card(), field)
    assert examine(bench.host, OTHER_UID) is Refusal.OTHER_CARD
    assert examine(bench.host, UID[:4]) is Refusal.OTHER_CARD
    assert field.exchanges == 0


class Ntag:
    """A card that stops at ISO/IEC 14443-3 (a `Plastic`)."""

    uid = UID
    atqa = bytes.fromhex("0044")
    sak = 0x00
    ats = None

    def reset(self) -> None:
        """Nothing to forget."""

    def transmit(self, command: bytes) -> bytes | None:
        """Mute to APDUs."""
        del command
        return None


class BankCard(Ntag):
    """A card that knows ISO 7816 and no DESFire command."""

    sak = 0x20

    def transmit(self, command: bytes) -> bytes | None:
        """Class not supported."""
        del command
        return bytes.fromhex("6E00")


class Ev1(BankCard):
    """The generation before, which has no Transaction MAC."""

    def __init__(self) -> None:
        frames = ("0401010100180591AF", "0401010104180591AF", UID.hex() + "010203040523269100")
        self._frames = [bytes.fromhex(frame) for frame in frames]

    def transmit(self, command: bytes) -> bytes | None:
        """The three frames of GetVersion."""
        del command
        return self._frames.pop(0)


class Relay(Ev1):
    """An EV3 somewhere else, behind the UID that was asked for."""

    def __init__(self) -> None:
        frames = (
            "0401013300180591AF",
            "0401010300180591AF",
            OTHER_UID.hex() + "010203040523269100",
        )
        self._frames = [bytes.fromhex(frame) for frame in frames]


@pytest.mark.parametrize(
    ("plastic", "refusal"),
    [
        (Ntag(), Refusal.NO_DESFIRE),
        (BankCard(), Refusal.NO_DESFIRE),
        (Ev1(), Refusal.OTHER_MODEL),
        (Relay(), Refusal.OTHER_CARD),
    ],
)
def test_what_is_no_ev2_or_ev3_is_refused(plastic: Ntag, refusal: Refusal) -> None:
    """By its activation where that tells, and by its version."""
    field = Field()
    bench = bench_of(factory_card(), field)
    field.lift()
    field.place(plastic)
    connection = field.wait_for_card(0)
    assert connection is not None
    bench.host.connection = connection
    assert examine(bench.host, UID) is refusal
