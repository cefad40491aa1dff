"""What does not match, disputes and paper slips in the console: what is said, who may, what moves.

Each deed goes through the browser of a person; what takes two goes through two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from server_stub.models import (
    ActText,
    ConsoleRole,
    Dispute,
    Finding,
    FindingHandling,
    Proposal,
    Terminal,
)
from server_stub.rules.findings import FindingKind
from server_stub.rules.ledger import Book
from server_stub.rules.scheme import RuleName
from server_stub.services import recover, rules_in_force
from tests.agreed_books import conserved
from tests.console_visitors import served, visitor
from tests.service_books import in_book, payable_cents
from tests.service_world import MERCHANT, ServiceWorld
from tests.test_server_resolve import held_sale, the

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def world() -> Iterator[ServiceWorld]:
    """A caisse that is served, where one person decides up to 20 €."""
    world = ServiceWorld.make()
    rules_in_force.set_rule(
        world.caisse, RuleName.SINGLE_SIGNATURE_MAX_CENTS, 20_00, from_day=date(2026, 1, 1)
    )
    with served(world):
        yield world


@pytest.fixture
def held(world: ServiceWorld) -> int:
    """The number of a held sale's point: asked for before people, who enter on its day."""
    held_sale(world)
    return the(FindingKind.HELD).pk


@pytest.fixture
def anne(world: ServiceWorld) -> Client:
    """The coordinator's browser."""
    return visitor(world, ConsoleRole.COORDINATOR)


@pytest.fixture
def benoit(world: ServiceWorld) -> Client:
    """The treasurer's browser."""
    return visitor(world, ConsoleRole.TREASURER)


def page(client: Client, address: str, *, status: int = 200) -> str:
    """What a page says, its entities read."""
    answer = client.get(address)
    assert answer.status_code == status, (address, answer.status_code)
    return answer.content.decode().replace("&#x27;", "'")


def post(client: Client, address: str, **fields: object) -> str:
    """Send a form, and return what the page says that it leads to."""
    answer = client.post(address, {name: str(it) for name, it in fields.items()}, follow=True)
    assert answer.status_code in {200, 422}, (address, answer.status_code)
    return answer.content.decode()


def test_empty_list_says_how_points_come(world: ServiceWorld, anne: Client) -> None:
    """An empty list is an answer."""
    assert "Tout ce qui est arrivé se recoupe" in page(anne, "/findings/")


def test_list_says_what_is_at_stake_and_what_happens_by_itself(
    world: ServiceWorld, held: int, anne: Client
) -> None:
    """Promise 8: held money is on the list with its age, its sum, whose it is, and what follows."""
    shown = page(anne, "/findings/")
    for words in ("1 point, 12,50", "le producteur", "Reste retenu tant que personne ne décide."):
        assert words in shown, words
    assert f"/findings/{held}/" in page(anne, "/findings/?kind=held&terminal=3")
    assert "Aucun point ouvert ne correspond" in page(anne, "/findings/?terminal=99")
    uid = next(iter(world.cards)).hex().upper()
    assert f"/findings/{held}/" in page(anne, f"/findings/?card={uid}")
    assert "Aucun point ouvert ne correspond" in page(anne, "/findings/?card=FFFF")


def test_held_sale_is_paid_by_two_and_taken_back_by_two(
    world: ServiceWorld, held: int, anne: Client, benoit: Client
) -> None:
    """Promise 2: nobody pays alone what documents did not allow, and the way back is as long."""
    do = f"/findings/{held}/do/pay/"
    before = page(anne, do)
    assert "Il faut deux personnes" in before
    assert payable_cents(world) == 0, "looking moves nothing"
    assert "attend une deuxième personne" in post(anne, do)
    assert "attend une deuxième personne" in post(anne, do), "the same person counts once"
    assert payable_cents(world) == 0
    assert "Vous ne pouvez pas le confirmer vous-même" in page(anne, f"/findings/{held}/")
    assert "proposé par quelqu’un d’autre" in page(benoit, f"/findings/{held}/")
    assert "Attend une deuxième personne" in page(benoit, "/findings/")
    done = post(benoit, do)
    assert payable_cents(world) == 12_50
    assert "Ce point est clos" in done
    assert "Vente retenue, payée par décision" in done
    (act,) = set(re.findall(r"/log/(\d+)/", done))
    assert "visitor1" in page(anne, f"/log/{act}/"), "the author, by console name"
    undo = f"/log/{act}/undo/"
    assert "son annulation aussi" in page(anne, undo)
    post(anne, undo)
    assert payable_cents(world) == 12_50
    post(benoit, undo)
    assert (payable_cents(world), in_book(world, Book.HELD)) == (0, 12_50)
    assert "Cet acte ne compte plus" in page(anne, f"/log/{act}/")
    conserved(world)


def test_held_sale_is_given_back_by_one_below_the_limit(
    world: ServiceWorld, held: int, anne: Client
) -> None:
    """Promise 8: below the voted limit one person gives a member's money back."""
    done = post(anne, f"/findings/{held}/do/return/")
    assert "C’est fait et signé" in done
    assert in_book(world, Book.RETURNED, 0) == 12_50
    conserved(world)


def test_accepting_and_noting_leave_their_author_and_move_nothing(
    world: ServiceWorld, held: int, anne: Client, benoit: Client
) -> None:
    """Promise 8: a point that was seen leaves the list, and can be taken back onto it."""
    noted = post(anne, f"/findings/{held}/note/", text=HOSTILE)
    assert "&lt;script&gt;" in noted
    assert HOSTILE not in noted
    post(anne, f"/findings/{held}/do/accept/")
    assert "Tout ce qui est arrivé se recoupe" in page(anne, "/findings/")
    shown = page(anne, f"/findings/{held}/")
    assert "accepté tel quel" in shown
    assert in_book(world, Book.HELD) == 12_50
    act = FindingHandling.objects.order_by("-act")[0].act_id
    assert "C’est fait et signé" in post(benoit, f"/log/{act}/undo/")
    assert "1 point, 12,50" in page(anne, "/findings/")
    assert ActText.objects.count() == 1


def test_recovered_sale_is_confirmed_on_its_page(
    world: ServiceWorld, anne: Client, benoit: Client
) -> None:
    """Promise 1: a burnt terminal's merchant is paid by people at a page, two above the limit."""
    card, burnt, other = world.card(), world.stall(), world.stall(4)
    for stall in (burnt, other):
        stall.sync()
    for amount_cents in (5_00, 20_01):
        burnt.sell(card, amount_cents)
        other.sell(card, 1_00)
    other.sync()
    recover.declare_lost(world.caisse, Terminal.objects.get(pk=burnt.terminal))
    assert payable_cents(world) == 2_00
    found = Finding.objects.filter(kind=FindingKind.RECOVERED, closed_at=None).order_by("id")
    small, large = found.values_list("pk", flat=True)
    assert f"/findings/{small}/" in page(anne, "/findings/?kind=recovered&terminal=3")
    assert "C’est fait et signé" in post(anne, f"/findings/{small}/do/pay/")
    assert payable_cents(world) == 7_00
    assert "attend une deuxième personne" in post(anne, f"/findings/{large}/do/pay/")
    assert payable_cents(world) == 7_00
    post(benoit, f"/findings/{large}/do/pay/")
    assert payable_cents(world) == 27_01
    conserved(world)


def test_card_is_blocked_from_its_point(world: ServiceWorld, held: int, anne: Client) -> None:
    """Promise 3: what blocking does is said first, and one verb does it."""
    assert "chaque terminal le sait" in page(anne, f"/findings/{held}/do/block/")
    assert "C’est fait et signé" in post(anne, f"/findings/{held}/do/block/")
    assert the(FindingKind.HELD).card is not None
    assert the(FindingKind.HELD).card.status == "blocked"  # type: ignore[union-attr]


def test_what_is_not_for_this_point_is_refused_in_words(
    world: ServiceWorld, held: int, anne: Client
) -> None:
    """Promise: an address that somebody made up does nothing, and says so."""
    assert "pas possible pour ce genre" in post(anne, f"/findings/{held}/do/hold/")
    assert anne.get(f"/findings/{held}/do/steal/").status_code == 404
    assert anne.get("/findings/99999/").status_code == 404
    assert Proposal.objects.count() == 0


def test_auditor_reads_and_does_nothing(world: ServiceWorld, held: int) -> None:
    """Promise 4: who checks the books moves nothing in them."""
    auditor = visitor(world, ConsoleRole.AUDITOR)
    shown = page(auditor, f"/findings/{held}/")
    assert "/do/" not in shown
    for address in ("do/pay/", "do/accept/", "note/"):
        answer = auditor.post(f"/findings/{held}/{address}", {"text": "x"})
        assert answer.status_code == 403, address
    assert not FindingHandling.objects.exists()
    committee = visitor(world, ConsoleRole.COMMITTEE)
    assert committee.get("/findings/").status_code == 403


def test_long_list_costs_no_more_questions(
    world: ServiceWorld, anne: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """A page of a thousand points asks as little as a page of one, and they follow one another."""
    for number in range(120):
        Finding.objects.create(
            kind=FindingKind.VOID_CONTRADICTED if number % 2 else FindingKind.REFUND_WAITS,
            key=f"{number:02x}" * 32,
            facts={"amount_cents": 100 + number},
            opened_at=world.now,
        )
    with django_assert_max_num_queries(30):
        first = page(anne, "/findings/")
    numbers = re.findall(r'href="/findings/(\d+)/"', first)
    assert len(numbers) == 50
    after = first.partition("after=")[2].partition('"')[0]
    second = page(anne, f"/findings/?after={after}")
    assert not set(numbers) & set(re.findall(r'href="/findings/(\d+)/"', second))
    with django_assert_max_num_queries(30):
        page(anne, f"/findings/{numbers[0]}/")


def sold(world: ServiceWorld, amount_cents: int = 12_50) -> str:
    """Sell to a card and tell; returns the card's number."""
    card, stall = world.card(), world.stall()
    stall.sync()
    stall.sell(card, amount_cents)
    stall.sync()
    return card.uid.hex().upper()


def opened(anne: Client, uid: str, amount: str = "") -> str:
    """Open a dispute of the card's last sale; returns its number."""
    sales = page(anne, f"/disputes/new/?card={uid}")
    (tmc,) = re.findall(r'name="tmc" value="(\d+)"', sales)
    shown = post(anne, "/disputes/new/", card=uid, tmc=tmc, amount=amount)
    assert "Le litige est ouvert" in shown, shown
    return bytes(Dispute.objects.latest("act").number).hex()


def test_dispute_is_opened_answered_and_returned(world: ServiceWorld, anne: Client) -> None:
    """Promise 8: a disputed amount waits with its day, and a decision says what it will do."""
    number = opened(anne, sold(world), "2,50")
    assert (payable_cents(world), in_book(world, Book.HELD)) == (10_00, 2_50)
    listed = page(anne, "/disputes/")
    assert "producteur interrogé" in listed
    assert f"/disputes/{number}/" in listed
    shown = post(anne, f"/disputes/{number}/answer/", said="contests", text=HOSTILE)
    assert "producteur en désaccord" in shown
    assert HOSTILE not in shown
    decide = f"/disputes/{number}/decide/return/"
    assert "Ce qui va se passer" in page(anne, decide)
    assert in_book(world, Book.HELD) == 2_50
    done = post(anne, decide, because="shown")
    assert "C’est fait et signé" in done
    assert (in_book(world, Book.HELD), in_book(world, Book.RETURNED, 0)) == (0, 2_50)
    assert "Cette contestation est close" in post(anne, decide, because="shown")
    assert "Terminés" in page(anne, "/disputes/")
    conserved(world)


def test_large_dispute_takes_two_who_decide_the_same(
    world: ServiceWorld, anne: Client, benoit: Client
) -> None:
    """Promise 4: above the voted limit, two people give the same reason for the same decision."""
    number = opened(anne, sold(world, 30_00))
    decide = f"/disputes/{number}/decide/reject/"
    post(anne, decide, because="withdrawn")
    assert in_book(world, Book.HELD) == 30_00
    assert "laisser la vente telle quelle" in page(benoit, f"/disputes/{number}/")
    post(benoit, decide, because="shown")
    assert in_book(world, Book.HELD) == 30_00, "another reason is another decision"
    post(anne, decide, because="shown")
    assert (payable_cents(world), in_book(world, Book.HELD)) == (30_00, 0)


def test_disputing_says_what_it_does_not_find(world: ServiceWorld, anne: Client) -> None:
    """Promise: a wrong number or a sale that is not owed is a sentence, and nothing changes."""
    uid = sold(world)
    assert "Aucune carte d’ici" in page(anne, "/disputes/new/?card=0400")
    assert "n’a pas cette vente" in post(anne, "/disputes/new/", card=uid, tmc=99)
    number = opened(anne, uid)
    tmc = Dispute.objects.get().tmc
    assert "C’est déjà fait" in post(anne, "/disputes/new/", card=uid, tmc=tmc)
    assert anne.get("/disputes/zz/").status_code == 404
    auditor = visitor(world, ConsoleRole.AUDITOR)
    assert "Décider" not in page(auditor, f"/disputes/{number}/")
    denied = auditor.post(f"/disputes/{number}/decide/return/", {"because": "shown"})
    assert denied.status_code == 403


def slip(client: Client, **changed: object) -> str:
    """Enter a slip of today."""
    told = {
        "carnet": 4,
        "slip": 151,
        "day": "2026-10-01",
        "card_number": "04 00",
        "amount": "12,00",
        "is_initialled": "on",
    }
    return post(client, "/slips/new/", **{**told, **changed})


def test_slip_is_owed_once_two_people_have_read_it(
    world: ServiceWorld, anne: Client, benoit: Client
) -> None:
    """Promise 2: the second person reads the paper, not the first one's figure."""
    assert "Aucun carnet" in page(anne, "/slips/")
    handed = {"carnet": 4, "merchant": MERCHANT, "first_slip": 151, "last_slip": 200}
    assert "est remis" in post(anne, "/slips/carnets/new/", **handed)
    assert "déjà été remis" in post(anne, "/slips/carnets/new/", **handed)
    assert "Une deuxième personne doit le lire" in slip(anne)
    double = slip(anne, amount="3,00")
    assert "déjà été saisi" in double
    assert "Ce numéro est déjà là" in double
    assert payable_cents(world) == 0
    confirm = "/slips/4/151/confirm/"
    assert "une autre personne qui doit le lire" in post(
        anne, confirm, amount="12,00", all_the_same="on"
    )
    second = page(benoit, "/slips/4/151/")
    assert "n’est pas de cette caisse" in second
    assert "12,00" not in second, "who reads again is not told what was read"
    assert "pas lu le même montant" in post(benoit, confirm, amount="13,00", all_the_same="on")
    assert "Quelque chose s’oppose" in post(benoit, confirm, amount="12,00")
    assert payable_cents(world) == 0
    done = post(benoit, confirm, amount="12,00", all_the_same="on")
    assert "Le bon est dû au producteur" in done
    assert payable_cents(world) == 12_00
    assert "déjà dû" in post(anne, "/slips/4/151/drop/")
    assert "12,00" in page(anne, "/slips/")


def test_slip_that_was_read_wrongly_is_forgotten(world: ServiceWorld, anne: Client) -> None:
    """Promise: a slip typed wrongly is taken back before anything is owed, and typed again."""
    post(anne, "/slips/carnets/new/", carnet=4, merchant=MERCHANT, first_slip=151, last_slip=200)
    slip(anne)
    assert "La saisie est oubliée" in post(anne, "/slips/4/151/drop/")
    assert "Une deuxième personne doit le lire" in slip(anne, amount="13,00")
    assert anne.get("/slips/4/152/").status_code == 404
    assert "n’a pas de bon de ce numéro" in slip(anne, slip=999)
