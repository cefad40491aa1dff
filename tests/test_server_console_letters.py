"""The console's pages on letters and papers, as a coordinator clicks them on a Tuesday."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from server_stub.console.letters.papers import OF_MERCHANTS
from server_stub.exports.printed import Printed
from server_stub.models import (
    CaisseDetails,
    ConsoleRole,
    Letter,
    LetterKind,
    LetterState,
    LetterText,
)
from server_stub.services import letters
from tests.console_visitors import served, visitor
from tests.letter_world import ANNE, LetterWorld
from tests.pdf_text import pages_of, text_of
from tests.service_world import MERCHANT, ServiceWorld

pytestmark = pytest.mark.django_db
HOSTILE = '<script>alert("x")</script>'


@pytest.fixture
def world() -> Iterator[LetterWorld]:
    """A caisse that can be written from, served over HTTP."""
    made = LetterWorld.make()
    with served(made.world):
        yield made


@pytest.fixture
def office(world: LetterWorld) -> Client:
    """The coordinator's browser."""
    return visitor(world.world, ConsoleRole.COORDINATOR)


def shown(client: Client, name: str, query: str = "", **arguments: object) -> str:
    """What a page says."""
    answer = client.get(reverse(name, kwargs=arguments or None) + query)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def sent(client: Client, name: str, told: dict[str, str], **arguments: object) -> str:
    """What the page says that a form led to."""
    answer = client.post(reverse(name, kwargs=arguments or None), told, follow=True)
    assert answer.status_code in {200, 422}, answer.status_code
    return answer.content.decode()


def pdf(client: Client, name: str, query: str = "", **arguments: object) -> bytes:
    """A file that a link hands out."""
    answer = client.get(reverse(name, kwargs=arguments or None) + query)
    assert answer.headers["Content-Type"] == "application/pdf", answer.content[:200]
    assert "attachment" in answer.headers["Content-Disposition"]
    return answer.content


def test_letters_are_prepared_and_printed_by_two_buttons(
    world: LetterWorld, office: Client
) -> None:
    """Promise: what is due is seen, prepared, printed in one file, and found again when it jams."""
    for name in ("Marthe", HOSTILE):
        world.member(name)
    assert "Aucun courrier n’attend" in shown(office, "letters")
    page = sent(office, "letters_prepare", {"kind": "welcome"})
    assert "2 courriers préparés." in page
    assert "Imprimer (2)" in page
    assert HOSTILE not in page
    answer = office.post(reverse("letters_print"))
    assert answer.headers["Content-Type"] == "application/pdf"
    assert len(pages_of(answer.content)) == 2
    assert "Aucun courrier n’attend" in shown(office, "letters")
    assert "Aucun courrier n’attend" in sent(office, "letters_print", {})
    past = shown(office, "letters_sent")
    assert "imprimé" in past
    letter = Letter.objects.earliest("id")
    assert (letter.state, letter.done_by) == (LetterState.PRINTED, letter.queued_by)
    assert pdf(office, "letter_again", letter=letter.pk) == answer.content
    assert "Voici votre carte" in shown(office, "letter", letter=letter.pk)


def test_a_letter_that_waits_can_be_taken_out(world: LetterWorld, office: Client) -> None:
    """Promise: the coordinator knows who has a funeral that week."""
    world.member("Marthe")
    letters.prepare(world.world.caisse, LetterKind.WELCOME, by=ANNE)
    (letter,) = Letter.objects.all()
    assert "Retiré" in sent(office, "letter_drop", {}, letter=letter.pk)
    assert "déjà parti, ou a été retiré" in sent(office, "letter_drop", {}, letter=letter.pk)
    assert "déjà parti, ou a été retiré" in sent(office, "letter_on_paper", {}, letter=letter.pk)
    assert office.get(reverse("letter_again", kwargs={"letter": letter.pk})).status_code == 404


def test_before_there_is_a_head_nothing_leaves(world: LetterWorld, office: Client) -> None:
    """Promise: what is missing is said with the link that mends it."""
    world.member("Marthe")
    letters.prepare(world.world.caisse, LetterKind.WELCOME, by=ANNE)
    CaisseDetails.objects.all().delete()
    page = sent(office, "letters_print", {})
    assert "comment joindre la caisse" in page
    assert reverse("paper_head") in page
    assert Letter.objects.get().state == LetterState.QUEUED


# Words


def test_words_are_tried_saved_and_refused_with_a_reason(
    world: LetterWorld, office: Client
) -> None:
    """Promise: a text is seen as a letter before it counts, and a wrong one is kept on screen."""
    tried = {"in": "fr", "subject": "Pour {nom}", "body": "Il reste {montant}.", "try": "1"}
    page = sent(office, "letter_text", tried, kind="reminder")
    assert "Pour Claude Exemple" in page
    assert "Il reste 20,00\u00a0€." in page
    assert not LetterText.objects.exists()
    wrong = {"in": "fr", "subject": "x", "body": f"{{revenu}} {HOSTILE}"}
    page = sent(office, "letter_text", wrong, kind="reminder")
    assert "ne connaît pas {revenu}" in page
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page, "what was typed is still there"
    del tried["try"]
    assert "Enregistré" in sent(office, "letter_text", tried, kind="reminder")
    assert "Pour {nom}" in shown(office, "letter_text", kind="reminder")
    assert "Your contribution" in shown(office, "letter_text", "?in=en", kind="reminder")
    assert "texte d’origine" in shown(office, "letter_texts")
    for address in ("?in=de", "?in=../../etc"):
        assert office.get(reverse("letter_text", args=["reminder"]) + address).status_code == 404
    assert office.get(reverse("letter_text", args=["ransom"])).status_code == 404


# Papers


def test_every_paper_is_one_click(world: LetterWorld, office: Client) -> None:
    """Promise: each link of the page hands out the paper that it names."""
    page = shown(office, "papers")
    links = re.findall(r'href="(/papers/[^"]+/(?:\?[^"]*)?)"', page)
    assert len(links) > 12
    for link in links:
        if link.endswith("/head/"):
            continue
        answer = office.get(link.replace("&amp;", "&"))
        if answer.status_code == 302:  # labels of a merchant whose convention names no category
            assert "etiquettes" in link
            continue
        assert answer.headers["Content-Type"] == "application/pdf", link
    person = world.member("Marthe")
    statement = pdf(office, "paper", f"?person={person.pk}", kind=Printed.STATEMENT.value)
    assert "Marthe" in text_of(statement)
    carnet = pdf(office, "paper", "?carnet=3&first=1&last=8", kind=Printed.CARNET.value)
    assert len(pages_of(carnet)) == 2
    refused = office.get(reverse("paper", args=["carnet"]) + "?carnet=3&last=9999", follow=True)
    assert "400 au plus" in refused.content.decode()
    assert office.get(reverse("paper", args=["money"])).status_code == 404
    assert office.get(reverse("paper", args=["carnet"]) + "?in=xx").status_code == 404


def test_the_head_is_filled_in_and_the_account_is_not(world: LetterWorld, office: Client) -> None:
    """Promise: nobody at an open screen turns contributions to an account of their own."""
    page = shown(office, "paper_head")
    assert "FR76 3000 6000 0112 3456 7890 189" in page
    assert 'name="iban"' not in page
    told = {
        "name": HOSTILE,
        "address": "1 rue\n61100 Flers",
        "place": "Flers",
        "telephone": "02",
        "iban": "FR7617569000703243814587R46",
    }
    assert "Enregistré" in sent(office, "paper_head", told)
    kept = CaisseDetails.objects.get()
    assert (kept.name, kept.iban) == (HOSTILE, "FR7630006000011234567890189")
    assert HOSTILE not in shown(office, "paper_head")
    assert office.post(reverse("paper_head"), told | {"telephone": ""}).status_code == 422


def test_a_merchant_prints_its_own_papers_and_nobody_elses(world: LetterWorld) -> None:
    """Promise 7: a stall has its poster and labels by itself; members' papers are not there."""
    world.world.merchant(MERCHANT + 1)
    stall = visitor(world.world, ConsoleRole.MERCHANT, merchant=MERCHANT)
    poster = pdf(stall, "merchant_paper", merchant=MERCHANT, kind=Printed.POSTER_A4.value)
    assert "Ferme 7" in text_of(poster)
    for number, kind, status in (
        (MERCHANT + 1, Printed.POSTER_A4, 404),
        (MERCHANT, Printed.STATEMENT, 404),
        (MERCHANT, Printed.MEMBERSHIP, 404),
    ):
        address = reverse("merchant_paper", args=[number, kind.value])
        assert stall.get(address).status_code == status, kind
    for name in ("letters", "papers", "letters_sent"):
        assert stall.get(reverse(name)).status_code == 403
    assert Printed.STATEMENT not in OF_MERCHANTS


def test_an_empty_caisse_has_pages_that_say_what_to_do() -> None:
    """Promise: the first visit teaches."""
    with served(ServiceWorld.make()) as world:
        office = visitor(world, ConsoleRole.TREASURER)
        assert "Remplir l’en-tête" in shown(office, "letters")
        assert "Aucun courrier n’est encore parti" in shown(office, "letters_sent")
        assert "Remplir l’en-tête" in shown(office, "papers")
        assert "…………" in shown(office, "letter_text", kind="welcome")
