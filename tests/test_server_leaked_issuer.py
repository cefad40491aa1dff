"""The issuer's key has leaked: what it signs elsewhere is believed at a stall, and not paid."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cardkit.allowance import Step, sign_allowance
from server_stub.models import Claim
from server_stub.rules.ledger import Book
from server_stub.services import accept
from server_stub.services.accept import NotAccepted
from tests.service_books import allowance_at, in_book, open_findings, payable_cents
from tests.service_world import ServiceWorld

pytestmark = pytest.mark.django_db
ANNE = 1


def test_what_a_thief_of_the_issuers_key_signs_is_paid_by_no_machine() -> None:
    """Promise 2: an allowance that the books never gave buys at a stall, and is held for people.

    No stall can tell it from another: the key is the caisse's. The service gave each allowance
    that it has, and this one it does not have.
    """
    world = ServiceWorld.make()
    card, stall = world.card(), world.stall()
    given = allowance_at(stall, card.uid)
    more = replace(given, version=given.version + 9, steps=(Step(given.steps[0].from_at, 250_00),))
    stolen = sign_allowance(world.caisse.ring.issuer, more).encoded
    stall.rows[card.uid] = replace(stall.rows[card.uid], allowance=stolen)
    assert allowance_at(stall, card.uid).steps == more.steps, "a stall believes it"
    stall.sell(card, 180_00)
    stall.sync()
    assert payable_cents(world) == 0
    assert in_book(world, Book.HELD) == 180_00
    assert open_findings() == {"held"}
    claim = Claim.objects.get()
    assert (claim.state, claim.reason) == ("held", "documents_unknown")
    alone = accept.accept(world.caisse, claim, proposed_by=ANNE, by=ANNE)
    assert alone is NotAccepted.SAME_PERSON
