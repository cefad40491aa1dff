"""A merchant's own pages: every sale of theirs with its reason, and not a trace of anybody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from server_stub.models import BankDetails, ConsoleRole, Merchant
from server_stub.rules.settle import Refusal
from server_stub.services import bank_details, roles, settlement
from tests.console_visitors import served, visitor
from tests.service_world import MERCHANT, ServiceWorld, forged

pytestmark = pytest.mark.django_db

OTHER = 8
PAGES = ("/mine/{}/", "/mine/{}/?format=csv", "/mine/{}/payouts/", "/mine/{}/payouts/R1-0001.pdf")


@pytest.fixture
def world() -> Iterator[ServiceWorld]:
    """Two merchants with a stall and a sale each; one of the first's sales is held."""
    world = ServiceWorld.make()
    world.merchant(OTHER)
    card = world.card()
    stall, other = world.stall(), world.stall(4, merchants=(OTHER,))
    stall.sell(card, 12_50)
    stall.sell(card, 7_00)
    *before, intent, sale = stall.entries
    raised = forged(stall, intent, amount_cents=99_00)
    stall.sync([entry.signed.encoded for entry in (*before, raised, sale)])
    other.sync()
    other.sell(card, 3_33)
    other.sync()
    with served(world):
        yield world


def test_merchant_sees_what_is_owed_and_why_the_rest_is_held(world: ServiceWorld) -> None:
    """Promise 8: a held sale is on the merchant's page with its amount and its reason."""
    client = visitor(world, ConsoleRole.MERCHANT, merchant=MERCHANT)
    assert client.get("/").headers["Location"] == "/mine/"
    assert client.get("/mine/").headers["Location"] == f"/mine/{MERCHANT}/"
    shown = client.get(f"/mine/{MERCHANT}/").content.decode()
    for words in ("12,50\u00a0€", "99,00\u00a0€", "retenue", "Retenu ou en attente"):
        assert words in shown, words


def test_merchant_reads_that_the_account_was_changed(world: ServiceWorld) -> None:
    """Promise 4: nobody in the office has to tell a merchant that money goes elsewhere."""
    caisse, merchant = world.caisse, Merchant.objects.get(pk=MERCHANT)
    client = visitor(world, ConsoleRole.MERCHANT, merchant=MERCHANT)
    ibans = ("FR7630006000011234567890189", "FR1420041010050500013M02606")
    for iban, told in zip(ibans, (False, True), strict=True):
        account = bank_details.enter(caisse, merchant, iban=iban, holder="GAEC du Gué", by=1)
        assert isinstance(account, BankDetails)
        page = client.get(f"/mine/{MERCHANT}/").content.decode()
        assert ("son IBAN finit par 2606" in page) == told
        assert ("une deuxième personne doit le confirmer" in page) == told
        bank_details.confirm(caisse, account, by=2)
    page = client.get(f"/mine/{MERCHANT}/").content.decode()
    assert "Vos versements y vont à partir du" in page
    assert "Appelez tout de suite la caisse" in page
    neighbour = visitor(world, ConsoleRole.MERCHANT, merchant=OTHER)
    assert "2606" not in neighbour.get(f"/mine/{OTHER}/").content.decode()
    world.clock.pass_time(timedelta(days=64))
    still = visitor(world, ConsoleRole.MERCHANT, merchant=MERCHANT)
    assert "2606" in still.get(f"/mine/{MERCHANT}/").content.decode(), "paid there since 61 days"
    world.clock.pass_time(timedelta(days=2))
    late = visitor(world, ConsoleRole.MERCHANT, merchant=MERCHANT)
    assert "2606" not in late.get(f"/mine/{MERCHANT}/").content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_no_merchant_finds_another_ones_pages(world: ServiceWorld, page: str) -> None:
    """Promise 7: another merchant's sales, payouts and papers are not there for anybody else."""
    client = visitor(world, ConsoleRole.MERCHANT, merchant=MERCHANT)
    answers = {number: client.get(page.format(number)) for number in (OTHER, 999)}
    assert {number: answer.status_code for number, answer in answers.items()} == {
        OTHER: 404,
        999: 404,
    }


@pytest.mark.parametrize("page", PAGES[:3])
def test_no_page_or_file_has_a_card_or_another_stall(world: ServiceWorld, page: str) -> None:
    """Promise 7: neither a card's number, nor its counter, nor what was sold elsewhere."""
    client = visitor(world, ConsoleRole.MERCHANT, merchant=MERCHANT)
    shown = client.get(page.format(MERCHANT)).content.decode()
    uid = next(iter(world.cards)).hex()
    for trace in (uid, uid.upper(), "3,33", "Ferme 8", "tmc", "compteur"):
        assert trace not in shown, trace


def test_payouts_are_told_with_how_far_they_have_come(world: ServiceWorld) -> None:
    """Nobody has to call to ask when they are paid."""
    client = visitor(world, ConsoleRole.MERCHANT, merchant=MERCHANT)
    assert "Aucun versement encore" in client.get(f"/mine/{MERCHANT}/payouts/").content.decode()
    draft = settlement.draw_up(world.caisse, by=1)
    assert not isinstance(draft, Refusal)
    settlement.approve(world.caisse, draft.name, by=2)
    shown = client.get(f"/mine/{MERCHANT}/payouts/").content.decode()
    assert draft.name in shown
    assert "approuvé, pas encore envoyé" in shown


def test_pages_of_sales_follow_one_another(world: ServiceWorld) -> None:
    """A long list is read in pieces, each sale once."""
    card = world.card()
    stall = world.stall(5)
    for _ in range(60):
        stall.sell(card, 1_00)
    stall.sync()
    client = visitor(world, ConsoleRole.MERCHANT, merchant=MERCHANT)
    first = client.get(f"/mine/{MERCHANT}/").content.decode()
    address = first.partition('href="?after=')[2].partition('"')[0]
    second = client.get(f"/mine/{MERCHANT}/?after={address}").content.decode()
    assert first.count("1,00\u00a0€") == 50
    assert second.count("1,00\u00a0€") == 10
    assert "after=" not in second


def test_right_ends_with_the_role(world: ServiceWorld) -> None:
    """Promise 7: whose role was ended sees nothing from then on."""
    client = visitor(world, ConsoleRole.MERCHANT, merchant=MERCHANT)
    assert client.get(f"/mine/{MERCHANT}/").status_code == 200
    for one in roles.in_force(world.caisse, world.now.date()):
        assert roles.end(world.caisse, one.pk, by=0) is None
    assert client.get(f"/mine/{MERCHANT}/").status_code == 403
