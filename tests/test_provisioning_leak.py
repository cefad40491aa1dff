"""The drill for a stolen terminal: key 1 is rolled, stalls are paired anew, every card re-keyed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest

from cardkit import cbor
from cardkit.card.keys import TerminalCardKeys
from cardkit.card.session import PurseSession
from cardkit.errors import CardForeign
from cardkit.pairing import PATH, CardMasters, PairResult, Ticket, workshop_purpose
from cardkit.schema import pack, unpack
from cardkit.workshop import VersionsAsk
from provisioning.keystore import new_keys
from provisioning.rolling import roll_key_1
from provisioning.terminals import Conversation, Enrolled
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from tests.workshop_world import (
    ACCOUNT,
    MERCHANT,
    NOW,
    OTHER_ACCOUNT,
    OTHER_UID,
    UID,
    URL,
    BlankTerminal,
    World,
    make_world,
    served,
)

KEYS: Final = new_keys("flers", now=NOW, step_max_cents=300_00)


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """A fresh caisse, served in this process."""
    with served(make_world(KEYS, ManualClock(NOW))) as made:
        yield made


def paired(world: World) -> TerminalCardKeys:
    """What a terminal opens cards with, once it was let in."""
    terminal, tickets = BlankTerminal.new(), list[Ticket]()

    def ask(_seconds: float = 0) -> bytes:
        body = cbor.encode(pack(terminal.request(tickets[0])))
        return world.line.post(URL + PATH, body, {"Content-Type": "application/cbor"}).body

    def wait(seconds: float) -> None:
        ask(seconds)

    conversation = Conversation(
        show_ticket=tickets.append,
        ask_words=lambda _: terminal.request(tickets[0]).words,
        wait=wait,
    )
    outcome = world.terminals.enrol(world.client, conversation, merchants=(MERCHANT,))
    assert isinstance(outcome, Enrolled)
    result = unpack(PairResult, cbor.decode(ask()))
    opened = terminal.sealing.open(
        result.sealed_card_masters, purpose=workshop_purpose(tickets[0].secret)
    )
    held = unpack(CardMasters, cbor.decode(opened))
    return TerminalCardKeys(held.system_id, {it.version: it.key for it in held.masters})


def opens(world: World, card: VirtualCard, keys: TerminalCardKeys) -> int | None:
    """Which version of key 1 a terminal opens a card with; None where it is refused."""
    world.field.place(card)
    try:
        return PurseSession.open(world.laid(), keys).key_version
    except CardForeign:
        return None
    finally:
        world.field.lift()


def issued(world: World, uid: bytes, account: bytes) -> VirtualCard:
    """A member's card."""
    card = world.maker.blank_card(uid)
    world.field.place(card)
    world.cards.issue(world.laid(), world.client, account=account)
    world.field.lift()
    return card


def test_whoever_holds_the_old_key_1_opens_no_card_any_more(world: World) -> None:
    """Promise: after the drill the stolen terminal opens nothing, and all others sell on meanwhile.

    In the guide's order: roll, pair, re-key. In between the stalls open both kinds of card.
    """
    cards = issued(world, UID, ACCOUNT), issued(world, OTHER_UID, OTHER_ACCOUNT)
    stolen = paired(world)
    rolled = replace(world, keys=replace(KEYS, workshop=roll_key_1(KEYS.workshop)))
    stall = paired(rolled)
    ask = VersionsAsk(terminal_key_version=2)
    for done, card in enumerate(cards):
        left = rolled.client.count_versions(ask)
        assert (left.done, left.to_go) == (done, len(cards) - done)
        assert (opens(world, card, stolen), opens(world, card, stall)) == (1, 1)
        world.field.place(card)
        rolled.cards.rekey(rolled.laid(), rolled.client)
        world.field.lift()
        assert (opens(world, card, stolen), opens(world, card, stall)) == (None, 2)
    assert rolled.client.count_versions(ask).to_go == 0
