"""Passkeys in a real browser: made, used to enter, used to confirm; and every page of the door."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from server_stub.models import ConsoleRole
from server_stub.services import invitations
from server_stub.services.invitations import Invited
from tests.access_world import PASSWORD, codes_now, invited_to, let_in
from tests.console_browser import (  # noqa: F401 - two fixtures
    TELEPHONE,
    ConsoleBrowser,
    browser,
    chromium,
    give_authenticator,
)

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

PICTURES = os.environ.get("CLAFOUTIS_PICTURES")
"""A folder for pictures of each page; none are taken without it."""


def seen(console: ConsoleBrowser, page: Page, name: str) -> None:
    """Check a page as a screen reader has it, and take its picture where one is wanted."""
    found = Axe().run(page).response["violations"]
    assert not found, [(one["id"], one["nodes"][0]["html"]) for one in found]
    if PICTURES:
        console.picture(page, Path(PICTURES) / f"{name}.png")


def press(page: Page, role: Literal["button", "link"], name: str, *, exact: bool = False) -> None:
    """Press what leads to another page, and wait until that page is there to be read."""
    with page.expect_navigation():
        page.get_by_role(role, name=name, exact=exact).click()


def type_password(page: Page, name: str) -> None:
    """Enter by a name and a password."""
    page.get_by_label("Nom").fill(name)
    page.get_by_label("Mot de passe").fill(PASSWORD)
    press(page, "button", "Entrer", exact=True)


def test_treasurer_is_invited_makes_a_passkey_and_enters_by_it_alone(
    browser: ConsoleBrowser,  # noqa: F811 - the fixture
) -> None:
    """Promise 7: from the link to a passkey, on a telephone; then the passkey opens by itself."""
    token = invited_to(browser.world, "jeanne", ConsoleRole.TREASURER).token
    page = browser.window(TELEPHONE)
    give_authenticator(page.context, page)
    page.goto(browser.address(f"/invitation/{token}"))
    seen(browser, page, "invitation")
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.get_by_label("Le même").fill(PASSWORD)
    press(page, "button", "Choisir")
    seen(browser, page, "login-after-invitation")
    type_password(page, "jeanne")
    assert page.get_by_role("heading", level=1).inner_text() == "Un second facteur"
    seen(browser, page, "second-factor")
    press(page, "link", "Ajouter une clé d’accès")
    seen(browser, page, "passkey-add")
    page.get_by_role("button", name="Ajouter").click()
    page.get_by_role("heading", name="Codes de secours").wait_for()
    seen(browser, page, "recovery-codes")
    page.goto(browser.address("/access/"))
    seen(browser, page, "mine")
    press(page, "button", "Se déconnecter")
    page.get_by_role("button", name="Entrer avec une clé d’accès").click()
    page.wait_for_url(browser.address("/"))
    assert page.get_by_role("button", name="Se déconnecter").is_visible()


def test_passkey_is_the_second_step_and_confirms(browser: ConsoleBrowser) -> None:  # noqa: F811
    """Promise 4: with a password too, the passkey is asked for, and it confirms what matters."""
    admin = let_in(browser.world, "jeanne", ConsoleRole.ADMINISTRATOR)
    page = browser.window()
    give_authenticator(page.context, page)
    page.goto(browser.address("/login"))
    type_password(page, admin.name)
    press(page, "link", "Ajouter une clé d’accès")
    page.get_by_role("button", name="Ajouter").click()
    page.get_by_role("heading", name="Codes de secours").wait_for()
    press(page, "button", "Se déconnecter")
    type_password(page, admin.name)
    seen(browser, page, "login-factor")
    page.get_by_role("button", name="Avec ma clé d’accès").click()
    page.get_by_role("heading", name="Personnes de la console").wait_for()
    page.goto(browser.address("/confirm/passkey/?next=/access/people/"))
    seen(browser, page, "confirm-passkey")
    page.get_by_role("button", name="Confirmer avec ma clé").click()
    page.wait_for_url(browser.address("/access/people/"))
    page.goto(browser.address("/access/"))
    press(page, "link", "Renommer")
    seen(browser, page, "passkey-rename")
    page.get_by_label("Nom de la clé").fill("téléphone de Jeanne")
    press(page, "button", "Renommer")
    assert page.get_by_text("téléphone de Jeanne").first.is_visible()
    press(page, "link", "Retirer")
    seen(browser, page, "passkey-remove")


def test_passkey_that_does_not_answer_is_told_on_the_page(
    browser: ConsoleBrowser,  # noqa: F811 - the fixture
) -> None:
    """Nobody waits before a button that seems to do nothing."""
    page = browser.window()
    page.context.new_cdp_session(page).send("WebAuthn.enable")
    page.goto(browser.address("/login"))
    page.route("**/login/passkey", lambda route: route.abort())
    page.get_by_role("button", name="Entrer avec une clé d’accès").click()
    page.get_by_text("n’a pas répondu").wait_for()
    seen(browser, page, "login-trouble")


def test_pages_of_the_door_read_well(browser: ConsoleBrowser) -> None:  # noqa: F811
    """Every page about access is one that a screen reader can read."""
    stranger = browser.window()
    stranger.goto(browser.address("/"))
    seen(browser, stranger, "login")
    type_password(stranger, "personne")
    seen(browser, stranger, "login-wrong")
    stranger.goto(browser.address("/invitation/rien"))
    seen(browser, stranger, "invitation-gone")
    jeanne = let_in(browser.world, "jeanne", ConsoleRole.COMMITTEE)
    page = browser.visit_of(jeanne.name)
    for path, name in (
        ("/access/second-factor/", "second-factor-invited"),
        ("/access/password/", "password"),
        ("/confirm/", "confirm"),
        ("/access/app/", "app"),
    ):
        page.goto(browser.address(path))
        seen(browser, page, name)
    page.get_by_text("Je ne peux pas viser").click()
    secret = page.locator("details code").inner_text()
    page.get_by_label("Les six chiffres").fill(codes_now(secret)[0])
    press(page, "button", "Relier")
    for path, name in (
        ("/access/codes/", "codes-seen"),
        ("/access/codes/new/", "codes-new"),
        ("/access/app/remove/", "app-remove"),
        ("/confirm/code/", "confirm-code"),
    ):
        page.goto(browser.address(path))
        seen(browser, page, name)


def test_pages_of_the_administrator_read_well(browser: ConsoleBrowser) -> None:  # noqa: F811
    """Every page about others' access is one that a screen reader can read."""
    jeanne = let_in(browser.world, "jeanne", ConsoleRole.TREASURER, ConsoleRole.COMMITTEE)
    invited = invitations.renew(browser.world.caisse, jeanne.user.pk, by=0)
    assert isinstance(invited, Invited)
    invited_to(browser.world, "dominique", ConsoleRole.AUDITOR)
    page = browser.visit_as(ConsoleRole.ADMINISTRATOR)
    seen(browser, page, "people")
    press(page, "link", "Jeanne")
    page.get_by_text("Donner un rôle").click()
    seen(browser, page, "person")
    press(page, "button", "Faire un nouveau lien")
    seen(browser, page, "link")
    page.goto(browser.address("/access/people/invite/"))
    seen(browser, page, "invite")
    page.get_by_role("button", name="Faire le lien").click()
    page.get_by_label("Prénom et nom").fill("Marthe Lebrun")
    page.get_by_label("Nom pour entrer").fill("jeanne")
    page.get_by_label("Comité").check()
    press(page, "button", "Faire le lien")
    page.get_by_text("entre déjà sous ce nom").wait_for()
    seen(browser, page, "invite-wrong")
