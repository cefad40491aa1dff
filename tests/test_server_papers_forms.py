"""Papers for people: in both languages, saying what they must, running nothing they are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from cardkit.till_box import Means
from server_stub.exports.carnet_pdf import carnet_pdf
from server_stub.exports.etat_liquidatif import etat_liquidatif
from server_stub.exports.labels import labels
from server_stub.exports.letters import PrintedLetters, print_again, print_letters
from server_stub.exports.notice import kept_in_words
from server_stub.exports.payout import Payee, Payout
from server_stub.exports.printed import Asked, Made, NotMade, Printed, print_paper
from server_stub.exports.quittance_pdf import in_words, quittance_pdf
from server_stub.exports.stationery import Stationery, day
from server_stub.models import (
    BankDetails,
    CaisseDetails,
    Convention,
    LetterKind,
    Merchant,
    MerchantDetails,
)
from server_stub.rules.conventions import Category, Span, Terms
from server_stub.rules.scheme import RuleName
from server_stub.rules.siret import in_groups, read_siret
from server_stub.services import (
    bank_details,
    conventions,
    details,
    letters,
    paper,
    payments,
    people,
    rules_in_force,
)
from server_stub.services.details import NotKept
from server_stub.services.payments import Taken
from tests.letter_world import ANNE, BRUNO, CONTACT, OCTOBER, LetterWorld
from tests.pdf_text import pages_of, text_of
from tests.service_world import MERCHANT

pytestmark = pytest.mark.django_db
SIRET = "732 829 320 00074"
IBANS = ("FR7630006000011234567890189", "FR1420041010050500013M02606")
HOSTILE = '#read("/etc/passwd") ] \\ @ $x$ *_` <a>'
TERMS = Terms(
    distance_km=18,
    categories=(
        Category(name="Légumes", products=("Carottes", "Poireaux")),
        Category(name="Œufs", coverage_bp=70_00),
    ),
)
FRENCH = Stationery()
ENGLISH = Stationery(language="en")


@pytest.fixture
def world() -> LetterWorld:
    """A caisse that says how it is reached."""
    return LetterWorld.make()


def agree(world: LetterWorld, terms: Terms = TERMS) -> None:
    """Another convention with the merchant, from 2 October on."""
    done = conventions.change(
        world.world.caisse,
        MERCHANT,
        Span(date(2026, 10, 2), date(2027, 10, 2)),
        terms,
        signed_on=OCTOBER,
        by=ANNE,
    )
    assert isinstance(done, Convention), done


def said(world: LetterWorld, kind: Printed, language: str = "fr", **whose: Any) -> str:
    """What a paper says."""
    stationery = Stationery(language=language)
    made = print_paper(world.world.caisse, Asked(kind=kind, stationery=stationery, **whose))
    assert isinstance(made, Made), made
    assert b"<pdfuaid:part>1</pdfuaid:part>" in made.content
    assert f"/Lang({language}".encode() in made.content
    return text_of(made.content)


# What each says


def test_who_joins_signs_an_amount_and_no_income(world: LetterWorld) -> None:
    """Promise 7: the form asks for an amount and three months, and says that no income is asked."""
    person = people.register(
        world.world.caisse, "Marthe Lecœur", address="12 rue du Moulin", reached_through="Mme Roy"
    )
    text = said(world, Printed.MEMBERSHIP, person=person.pk)
    for words in (
        "Marthe Lecœur",
        "Mme Roy",
        "Aucun revenu, aucun justificatif n’est demandé.",
        "pendant 3 mois",
        "Au moins 20,00 € par mois, par pas de 5,00 €",
        "06 12 34 56 78",
    ):
        assert words in text
    english = said(world, Printed.MEMBERSHIP, "en")
    assert "No income and no document is asked for." in english
    assert "The French text is the one that binds." in english
    assert "Marthe" not in english


def test_the_notice_says_who_what_how_long_and_whom_to_ask(world: LetterWorld) -> None:
    """Promise 7: GDPR art. 13 on two pages, in sentences that anybody reads."""
    text = said(world, Printed.NOTICE)
    for words in (
        "Qui garde ces informations ?",
        CONTACT.name,
        "Il ne voit pas votre nom.",
        "effacé 2 ans après notre dernier contact",
        "02 33 64 00 00",
        "www.cnil.fr",
    ):
        assert words in text
    made = print_paper(world.world.caisse, Asked(kind=Printed.NOTICE))
    assert isinstance(made, Made)
    assert len(pages_of(made.content)) == 2
    assert "Your name is erased 2 years after" in said(world, Printed.NOTICE, "en")
    assert kept_in_words(world.world.caisse, "fr") == "2 ans"


def test_a_convention_says_what_was_agreed(world: LetterWorld) -> None:
    """Promise: what is signed on paper is what is on record, with SIRET and number."""
    details.keep_merchant(world.world.caisse, MERCHANT, siret=SIRET, address="Landigou", by=ANNE)
    agree(world)
    text = said(world, Printed.CONVENTION, merchant=MERCHANT)
    for words in (
        "n° C7-2",
        "Ferme 7",
        "732 829 320 00074",
        "Landigou",
        "Du 2 octobre 2026 au 1er octobre 2027",
        "18 km (au plus 50 km, règle votée)",
        "Carottes, Poireaux",
        "est payée, une fois, en totalité",
    ):
        assert words in text
    blank = said(world, Printed.CONVENTION, "en")
    assert "is paid, once and in full" in blank
    assert "Ferme 7" not in blank


def test_labels_come_from_the_list_of_the_convention(world: LetterWorld) -> None:
    """Promise: a shelf says what the convention says: product and rate, or the whole category."""
    agree(world)
    world.pass_days(1)
    text = said(world, Printed.LABELS, merchant=MERCHANT, copies=2)
    assert (text.count("Carottes"), text.count("Œufs")) == (2, 2)
    assert (text.count("100 %"), text.count("70 %")) == (4, 2)
    assert "can be paid by card" in said(world, Printed.LABELS, "en", merchant=MERCHANT)


def test_a_poster_fits_its_sheet(world: LetterWorld) -> None:
    """Promise: A4 and A3, each one page, blank or with a stall's own name."""
    agree(world)
    for kind, box in ((Printed.POSTER_A4, b"595.2"), (Printed.POSTER_A3, b"841.8")):
        made = print_paper(world.world.caisse, Asked(kind=kind, merchant=MERCHANT))
        assert isinstance(made, Made)
        assert b"/MediaBox[0 0 " + box in made.content
        (page,) = pages_of(made.content)
        assert "Ferme 7" in page
    assert "The card is accepted here" in said(world, Printed.POSTER_A4, "en")


def test_a_pouch_has_the_number_and_whom_to_call(world: LetterWorld) -> None:
    """Promise: a card that is found or lost says where to call, and names nobody."""
    person = world.member("Marthe Lecœur")
    text = said(world, Printed.POUCHES, person=person.pk)
    assert "04C1 AF00 0000 01" in text
    assert "06 12 34 56 78" in text
    assert "Marthe" not in text
    assert said(world, Printed.POUCHES, cards=("04c1af00000001",)).count("Ma carte") == 1
    assert said(world, Printed.POUCHES, "en").count("My card") == 4


def test_a_carnet_is_numbered_and_says_its_ceilings(world: LetterWorld) -> None:
    """Promise 8: each slip has a number of its own, twice, and room for card, time and amount."""
    caisse = world.world.caisse
    paper.hand_out(caisse, 12, merchant=MERCHANT, first_slip=481, last_slip=486, by=ANNE)
    text = said(world, Printed.CARNET, carnet=12)
    for slip in range(481, 487):
        assert text.count(f"Carnet 12 – bon {slip}") == 2
    assert "150,00 € par carte et par jour" in text
    assert text.count("Initiales du membre") == 6
    assert "Ferme 7" in text
    content = carnet_pdf(caisse, ENGLISH, number=1, first_slip=1, last_slip=4)
    assert len(pages_of(content)) == 1
    assert "Initials of the member" in text_of(content)


def test_a_statement_adds_up(world: LetterWorld) -> None:
    """Promise 8: what was given less what was spent is what is left, line by line."""
    person = world.member("Marthe Lecœur")
    world.pay(person)
    (card,) = world.world.cards.values()
    stall = world.world.stall()
    stall.sync()
    stall.sell(card, 12_50)
    sale = stall.sell(card, 4_00)
    stall.refund(card, sale, 1_50)
    stall.sync()
    text = said(world, Printed.STATEMENT, person=person.pk)
    for words in (
        "Marthe Lecœur",
        "Virement VIR1 20,00 €",
        "Octobre 2026 : 20,00 € promis, 20,00 € payés",
        "Allocation du mois 100,00 €",
        "Achat, Ferme 7 −12,50 €",
        "Rendu sur la carte 1,50 €",
    ):
        assert words in text
    assert "envoyé : 85,00 €" in text, "November's credit is signed, and not there yet"
    assert "Purchase, Ferme 7" in said(world, Printed.STATEMENT, "en", person=person.pk)
    other = world.member("Paul")
    assert "Achat" not in said(world, Printed.STATEMENT, person=other.pk)


def test_a_quittance_has_a_stub_without_a_name(world: LetterWorld) -> None:
    """Promise 7: the half that is handed over says from whom; the half that stays does not."""
    caisse = world.world.caisse
    person = world.member("Marthe Lecœur")
    taken = payments.take(
        caisse, person.account, 20_00, means=Means.CASH, value_date=OCTOBER, by=ANNE
    )
    assert isinstance(taken, Taken)
    for copy in ("", "DUPLICATA"):
        told = payments.print_quittance(caisse, taken.contribution, by=ANNE)
        assert isinstance(told, payments.Quittance)
        text = text_of(quittance_pdf(caisse, FRENCH, told))
        assert text.count("Marthe Lecœur") == 1
        assert text.count("Quittance n° Q2026-00001") == 2
        assert text.count("vingt euros") == 2
        assert text.count("DUPLICATA") == 2 * bool(copy)
        assert "twenty euros" in text_of(quittance_pdf(caisse, ENGLISH, told))
    assert in_words(21_01, "en") == "twenty-one euros and one cent"


def test_letters_are_one_pile_in_windows(world: LetterWorld) -> None:
    """Promise: one press prints all that waits, a page each; pressed again the same pile comes."""
    caisse = world.world.caisse
    for name in ("Marthe Lecœur", "Paul Martin"):
        world.member(name)
    letters.prepare(caisse, LetterKind.WELCOME, by=ANNE)
    letters.prepare(caisse, LetterKind.DUES_CALL, language="en", by=ANNE)
    done = print_letters(caisse, FRENCH, by=BRUNO)
    assert isinstance(done, PrintedLetters)
    pages = [" ".join(it.split()) for it in pages_of(done.content)]
    assert len(pages) == 4
    assert "Bienvenue à la caisse" in pages[0]
    assert "Paul Martin" in pages[1]
    assert "Your contribution for October 2026" in pages[2]
    assert "FR76 3000 6000 0112 3456 7890 189" in pages[2]
    again = print_again(caisse, FRENCH, done.batch.letters[0].pk)
    assert isinstance(again, PrintedLetters)
    assert again.content == done.content


def test_a_merchant_is_written_to_when_the_account_was_changed(world: LetterWorld) -> None:
    """Promise 4: who has an account changed in a merchant's name is found out by the merchant.

    Only a change is told, with who to call, what the end of each account is, and from when on.
    """
    caisse, merchant = world.world.caisse, Merchant.objects.get(pk=MERCHANT)
    kept = details.keep_merchant(caisse, MERCHANT, address="3 rue du Gué\n61100 Flers", by=ANNE)
    assert isinstance(kept, MerchantDetails)
    notice = Asked(kind=Printed.ACCOUNT_NOTICE, merchant=MERCHANT)
    assert print_paper(caisse, notice) is NotMade.NO_CHANGE
    enter(world, merchant, IBANS[0])
    assert print_paper(caisse, notice) is NotMade.NO_CHANGE, "a first account is no change"
    account = enter(world, merchant, IBANS[1])
    waiting = said(world, Printed.ACCOUNT_NOTICE, merchant=MERCHANT)
    for words in ("3 rue du Gué", "1er octobre 2026", "02 33 64 00 00", "2606", "0189"):
        assert words in waiting, words
    assert "avant qu’une deuxième personne le confirme, puis encore 3 jours" in waiting
    rules_in_force.set_rule(caisse, RuleName.IBAN_COOLING_DAYS, 0, from_day=OCTOBER)
    at_once = said(world, Printed.ACCOUNT_NOTICE, merchant=MERCHANT)
    assert "avant qu’une deuxième personne le confirme. C’est" in at_once
    rules_in_force.set_rule(caisse, RuleName.IBAN_COOLING_DAYS, 7, from_day=OCTOBER)
    assert "FR14" not in waiting, "whoever opens the envelope has no account"
    bank_details.confirm(caisse, account, by=BRUNO)
    assert "à partir du 8 octobre 2026" in said(world, Printed.ACCOUNT_NOTICE, merchant=MERCHANT)
    english = said(world, Printed.ACCOUNT_NOTICE, "en", merchant=MERCHANT)
    assert "Call 02 33 64 00 00 at once" in english
    CaisseDetails.objects.all().delete()
    assert print_paper(caisse, notice) is NotMade.NO_DETAILS


def enter(
    world: LetterWorld, merchant: Merchant, iban: str, *, holder: str = "GAEC du Gué"
) -> BankDetails:
    """An account that one person enters, and another confirms where it is the first."""
    caisse = world.world.caisse
    account = bank_details.enter(caisse, merchant, iban=iban, holder=holder, by=ANNE)
    assert isinstance(account, BankDetails)
    if iban == IBANS[0]:
        bank_details.confirm(caisse, account, by=BRUNO)
    return account


# What is told is never run


def test_no_word_that_somebody_typed_is_a_command(world: LetterWorld) -> None:
    """Promise: names, products, addresses and letters are printed as they are typed."""
    caisse = world.world.caisse
    Merchant.objects.filter(id=MERCHANT).update(name=HOSTILE)
    contact = details.Contact(name=HOSTILE, address=HOSTILE, place="x", telephone=HOSTILE)
    details.keep_details(caisse, contact, by=ANNE)
    hostile = Category(name=HOSTILE[:40], products=(HOSTILE,))
    agree(world, Terms(distance_km=1, categories=(hostile,), exception_minutes=HOSTILE))
    world.pass_days(1)
    person = world.member(HOSTILE)
    merchant = Merchant.objects.get(pk=MERCHANT)
    for iban in IBANS:
        enter(world, merchant, iban, holder=HOSTILE)
    typed = "".join(HOSTILE.split())
    for kind in Printed:
        person_of = None if kind is Printed.POUCHES else person.pk
        text = said(world, kind, merchant=MERCHANT, carnet=1, last_slip=1, person=person_of)
        assert typed in "".join(text.split()), kind
    letters.prepare(caisse, LetterKind.WELCOME, by=ANNE)
    done = print_letters(caisse, FRENCH, by=BRUNO)
    assert isinstance(done, PrintedLetters)
    assert typed in "".join(text_of(done.content).split())


# What is not made


def test_what_can_not_be_made_is_said(world: LetterWorld) -> None:
    """Promise: who asks for a paper of nobody gets a reason and no empty paper."""
    caisse = world.world.caisse
    for asked, why in (
        (Asked(kind=Printed.CONVENTION, merchant=99), NotMade.NO_MERCHANT),
        (Asked(kind=Printed.LABELS), NotMade.NO_MERCHANT),
        (Asked(kind=Printed.POSTER_A4, merchant=99), NotMade.NO_MERCHANT),
        (Asked(kind=Printed.STATEMENT, person=99), NotMade.NO_MEMBER),
        (Asked(kind=Printed.MEMBERSHIP, person=99), NotMade.NO_MEMBER),
        (Asked(kind=Printed.POUCHES, person=99), NotMade.NO_MEMBER),
        (Asked(kind=Printed.POUCHES, cards=("04FF",)), NotMade.NO_CARD),
        (Asked(kind=Printed.POUCHES, cards=("card",)), NotMade.NO_CARD),
        (Asked(kind=Printed.CARNET), NotMade.NO_SLIPS),
        (Asked(kind=Printed.CARNET, carnet=1, last_slip=401), NotMade.NO_SLIPS),
    ):
        assert print_paper(caisse, asked) is why
    agree(world)
    many = Asked(kind=Printed.LABELS, merchant=MERCHANT, copies=51)
    assert print_paper(caisse, many) is NotMade.TOO_MANY


def test_a_caisse_that_has_said_nothing_can_print_all_the_same(world: LetterWorld) -> None:
    """Promise: the first form is printed on the first day, with room to write by hand."""
    CaisseDetails.objects.all().delete()
    for kind in (Printed.MEMBERSHIP, Printed.NOTICE, Printed.CONVENTION, Printed.POSTER_A3):
        assert said(world, kind)
    assert labels(world.world.caisse, FRENCH, terms=TERMS)


# Official numbers


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        (SIRET, "73282932000074"),
        ("73282932000075", None),
        ("7328293200007", None),
        ("7328293200007x", None),
        ("٧٣٢٨٢٩٣٢٠٠٠٠٧٤", None),
        ("", None),
        ("356 000 000 00048", "35600000000048"),
        ("356 000 000 12345", None),
    ],
)
def test_a_siret_with_a_wrong_digit_is_none(text: str, digits: str | None) -> None:
    """Promise: a trésorier is never handed a number with a typing mistake."""
    assert read_siret(text) == digits
    assert digits is None or read_siret(in_groups(digits)) == digits


def test_an_official_number_is_kept_changed_and_erased(world: LetterWorld) -> None:
    """Promise 7: a farmer's number stands in one row, and can go."""
    caisse = world.world.caisse
    wrong = details.keep_merchant(caisse, MERCHANT, siret="73282932000075", by=ANNE)
    assert wrong is NotKept.NO_SIRET
    assert details.keep_merchant(caisse, 99, siret=SIRET, by=ANNE) is NotKept.NO_MERCHANT
    details.keep_merchant(caisse, MERCHANT, siret=SIRET, by=ANNE)
    details.keep_merchant(caisse, MERCHANT, address="Landigou", by=ANNE)
    row = MerchantDetails.objects.get()
    assert (row.siret, row.address) == ("73282932000074", "Landigou")
    details.keep_merchant(caisse, MERCHANT, siret="", by=ANNE)
    assert details.merchant_details(caisse, MERCHANT).siret == ""


def test_an_etat_liquidatif_bears_them() -> None:
    """Promise: the trésorier finds SIRET and convention of each creditor on the statement."""
    payee = Payee(
        merchant=7,
        name="Ferme",
        holder="Anne L.",
        iban="FR7630006000011234567890189",
        amount_cents=5_00,
        end_to_end_id="R1-0001-M7",
        siret="73282932000074",
        convention="C7-2",
    )
    payout = Payout(
        settlement="R1-0001",
        approved_at=datetime(2026, 10, 31, 17, 30, tzinfo=UTC),
        payees=(payee,),
    )
    text = etat_liquidatif(payout, debtor_name="CCAS").decode("utf-8-sig")
    assert "5,00;732 829 320 00074;C7-2" in text


def test_the_convention_of_a_day_is_named(world: LetterWorld) -> None:
    """Promise: of two conventions a paper names the one that covered its day."""
    agree(world)
    caisse = world.world.caisse
    assert details.convention_on(caisse, MERCHANT, date(2026, 10, 1)) == "C7-1"
    assert details.convention_on(caisse, MERCHANT, date(2026, 10, 2)) == "C7-2"
    assert details.convention_on(caisse, 99, OCTOBER) == ""


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": " "}, NotKept.NO_NAME),
        ({"address": ""}, NotKept.NO_ADDRESS),
        ({"place": ""}, NotKept.NO_PLACE),
        ({"telephone": ""}, NotKept.NO_TELEPHONE),
        ({"email": "caisse"}, NotKept.NO_EMAIL),
        ({"hours": "x" * 121}, NotKept.TOO_LONG),
    ],
)
def test_a_caisse_that_nobody_could_reach_is_refused(
    world: LetterWorld, change: dict[str, str], why: NotKept
) -> None:
    """Promise: what stands at the head of every letter is whole, or stays as it was."""
    caisse = world.world.caisse
    assert details.keep_details(caisse, replace(CONTACT, **change), by=ANNE) is why
    assert details.keep_details(caisse, CONTACT, iban="FR76 0000", by=ANNE) is NotKept.NO_IBAN
    kept = details.details_of(caisse)
    assert kept is not None
    assert (kept.name, kept.iban) == (CONTACT.name, "FR7630006000011234567890189")


def test_days_as_people_write_them() -> None:
    """Promise: the first of a month is the first in French, and no other day is."""
    assert day(date(2026, 10, 1), "fr") == "1er octobre 2026"
    assert day(date(2026, 10, 11), "fr") == "11 octobre 2026"
    assert day(date(2026, 10, 1), "en") == "1 October 2026"
