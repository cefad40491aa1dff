"""The console's pages on cards: a lost one, its line of proofs, and who sees whose it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from server_stub.models import Card, CardStatus, ConsoleRole, Person
from server_stub.services import applications, card_line, waves
from server_stub.services.blocks import left_cents
from server_stub.services.card_seen import card_seen
from simulator.card import VirtualCard
from tests.console_visitors import served, visitor
from tests.service_world import ServiceWorld

pytestmark = pytest.mark.django_db
NAME = "Marthe <b>Lecœur</b>"
ACCOUNT = (77).to_bytes(16)
SALES = 2 * card_line.PAGE_ROWS + 20
"""More than two pages of a line hold."""


@pytest.fixture
def world() -> Iterator[ServiceWorld]:
    """A caisse that is served over HTTP."""
    with served(ServiceWorld.make()) as made:
        yield made


@pytest.fixture
def office(world: ServiceWorld) -> Client:
    """The coordinator's browser."""
    return visitor(world, ConsoleRole.COORDINATOR)


def of_somebody(world: ServiceWorld, account: bytes = ACCOUNT) -> VirtualCard:
    """A card whose account is a person's."""
    card = world.card(account=account)
    today = world.now.date()
    Person.objects.create(
        account=world.row(card).account, name=NAME, applied_on=today, last_contact_on=today
    )
    return card


def number_of(card: VirtualCard) -> str:
    """A card's number as it stands in an address."""
    return card.uid.hex().upper()


def shown(client: Client, name: str, query: str = "", **arguments: object) -> str:
    """What a page says."""
    answer = client.get(reverse(name, kwargs=arguments or None) + query)
    assert answer.status_code == 200, answer.status_code
    return str(answer.content.decode())


def test_a_card_is_found_by_its_number_its_account_and_its_holder(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: whoever half remembers a card finds it, and a wrong fragment says what helps."""
    card, other = of_somebody(world), world.card()
    for words in ("lecoeur", number_of(card)[-5:], ACCOUNT.hex()[-4:]):
        found = shown(office, "cards", f"?q={words}")
        assert number_of(card) in found, words
        assert f"/cards/{number_of(other)}/" not in found, words
    assert "Marthe &lt;b&gt;Lecœur&lt;/b&gt;" in shown(office, "cards")
    assert "Trois caractères" in shown(office, "cards", "?q=zzz")
    assert number_of(card) not in shown(office, "cards", "?show=blocked")


def test_whoever_reads_the_books_sees_cards_by_number_and_no_holder(world: ServiceWorld) -> None:
    """Promise: an auditor finds no name on any page of cards, nor by looking for it."""
    card = of_somebody(world)
    auditor = visitor(world, ConsoleRole.AUDITOR)
    pages = (
        shown(auditor, "cards"),
        shown(auditor, "cards_to_issue"),
        shown(auditor, "card", card=number_of(card)),
    )
    assert all("Lec" not in page for page in pages)
    assert number_of(card) in pages[0]
    assert number_of(card) not in shown(auditor, "cards", "?q=lecoeur")
    for name in ("card_block", "card_free", "card_replace"):
        assert auditor.get(reverse(name, args=[number_of(card)])).status_code == 403


def test_the_history_is_the_cards_line_of_proofs(world: ServiceWorld, office: Client) -> None:
    """Promise: each sale stands at its counter with its merchant, newest first."""
    card, stall = world.card(), world.stall()
    for cents in (12_50, 3_00):
        stall.sell(card, cents)
    stall.sync()
    page = shown(office, "card", card=number_of(card))
    first, second = page.index("3,00\u00a0€</td>"), page.index("12,50\u00a0€</td>")
    assert first < second
    assert "Ferme 7" in page
    assert "trou" not in re.sub(r"sans trou", "", page)


def test_a_gap_in_the_line_is_shown_with_what_was_spent_in_it(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: what no terminal tells of is shown as a gap, until it does."""
    card, silent, stall = world.card(), world.stall(4), world.stall()
    silent.sell(card, 4_44)
    stall.sell(card, 5_55)
    stall.sell(card, 1_11)
    stall.sync()
    page = shown(office, "card", card=number_of(card))
    assert "aucun terminal ne l’a encore racontée" in page
    assert "4,44\u00a0€" in page
    silent.sync()
    told = shown(office, "card", card=number_of(card))
    assert "aucun terminal ne l’a encore racontée" not in told
    assert "4,44\u00a0€" in told


def test_pages_of_the_line_follow_one_another_and_keep_every_gap(
    world: ServiceWorld,
) -> None:
    """Promise: each counter stands on one page and no gap is lost where a page ends."""
    card, silent, stall = world.card(), world.stall(4), world.stall()
    for cents in range(101, 101 + SALES):
        (silent if cents % 3 == 0 else stall).sell(card, cents)
    stall.sell(card, 99)
    stall.sync()
    row, after, seen = world.row(card), None, list[tuple[int, int]]()
    while True:
        page = card_line.card_line(world.caisse, row, after=after)
        seen += [(it.first_tmc, it.tmc) for it in page.links]
        if page.after is None:
            break
        assert after is None or page.after < after
        after = page.after
    told = sorted(seen)
    assert told == sorted(set(told))
    assert [first for first, _ in told[1:]] == [last + 1 for _, last in told[:-1]]
    assert told[0][0] == row.birth_tmc + 1
    assert told[-1][1] == row.proven_tmc


def test_blocking_says_first_what_can_still_be_lost(world: ServiceWorld, office: Client) -> None:
    """Promise: the bound is shown before the verb, and the block is on record after it."""
    card, stall = of_somebody(world), world.stall()
    stall.sell(card, 10_00)
    stall.sync()
    row = world.row(card)
    page = shown(office, "card_block", card=number_of(card))
    before = card_seen(world.caisse, card.uid, sees_people=True)
    assert before is not None
    assert 0 < before.bound_cents <= left_cents(world.caisse, row)
    assert "Au plus" in page
    assert world.row(card).status == CardStatus.ACTIVE
    answer = office.post(reverse("card_block", args=[number_of(card)]), {"life": "1"}, follow=True)
    assert "La carte est bloquée" in answer.content.decode()
    assert world.row(card).status == CardStatus.BLOCKED
    assert "Le blocage n’est pas encore connu partout" in answer.content.decode()
    again = office.post(reverse("card_block", args=[number_of(card)]), {"life": "1"}, follow=True)
    assert "n’achète déjà plus rien" in again.content.decode()
    stall.sync()
    stall.sync()
    assert "pas encore connu" not in shown(office, "card", card=number_of(card))


def test_a_card_that_was_found_buys_again(world: ServiceWorld, office: Client) -> None:
    """Promise: a block is taken back while what the card had is its own."""
    card = of_somebody(world)
    address = reverse("card_free", args=[number_of(card)])
    refused = office.post(address, {"life": "1"}, follow=True)
    assert "n’est pas bloquée" in refused.content.decode()
    office.post(reverse("card_block", args=[number_of(card)]), {"life": "1"})
    assert "Débloquer la carte" in shown(office, "card_free", card=number_of(card))
    office.post(address, {"life": "1"})
    assert world.row(card).status == CardStatus.ACTIVE


def test_a_replacement_gets_what_is_left_once_nobody_can_sell_to_the_old_one(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: no cent is spendable twice: the rest waits for the last stall, and is kept."""
    old, stall = of_somebody(world), world.stall()
    stall.sell(old, 10_00)
    stall.sync()
    address = reverse("card_replace", args=[number_of(old)])
    left = left_cents(world.caisse, world.row(old))
    page = office.post(address, {"life": "1", "step": "block"}, follow=True).content.decode()
    assert "liste de l’atelier" in page
    assert "card issue --account" in page
    early = office.post(address, {"life": "1", "step": "rest"}, follow=True).content.decode()
    assert "pas encore d’autre carte active" in early
    new = world.card(account=ACCOUNT)
    soon = office.post(address, {"life": "1", "step": "rest"}, follow=True).content.decode()
    assert "pas encore communiqué depuis le blocage" in soon
    assert left_cents(world.caisse, world.row(old)) == left
    stall.sync()
    stall.sync()
    before = left_cents(world.caisse, world.row(new))
    done = office.post(address, {"life": "1", "step": "rest"}, follow=True).content.decode()
    assert "sont passés sur la nouvelle carte" in done
    assert left_cents(world.caisse, world.row(new)) == before + left
    assert left_cents(world.caisse, world.row(old)) == 0
    again = office.post(address, {"life": "1", "step": "rest"}, follow=True).content.decode()
    assert "Il ne reste rien" in again
    free = reverse("card_free", args=[number_of(old)])
    stays = office.post(free, {"life": "1"}, follow=True).content.decode()
    assert "reste bloquée" in stays
    assert world.row(old).status == CardStatus.BLOCKED


def test_whoever_is_admitted_and_has_no_card_is_on_the_workshops_list(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: the list has the admitted, its file their accounts and no name."""
    assert "Tout le monde a sa carte" in shown(office, "cards_to_issue")
    person = applications.apply(world.caisse, NAME, monthly_cents=50_00)
    assert "Tout le monde a sa carte" in shown(office, "cards_to_issue")
    waves.admit(world.caisse, places=1, by=1)
    number = bytes(person.account.number)
    page = shown(office, "cards_to_issue")
    assert "Marthe &lt;b&gt;" in page
    assert "première" in page
    file = office.get(reverse("cards_to_issue") + "?format=csv")
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert file.content.decode("utf-8-sig").split() == ["account", number.hex()]
    card = world.card(account=number)
    assert "Tout le monde a sa carte" in shown(office, "cards_to_issue")
    office.post(reverse("card_block", args=[number_of(card)]), {"life": "1"})
    assert "à remplacer" in shown(office, "cards_to_issue")


def test_an_address_that_is_no_card_is_not_there(world: ServiceWorld, office: Client) -> None:
    """Promise: what somebody types into an address is never an error of the program."""
    for wrong in ("zz", "04", "04C1AF000000FF", "0" * 40, "é"):
        for name in ("card", "card_block", "card_replace"):
            assert office.get(reverse(name, args=[wrong])).status_code == 404, wrong
    card = world.card()
    assert office.get(f"/cards/{number_of(card)}/?life=9").status_code == 404
    assert office.get(f"/cards/{number_of(card)}/?life=x&after=-1").status_code == 200


def test_an_earlier_life_has_a_page_of_its_own(world: ServiceWorld, office: Client) -> None:
    """Promise: a card that the workshop made anew keeps the history of each life apart."""
    card = world.card()
    Card.objects.filter(uid=card.uid).update(status=CardStatus.BLOCKED)
    reborn = world.personalise(card.uid, generation=2)
    world.give_birth(reborn, generation=2, account=(1).to_bytes(16))
    page = shown(office, "card", card=number_of(card))
    assert "vie n° 2" in page
    assert "Vie n° 1" in page
    assert "vie n° 1" in shown(office, "card", "?life=1", card=number_of(card))
    refused = office.post(
        reverse("card_free", args=[number_of(card)]), {"life": "1"}, follow=True
    ).content.decode()
    assert "sa nouvelle vie qui compte" in refused


def test_pages_of_cards_ask_the_database_little(
    world: ServiceWorld, office: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Promise: a card with a long line costs no more queries than one with a short one."""
    cards, stall = (
        [of_somebody(world, number.to_bytes(16)) for number in range(1, 6)],
        world.stall(),
    )
    for card in cards:
        stall.sell(card, 1_00)
    stall.sync()
    pages = [reverse("cards"), reverse("cards_to_issue")]
    pages += [f"/cards/{number_of(cards[0])}/{end}" for end in ("", "block/", "free/", "replace/")]
    for page in pages:
        with django_assert_max_num_queries(30):
            office.get(page)


def test_empty_pages_say_what_to_do_next(world: ServiceWorld, office: Client) -> None:
    """Promise: nobody is left before an empty table."""
    assert "pour qui l’atelier peut commencer" in shown(office, "cards")
    assert "Aucune carte ici" in shown(office, "cards", "?show=blocked")
    card = world.card()
    page = shown(office, "card", card=number_of(card))
    assert "Aucune vente encore" in page
    assert "aucun stand ne l’a refusée" in page
