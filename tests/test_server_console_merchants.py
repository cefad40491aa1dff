"""The console's pages on merchants: what was signed, what is owed, where it is paid to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from server_stub.models import BankDetailsConfirmed, ConsoleRole, Convention, Deputy, Merchant
from server_stub.rules.settle import Refusal
from server_stub.services import bank_details, conventions, details, settlement
from server_stub.services.details import Contact
from tests.console_visitors import served, visitor
from tests.pdf_text import text_of
from tests.service_world import MERCHANT, ServiceWorld, forged

pytestmark = pytest.mark.django_db
IBAN = "FR76 3000 6000 0112 3456 7890 189"
OTHER_IBAN = "FR14 2004 1010 0505 0001 3M02 606"
HOLDER = "GAEC du Gué"
HOSTILE = '=cmd|"/C calc"!A0 <script>alert(1)</script>'
SIGNED = {
    "from_day": "2026-11-01",
    "last_day": "2027-10-31",
    "signed_on": "2026-09-30",
    "distance_km": "23",
    "categories": "Légumes\nÉpicerie=70: miel, confiture",
    "exception_minutes": "",
}


@pytest.fixture
def world() -> Iterator[ServiceWorld]:
    """A caisse that is served over HTTP."""
    with served(ServiceWorld.make()) as made:
        yield made


@pytest.fixture
def office(world: ServiceWorld) -> Client:
    """The coordinator's browser."""
    return visitor(world, ConsoleRole.COORDINATOR)


@pytest.fixture
def treasury(world: ServiceWorld) -> Client:
    """The treasurer's browser."""
    return visitor(world, ConsoleRole.TREASURER)


def shown(client: Client, name: str, query: str = "", **arguments: object) -> str:
    """What a page says."""
    answer = client.get(reverse(name, kwargs=arguments or None) + query)
    assert answer.status_code == 200, answer.status_code
    return str(answer.content.decode())


def said(client: Client, name: str, told: dict[str, str], merchant: int = MERCHANT) -> str:
    """What is said after something was sent to a page."""
    address = reverse(name, kwargs={"merchant": merchant})
    return str(client.post(address, told, follow=True).content.decode())


def new_merchant(office: Client, name: str = "Ferme du Gué") -> int:
    """A merchant that was made through the page."""
    answer = office.post(reverse("merchant_new"), {"name": name, "kind": "producer"})
    return int(str(answer.headers["Location"]).strip("/").rpartition("/")[2])


def test_the_list_says_what_is_owed_and_until_when_each_may_sell(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: due, held and waiting of every merchant stand on one page and in one file."""
    card, stall = world.card(), world.stall()
    stall.sell(card, 12_50)
    stall.sell(card, 7_00)
    *before, intent, sale = stall.entries
    raised = forged(stall, intent, amount_cents=99_00)
    stall.sync([entry.signed.encoded for entry in (*before, raised, sale)])
    page = shown(office, "merchants")
    for words in ("Ferme 7", "12,50\u00a0€", "99,00\u00a0€", "jusqu’au 31/12/2034"):
        assert words in page, words
    file = office.get(reverse("merchants") + "?format=csv").content.decode("utf-8-sig")
    assert "7;Ferme 7;12,50;99,00;0,00;31/12/2034" in file
    one = shown(office, "merchant", merchant=MERCHANT)
    for words in ("Ventes retenues, et pourquoi", "Aucune preuve", "99,00\u00a0€"):
        assert words in one, words


def test_a_merchant_is_added_and_sells_nothing_before_a_convention(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: a new merchant has a number, and the page says that nothing is signed."""
    number = new_merchant(office)
    assert Merchant.objects.get(pk=number).name == "Ferme du Gué"
    assert "Rien n’est signé" in shown(office, "merchant", merchant=number)
    assert "aucune : ne vend rien" in shown(office, "merchants")
    wrong = office.post(reverse("merchant_new"), {"name": " ", "kind": "producer"})
    assert wrong.status_code == 422


def test_a_convention_is_signed_with_categories_shares_and_products(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: what was signed is on record as it was written, and shown so."""
    number = new_merchant(office)
    page = said(office, "merchant_convention", SIGNED, number)
    assert "La convention est signée" in page
    for words in ("01/11/2026 – 31/10/2027", "Épicerie (70 %) : miel, confiture", "23 km"):
        assert words in page, words
    (signed,) = conventions.of(world.caisse, number)
    assert [(it.name, it.coverage_bp) for it in signed.terms.categories] == [
        ("Légumes", None),
        ("Épicerie", 7_000),
    ]
    assert "miel, confiture" in shown(office, "merchant_convention", merchant=number)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"last_day": "2026-10-01"}, "finirait avant de commencer"),
        ({"signed_on": "2026-10-05"}, "pas encore venu"),
        ({"distance_km": "900"}, "plus loin que la distance votée"),
        ({"categories": "Légumes=170"}, "entier de 0 à 100"),
        ({"categories": "Miel\nMiel"}, "deux fois"),
        ({"categories": "x" * 60}, "trop long"),
        ({"categories": " = "}, "au moins une catégorie"),
        ({"from_day": "demain"}, "alert"),
    ],
)
def test_a_convention_that_can_not_be_signed_says_why(
    world: ServiceWorld, office: Client, change: dict[str, str], words: str
) -> None:
    """Promise: nothing is put on record that the rules do not let in, and the form is kept."""
    number = new_merchant(office)
    page = said(office, "merchant_convention", {**SIGNED, **change}, number)
    assert words in page
    assert 'value="23"' in page or "distance_km" in change
    assert not Convention.objects.filter(merchant=number).exists()


def test_the_committees_exception_lets_in_from_beyond_the_radius(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: beyond the voted distance it takes the minutes, and they stand there."""
    number = new_merchant(office)
    far = {**SIGNED, "distance_km": "900", "exception_minutes": "PV 2026-03"}
    assert "exception : PV 2026-03" in said(office, "merchant_convention", far, number)


def test_a_convention_is_replaced_or_ended_and_never_corrected(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: two conventions never cover a day; a change ends the one before."""
    assert "couvre déjà un de ces jours" in said(office, "merchant_convention", SIGNED)
    page = said(office, "merchant_convention", {**SIGNED, "replaces": "on"})
    assert "31/10/2026" in page
    past = said(office, "merchant_convention_end", {"last_day": "2026-09-01"})
    assert "ne finit pas dans le passé" in past
    ended = said(office, "merchant_convention_end", {"last_day": "2026-10-20"})
    assert "La fin est enregistrée" in ended
    assert "20/10/2026" in ended
    assert not any(
        it.days.covers(date(2026, 11, 5)) for it in conventions.of(world.caisse, MERCHANT)
    )


def test_a_bank_account_takes_two_people_and_shows_who(
    world: ServiceWorld, office: Client, treasury: Client
) -> None:
    """Promise: nothing is paid to an account that one person entered alone."""
    assert "Aucun compte" in shown(office, "merchant", merchant=MERCHANT)
    page = said(office, "merchant_bank", {"iban": IBAN, "holder": HOLDER})
    assert "avant qu’une autre personne" in page
    assert "à confirmer par une autre personne" in page
    assert bank_details.usable(world.caisse, MERCHANT, world.now) is None
    compared = shown(treasury, "merchant_bank_confirm", merchant=MERCHANT)
    assert "FR76 3000 6000 0112 3456 7890 189" in compared
    number = str(account_number())
    done = said(treasury, "merchant_bank_confirm", {"account": number})
    assert "le prochain paiement y va" in done
    assert "payé ici" in done
    used = bank_details.usable(world.caisse, MERCHANT, world.now)
    assert used is not None
    assert used.iban == IBAN.replace(" ", "")
    again = said(treasury, "merchant_bank_confirm", {"account": number})
    assert "déjà confirmé" in again


def account_number() -> int:
    """The account that was entered last."""
    newest = Merchant.objects.get(pk=MERCHANT).bank_details.order_by("id").last()
    assert newest is not None
    return int(newest.pk)


def test_who_entered_an_account_can_not_confirm_it(world: ServiceWorld) -> None:
    """Promise: two roles are not two people."""
    both = visitor(world, ConsoleRole.COORDINATOR, ConsoleRole.TREASURER)
    said(both, "merchant_bank", {"iban": IBAN, "holder": HOLDER})
    assert "Vous l’avez saisi" in shown(both, "merchant_bank_confirm", merchant=MERCHANT)
    refused = said(both, "merchant_bank_confirm", {"account": str(account_number())})
    assert "une autre personne doit le confirmer" in refused
    assert not BankDetailsConfirmed.objects.exists()


def test_a_change_of_account_cools_off_and_the_page_says_until_when(
    world: ServiceWorld, office: Client, treasury: Client
) -> None:
    """Promise: whoever was deceived has the voted days; until then the old account is paid."""
    for iban in (IBAN, OTHER_IBAN):
        said(office, "merchant_bank", {"iban": iban, "holder": HOLDER})
        page = said(treasury, "merchant_bank_confirm", {"account": str(account_number())})
    assert "utilisable à partir du" in page
    used = bank_details.usable(world.caisse, MERCHANT, world.now)
    assert used is not None
    assert used.iban == IBAN.replace(" ", "")


def test_a_change_of_account_is_written_to_the_merchant(
    world: ServiceWorld, office: Client, treasury: Client
) -> None:
    """Promise 4: a changed account asks the office for a letter, and a first one does not."""
    first = said(office, "merchant_bank", {"iban": IBAN, "holder": HOLDER})
    said(treasury, "merchant_bank_confirm", {"account": str(account_number())})
    assert "avis" not in first
    assert "avis-compte" not in shown(office, "merchant", merchant=MERCHANT)
    changed = said(office, "merchant_bank", {"iban": OTHER_IBAN, "holder": HOLDER})
    assert "Imprimez l’avis au producteur" in changed
    link = f"/papers/avis-compte/?merchant={MERCHANT}"
    assert link in changed
    assert "l’avis porte le numéro à appeler" in office.get(link, follow=True).content.decode()
    contact = Contact(name="Caisse", address="1 rue", place="Flers", telephone="02 33 64 00 00")
    details.keep_details(world.caisse, contact, by=1)
    letter = office.get(link)
    assert letter.headers["Content-Type"] == "application/pdf"
    assert "2606" in text_of(letter.content)
    world.clock.pass_time(timedelta(days=63))
    later = visitor(world, ConsoleRole.COORDINATOR)
    assert link not in shown(later, "merchant", merchant=MERCHANT), "it is no news any more"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"iban": "FR76 3000 6000 0112 3456 7890 188", "holder": HOLDER}, "un chiffre manque"),
        ({"iban": IBAN, "holder": ""}, "obligatoire"),
    ],
)
def test_an_account_that_is_none_is_not_taken(
    world: ServiceWorld, office: Client, told: dict[str, str], words: str
) -> None:
    """Promise: a wrong digit is found before anybody is paid."""
    assert words in said(office, "merchant_bank", told)
    assert "Aucun compte" in shown(office, "merchant", merchant=MERCHANT)


def test_another_merchants_account_is_not_confirmed_here(
    world: ServiceWorld, office: Client, treasury: Client
) -> None:
    """Promise: a number from another merchant's page confirms nothing."""
    said(office, "merchant_bank", {"iban": IBAN, "holder": HOLDER})
    other = new_merchant(office)
    for number in (str(account_number()), "999", "x", ""):
        page = said(treasury, "merchant_bank_confirm", {"account": number}, other)
        assert "Rien n’a été confirmé" in page
    assert not BankDetailsConfirmed.objects.exists()


def test_deputies_are_noted_ended_and_forgotten(world: ServiceWorld, office: Client) -> None:
    """Promise: who may act is known with where to call back, and the name can be erased."""
    page = said(office, "merchant_deputy", {"name": "Jeanne Morel", "telephone": "0612345678"})
    assert "Jeanne Morel" in page
    assert "0612345678" in page
    number = str(Deputy.objects.get().pk)
    other = new_merchant(office)
    assert "plus là" in said(office, "merchant_deputy", {"gone": number, "forget": "1"}, other)
    assert "finit aujourd’hui" in said(office, "merchant_deputy", {"gone": number})
    assert "pas aujourd’hui" in shown(office, "merchant", merchant=MERCHANT)
    gone = said(office, "merchant_deputy", {"gone": number, "forget": "1"})
    assert "Jeanne" not in gone
    assert not Deputy.objects.exists()


def test_official_numbers_are_kept_and_a_wrong_one_is_refused(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: a SIRET with a wrong digit is not printed on a paper."""
    wrong = said(office, "merchant_details", {"siret": "73282932000075", "address": ""})
    assert "Ce n’est pas un SIRET" in wrong
    page = said(office, "merchant_details", {"siret": "732 829 320 00074", "address": "Le Gué"})
    assert "73282932000074" in page
    assert "Le Gué" in page


def test_sales_go_into_a_file_without_a_trace_of_any_card(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: a merchant's file has no UID, no counter, and nobody else's sale."""
    world.merchant(8)
    card, stall, other = world.card(), world.stall(), world.stall(4, merchants=(8,))
    stall.sell(card, 12_50)
    stall.sync()
    other.sell(card, 3_33)
    other.sync()
    answer = office.get(reverse("merchant_sales", args=[MERCHANT]))
    file = answer.content.decode("utf-8-sig")
    assert "12,50" in file
    for trace in (card.uid.hex(), card.uid.hex().upper(), "3,33", "Ferme 8"):
        assert trace not in file, trace


def test_last_payouts_are_on_the_merchants_page(world: ServiceWorld, office: Client) -> None:
    """Promise: whoever calls to ask when they are paid is answered from one page."""
    card, stall = world.card(), world.stall()
    stall.sell(card, 12_50)
    stall.sync()
    draft = settlement.draw_up(world.caisse, by=101)
    assert not isinstance(draft, Refusal)
    settlement.approve(world.caisse, draft.name, by=102)
    page = shown(office, "merchant", merchant=MERCHANT)
    assert draft.name in page
    assert "approuvé, pas encore envoyé" in page


def test_a_hostile_name_is_shown_and_not_run(world: ServiceWorld, office: Client) -> None:
    """Promise: a public name that is code or a formula stays text, on pages and in files."""
    number = new_merchant(office, HOSTILE)
    for page in (shown(office, "merchants"), shown(office, "merchant", merchant=number)):
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page
    file = office.get(reverse("merchants") + "?format=csv").content.decode("utf-8-sig")
    assert ";=cmd" not in file
    assert ';"=cmd' not in file


def test_who_only_reads_the_books_sees_sums_and_no_person(world: ServiceWorld) -> None:
    """Promise: an auditor has neither deputies nor whole IBANs, and can do nothing here."""
    office, auditor = (visitor(world, it) for it in (ConsoleRole.COORDINATOR, ConsoleRole.AUDITOR))
    said(office, "merchant_deputy", {"name": "Jeanne Morel", "telephone": "0612345678"})
    said(office, "merchant_bank", {"iban": IBAN, "holder": HOLDER})
    page = shown(auditor, "merchant", merchant=MERCHANT)
    for trace in (
        "Jeanne",
        "0612345678",
        "3000 6000",
        HOLDER,
        '<form method="post" action="/merchants',
    ):
        assert trace not in page, trace
    assert "…0189" in page
    for name in (
        "merchant_convention",
        "merchant_bank",
        "merchant_bank_confirm",
        "merchant_deputy",
    ):
        assert auditor.get(reverse(name, args=[MERCHANT])).status_code == 403
    assert auditor.get(reverse("merchant_new")).status_code == 403


def test_pages_of_merchants_cost_the_same_for_many(
    world: ServiceWorld, office: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Promise: the list of a département takes as many queries as that of a village."""
    for number in range(20, 32):
        world.merchant(number)
    stall = world.stall()
    world.clock.pass_time(timedelta(minutes=1))
    stall.sync()
    names = ("merchant_convention", "merchant_convention_end", "merchant_deputy", "merchant_bank")
    pages = [reverse("merchants"), *(reverse(it, args=[MERCHANT]) for it in ("merchant", *names))]
    for page in pages:
        with django_assert_max_num_queries(30):
            office.get(page)


def test_nobody_of_that_number_is_not_there(
    world: ServiceWorld, office: Client, treasury: Client
) -> None:
    """Promise: a number that is nobody's leads nowhere, whatever is sent to it."""
    for name in ("merchant", "merchant_sales", "merchant_convention", "merchant_bank"):
        assert office.get(reverse(name, args=[999])).status_code == 404
    assert office.post(reverse("merchant_convention", args=[999]), SIGNED).status_code == 404
    assert treasury.get(reverse("merchant_bank_confirm", args=[999])).status_code == 404


def test_without_any_merchant_the_page_says_how_to_begin(
    world: ServiceWorld, office: Client
) -> None:
    """Promise: nobody is left before an empty table."""
    Merchant.objects.filter(pk=MERCHANT).delete()
    assert "Aucun producteur encore" in shown(office, "merchants")
