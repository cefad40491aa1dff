"""Sales that documents do not allow, and two people who pay them all the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from auditor.audit import audit
from auditor.export import read_export
from server_stub.models import ActRow, Claim, ClaimDecision
from server_stub.rules.ledger import Book
from server_stub.services import accept, rebuild
from server_stub.services.accept import NotAccepted
from server_stub.services.audit_export import export_audit
from tests.service_books import in_book, payable_cents
from tests.service_world import ServiceWorld, forged

pytestmark = pytest.mark.django_db
ANNE, BRUNO = 1, 2


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse with one merchant."""
    return ServiceWorld.make()


def forgotten_sale(world: ServiceWorld) -> Claim:
    """A green sale on a permit that the service does not know, as after a restore."""
    card, stall = world.card(), world.stall()
    stall.permit_digest = b"\x05" * 32
    stall.sell(card, 5_00)
    stall.sync()
    claim = Claim.objects.get()
    assert (claim.state, claim.reason) == ("held", "documents_unknown")
    return claim


def test_two_people_pay_what_documents_do_not_allow(world: ServiceWorld) -> None:
    """Promise 8: no honest sale is held for ever: a decision with two names releases it."""
    claim = forgotten_sale(world)
    done = accept.accept(world.caisse, claim, proposed_by=ANNE, by=BRUNO)
    assert isinstance(done, ActRow)
    assert payable_cents(world) == 5_00
    assert in_book(world, Book.HELD) == 0
    assert in_book(world, Book.SPENT, 0) == -5_00
    again = accept.accept(world.caisse, claim, proposed_by=ANNE, by=BRUNO)
    assert again is NotAccepted.NOT_HELD
    assert payable_cents(world) == 5_00


def test_one_person_alone_pays_nothing(world: ServiceWorld) -> None:
    """Promise 2: what no card and no document allows is never one person's to pay."""
    claim = forgotten_sale(world)
    done = accept.accept(world.caisse, claim, proposed_by=ANNE, by=ANNE)
    assert done is NotAccepted.SAME_PERSON
    assert payable_cents(world) == 0


def test_a_forged_sale_can_not_be_accepted(world: ServiceWorld) -> None:
    """Promise 2: what the card has not done is no matter of documents: no decision pays it."""
    card, stall = world.card(), world.stall()
    stall.sell(card, 5_00)
    *before, intent, sale = stall.entries
    raised = [forged(stall, it, amount_cents=50_00) for it in (intent, sale)]
    stall.sync([it.signed.encoded for it in (*before, *raised)])
    claim = Claim.objects.get()
    assert (claim.state, claim.reason) == ("held", "not_genuine")
    done = accept.accept(world.caisse, claim, proposed_by=ANNE, by=BRUNO)
    assert done is NotAccepted.NOT_FOR_ITS_DOCUMENTS
    assert payable_cents(world) == 0


def test_a_decision_is_part_of_the_books(world: ServiceWorld, tmp_path: Path) -> None:
    """Promise 6: the books, and an auditor with other code, come to the same with the decision."""
    accept.accept(world.caisse, forgotten_sale(world), proposed_by=ANNE, by=BRUNO)
    assert rebuild.differences(world.caisse) == []
    path = tmp_path / "audit.sqlite3"
    export_audit(world.caisse, path)
    found = [it.words for it in audit(read_export(path)).findings]
    assert found == ["the perpetual total does not add up"]  # these stalls count none


def test_a_decision_is_never_edited(world: ServiceWorld) -> None:
    """Promise: the database keeps who decided what, as it was decided."""
    accept.accept(world.caisse, forgotten_sale(world), proposed_by=ANNE, by=BRUNO)
    with pytest.raises(IntegrityError), transaction.atomic():
        ClaimDecision.objects.update(amount_cents=1)
