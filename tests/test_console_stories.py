"""The console as its people live with it, in a real browser: a payout from the office to a
telephone, and each role's way through its own menu.
"""

from __future__ import annotations

from datetime import date

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.urls import reverse

from server_stub.models import ConsoleRole, Person
from server_stub.rules.scheme import RuleName
from server_stub.rules.settle import RunState
from server_stub.services import rules_in_force, settlement
from tests.access_world import PASSWORD, let_in
from tests.console_browser import (  # noqa: F401 - two fixtures
    TELEPHONE,
    ConsoleBrowser,
    browser,
    chromium,
    give_authenticator,
)
from tests.service_world import MERCHANT, ServiceWorld

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

AN_HOUR_S = 3600
OCTOBER = date(2026, 10, 1)


def sold(world: ServiceWorld) -> None:
    """Something is owed."""
    card, stall = world.card(), world.stall()
    stall.sell(card, 12_50)
    stall.sync()


def let_proofs_age() -> None:
    """As if everybody had entered an hour ago."""
    for kept in Session.objects.all():
        session = SessionStore(kept.session_key)
        proofs = session.get(AUTHENTICATION_METHODS_SESSION_KEY, [])
        session[AUTHENTICATION_METHODS_SESSION_KEY] = [
            {**proof, "at": proof["at"] - AN_HOUR_S} for proof in proofs
        ]
        session.save()


def test_payout_is_drawn_up_in_the_office_and_approved_on_a_telephone(
    browser: ConsoleBrowser,  # noqa: F811 - the fixture
) -> None:
    """Promise 4: money is reserved by a second person, by a passkey that was just touched."""
    world = browser.world
    assert isinstance(world, ServiceWorld)
    sold(world)
    office = browser.visit_as(ConsoleRole.COORDINATOR)
    office.get_by_role("link", name="Payer les producteurs").first.click()
    office.get_by_role("link", name="Préparer un paiement").first.click()
    office.locator("main form button.primary").click()
    (run,) = settlement.runs(world.caisse, newest=1)

    jeanne = let_in(world, "jeanne", ConsoleRole.TREASURER)
    telephone = browser.window(TELEPHONE)
    give_authenticator(telephone.context, telephone)
    telephone.goto(browser.address("/login"))
    telephone.get_by_label("Nom").fill(jeanne.name)
    telephone.get_by_label("Mot de passe").fill(PASSWORD)
    telephone.get_by_role("button", name="Entrer", exact=True).click()
    telephone.get_by_role("link", name="Ajouter une clé d’accès").click()
    telephone.get_by_role("button", name="Ajouter").click()
    telephone.get_by_role("heading", name="Codes de secours").wait_for()
    let_proofs_age()

    telephone.goto(browser.address(f"/payouts/{run.name}/approve"))
    telephone.get_by_text("12,50\u00a0€").first.wait_for()
    telephone.get_by_role("button", name="Approuver").click()
    assert settlement.state_of(world.caisse, run.name) is None
    telephone.goto(telephone.url.replace("/confirm/?", "/confirm/passkey/?"))
    telephone.get_by_role("button", name="Confirmer avec ma clé").click()
    telephone.get_by_role("heading", name=run.name).wait_for()
    assert settlement.state_of(world.caisse, run.name) is RunState.APPROVED
    assert telephone.evaluate("document.documentElement.scrollWidth") <= TELEPHONE


@pytest.mark.parametrize("role", ConsoleRole)
def test_everybody_walks_through_their_menu(
    browser: ConsoleBrowser,  # noqa: F811 - the fixture
    role: ConsoleRole,
) -> None:
    """No menu leads anywhere that its reader may not go, and every page says where one is."""
    assert isinstance(browser.world, ServiceWorld)
    sold(browser.world)
    page = browser.visit_as(role, merchant=MERCHANT if role is ConsoleRole.MERCHANT else None)
    addresses = [link.get_attribute("href") or "" for link in page.locator(".menu.wide a").all()]
    assert addresses
    for address in addresses:
        answer = page.goto(browser.address(address))
        assert answer is not None
        assert answer.status == 200, address
        assert page.locator("h1").count() == 1
        assert page.locator(".menu.wide a[aria-current=page]").count() >= 1, address


def test_coordinator_lives_a_month(browser: ConsoleBrowser) -> None:  # noqa: F811 - the fixture
    """From an application to a payout and a note for the holidays, with nothing but a browser."""
    world = browser.world
    assert isinstance(world, ServiceWorld)
    card, stall = world.card(), world.stall()
    rules_in_force.set_rule(world.caisse, RuleName.COMMITMENT_NEEDED, 1, from_day=OCTOBER)
    page = browser.visit_as(ConsoleRole.COORDINATOR)

    def follow(name: str) -> None:
        page.locator(".menu.wide").get_by_role("link", name=name, exact=True).click()

    follow("Membres")
    page.get_by_role("link", name="Nouvelle demande").first.click()
    page.get_by_label("Nom et prénom").first.fill("Marthe Lecœur")
    page.get_by_label("Cotisation").first.fill("20")
    page.locator("main form button.primary").click()
    page.get_by_role("heading", name="Marthe Lecœur").wait_for()

    follow("Liste d’attente")
    page.get_by_label("Nombre de places").fill("1")
    page.get_by_role("button", name="Voir qui serait admis").click()
    page.get_by_role("button", name="Admettre 1 personne").click()
    page.goto(browser.address(reverse("first_promises")))
    page.get_by_role("button", name="Engager 1 personne").click()
    page.get_by_role("status").wait_for()
    member = Person.objects.get()
    assert member.account.commitments.get().monthly_cents == 20_00

    page.goto(browser.address(reverse("payment_take", kwargs={"person": member.pk})))
    page.get_by_label("Somme").fill("20,00")
    page.get_by_role("button", name="Encaisser").click()
    page.get_by_role("status").wait_for()
    assert member.account.contributions.get().amount_cents == 20_00

    stall.sell(card, 12_50)
    stall.sync()
    page.get_by_role("searchbox", name="Chercher").fill("Lecœur")
    page.get_by_role("search").get_by_role("button").first.click()
    page.get_by_role("link", name="Marthe Lecœur").click()
    page.get_by_text("20,00\u00a0€").first.wait_for()

    page.goto(browser.address("/"))
    page.get_by_text("1 vente prouvée").wait_for()
    page.get_by_role("link", name="Laisser une note").click()
    page.get_by_label("Note de passation").fill("Le relevé arrive mardi.")
    page.get_by_role("button", name="Épingler").click()
    page.get_by_text("Le relevé arrive mardi.").wait_for()
