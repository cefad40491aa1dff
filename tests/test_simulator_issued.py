"""A card that the simulator hands out is one that the workshop could have made."""

from __future__ import annotations

from dataclasses import replace

from cardkit.card.issuing import BIRTH_READER, OneCardKeys, personalise
from cardkit.card.session import PurseSession
from simulator.card import VirtualCard
from simulator.field import Field, FieldConnection
from simulator.issued import KEY_VERSION, demo_keys, issued_card

UID = bytes.fromhex("04C1AF00000009")


def laid(card: VirtualCard) -> FieldConnection:
    """The card on a reader."""
    field = Field()
    field.place(card)
    connection = field.wait_for_card(0)
    assert connection is not None
    return connection


def test_an_issued_card_is_a_personalised_one() -> None:
    """Promise: files, rights, keys, key settings and card flags are those of the workshop."""
    keys = demo_keys(UID)
    made, issued = VirtualCard(UID), issued_card(UID)
    one_card = OneCardKeys(
        picc_master=keys.picc,
        app_master=keys.app_master,
        terminal=keys.terminal,
        closed=keys.closed,
        tmac=keys.tmac,
        version=KEY_VERSION,
    )
    personalise(laid(made), one_card, originality=None)
    purse = PurseSession.open_with_key(laid(issued), keys.terminal)
    purse.spent_cents()
    purse.commit_reader_id(BIRTH_READER)
    purse.commit()
    ours, theirs = issued.memory, made.memory
    assert ours.root == theirs.root
    assert ours.configuration == theirs.configuration
    assert ours.applications.keys() == theirs.applications.keys()
    for aid, app in theirs.applications.items():
        assert replace(ours.applications[aid], files={}) == replace(app, files={})
        assert ours.applications[aid].files == app.files
