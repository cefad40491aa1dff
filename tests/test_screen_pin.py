"""The producer's PIN on the screen: chosen, asked for, guessed, forgotten, and what it guards."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from cardkit.bodies import EntryKind, SettingChanged
from cardkit.entries import OperatorRole
from cardkit.keyfiles import write_bundle, write_public
from terminal.pin import hash_pin, is_pin
from terminal.settings import MerchantSettings, Settings
from tests.screen_world import Stall, story
from tests.service_world import ceremony
from tests.terminal_world import MERCHANT, TERMINAL, World, debits_cents

TREE = Path(__file__).parent.parent
PIN = "2580"
WITH_PIN = MerchantSettings(pin=hash_pin(PIN))
PAIRED = """
import hashlib, sys
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0, interactive=False)
from server_stub.keys import token_key_purpose
from server_stub.models import Terminal, TokenKey
from server_stub.wiring import caisse
from cardkit.signing import SigningKey
terminal = int(sys.argv[1])
ring, key = caisse().ring, SigningKey.from_scalar(2000 + terminal, caisse="flers")
row = Terminal.objects.create(
    id=terminal, journal_key=key.public.encoded, transport_key=key.public.encoded, certificate=b"c",
    enrolled_at=caisse().clock.now().at, cursor_head=key.public.digest,
)
token_key = hashlib.sha256(f"token key {terminal}".encode()).digest()
TokenKey.objects.create(
    terminal=row, sealed=ring.seal(token_key, purpose=token_key_purpose(terminal))
)
"""
"""A service that has paired the stall of `tests.terminal_world`, as far as this matters."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a service that knows one terminal."""
    data = tmp_path_factory.mktemp("service")
    keys = data / "keys"
    keys.mkdir(mode=0o700)
    write_public(keys, ceremony().public)
    write_bundle(keys, ceremony().service, caisse="flers", passphrase=None)
    command = [sys.executable, "-c", PAIRED, str(TERMINAL)]
    subprocess.run(command, env=environment(data), check=True)
    return data


def environment(data: Path) -> dict[str, str]:
    """What a process of the service needs."""
    return {
        **os.environ,
        "CLAFOUTIS_SERVER_DATA": str(data),
        "DJANGO_SETTINGS_MODULE": "server_stub.settings",
        "PYTHONPATH": str(TREE),
    }


def pin_code(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a person at the caisse types."""
    command = [sys.executable, "-m", "server_stub", "pin-code", *arguments]
    return subprocess.run(
        command, env=environment(data), capture_output=True, text=True, check=False
    )


async def operators(stall: Stall, kind: EntryKind) -> list[int]:
    """Who the journal says did something."""
    entries = await stall.app.do(lambda till: till.journal.entries(0, 200))
    return [it.envelope.operator for it in entries if it.envelope.kind == kind]


async def noted(stall: Stall) -> list[tuple[str, str, str]]:
    """What the journal says that people set: what, before, after."""
    entries = await stall.app.do(lambda till: till.journal.entries(0, 200))
    bodies = [it.body for it in entries if isinstance(it.body, SettingChanged)]
    return [(it.name, it.before, it.after) for it in bodies if it.name in {"pin", "mode"}]


@story
async def test_a_pin_is_chosen_and_then_asked_for(tmp_path: Path) -> None:
    """Promise: from the day that a PIN is chosen on, nobody sells as the producer without it."""
    world = World.make(tmp_path)
    async with Stall.open(world) as stall:
        await stall.idle()
        await stall.type("/")
        await stall.choose("Réglages", "Code")
        await stall.type("2580\n2581\n")
        await stall.sees("Les deux codes sont différents")
        await stall.type("2580\n2580\n")
        await stall.sees("Réglages")
    assert PIN not in world.data().settings.read_text()
    async with Stall.open(world) as stall:
        await stall.choose("Producteur")
        await stall.type("2581\n")
        await stall.sees("Ce n’est pas le code")
        assert stall.page == "PinPage"
        await stall.type("2580\n")
        await stall.idle()
        opened = await operators(stall, EntryKind.SESSION_OPENED)
        assert opened == [OperatorRole.PRODUCER, OperatorRole.PRODUCER]
        assert await noted(stall) == [("pin", "none", "set")]


@story
async def test_two_zeros_at_once_are_two_zeros_everywhere(tmp_path: Path) -> None:
    """Promise: the key 00 types what it says, in a PIN and in an hour as in an amount."""
    world = World.make(tmp_path)
    async with Stall.open(world) as stall:
        await stall.idle()
        await stall.type("/")
        await stall.choose("Réglages", "Code")
        for _twice in range(2):
            await stall.type("25")
            await stall.touch("00")
            await stall.type("\n")
        await stall.sees("Réglages")
        kept = Settings(world.data().settings).merchant(MERCHANT).pin
        assert is_pin("2500", kept)
        await stall.choose("Jour et heure")
        await stall.type("0110202609")
        await stall.touch("00")
        await stall.sees("01/10/2026 09:00")


@story
async def test_guessing_a_pin_takes_time(tmp_path: Path) -> None:
    """Promise: after three wrong PINs even the right one waits."""
    world = World.make(tmp_path)
    async with Stall.open(world, merchant=WITH_PIN) as stall:
        await stall.choose("Producteur")
        for wrong in ("1111\n", "2222\n", "3333\n"):
            await stall.sees("Code du producteur")
            await stall.type(wrong)
        await stall.sees("Ce n’est pas le code")
        await stall.type("2580\n")
        await stall.sees("Trop de codes faux : attendez 30 s.")
        world.clock.pass_time(timedelta(seconds=30))
        await stall.type("2580\n")
        await stall.idle()


@story
async def test_pulling_the_plug_gives_no_new_guesses(tmp_path: Path) -> None:
    """Promise: whoever switches the terminal off and on waits as long as who did not."""
    world = World.make(tmp_path)
    for wrong in ("1111\n", "2222\n", "3333\n"):
        async with Stall.open(world, merchant=WITH_PIN) as stall:
            await stall.choose("Producteur")
            await stall.type(wrong)
            await stall.sees("Ce n’est pas le code")
    async with Stall.open(world) as stall:
        await stall.choose("Producteur")
        await stall.type("2580\n")
        await stall.sees("Trop de codes faux : attendez 30 s.")
        world.clock.pass_time(timedelta(seconds=30))
        await stall.type("2580\n")
        await stall.idle()


@story
async def test_a_helper_sells_and_does_nothing_else(tmp_path: Path) -> None:
    """Promise: who has no PIN sells, and neither gives back, nor closes, nor sets anything."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    async with Stall.open(world, merchant=WITH_PIN) as stall:
        await stall.choose("Aide")
        await stall.idle()
        await stall.type("5\n")
        await stall.tap(card)
        await stall.sees("PAYÉ")
        await stall.type("\n")
        for way in (
            ("Réglages",),
            ("Clôturer la journée",),
            ("Ventes du jour", "5,00", "Rembourser tout", "Marchandise rendue"),
        ):
            await stall.idle()
            await stall.type("/")
            await stall.choose(*way)
            await stall.sees("Code du producteur")
            await stall.type("-")
            await stall.choose("Retour")
            if way[0] == "Ventes du jour":
                await stall.sees("Ventes du jour : 1")
                await stall.type("-")
        await stall.idle()
        books = await stall.books()
        assert books == [(EntryKind.INTENT, 5_00), (EntryKind.SALE, 5_00)]
        assert await operators(stall, EntryKind.SALE) == [OperatorRole.HELPER]
        assert await operators(stall, EntryKind.CLOSURE) == []
    assert debits_cents(card) == [5_00]


@story
async def test_what_a_pin_opens_is_the_producers_act(tmp_path: Path) -> None:
    """Promise: a refund under the producer's PIN is the producer's in the books, too."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    async with Stall.open(world, merchant=WITH_PIN) as stall:
        await stall.choose("Aide")
        await stall.idle()
        await stall.type("5\n")
        await stall.tap(card)
        await stall.sees("PAYÉ")
        await stall.type("\n")
        await stall.idle()
        await stall.type("/")
        await stall.choose("Ventes du jour", "5,00", "Rembourser tout", "Marchandise rendue")
        await stall.sees("Code du producteur")
        await stall.type("2580\n")
        await stall.choose("Oui, rembourser")
        await stall.sees("Recrédité 5,00")
        assert (await stall.books())[-1] == (EntryKind.REFUND, 5_00)
        assert await operators(stall, EntryKind.REFUND) == [OperatorRole.PRODUCER]


def test_a_forgotten_pin_is_replaced_with_the_caisses_code(tmp_path: Path, service: Path) -> None:
    """Promise: a telephone call to the caisse is enough, and its code is good for this call alone.

    The code comes from the service's own program: the two agree.
    """

    async def play() -> None:
        world = World.make(tmp_path)
        async with Stall.open(world, merchant=WITH_PIN) as stall:
            await stall.choose("Producteur")
            await stall.type("-")
            await stall.choose("Code oublié")
            first = await read_out(stall)
            await stall.type("12345678\n")
            await stall.sees("Ce code ne correspond pas")
            await stall.type("\n")
            await stall.choose("Producteur")
            await stall.type("-")
            await stall.choose("Code oublié")
            asked = await read_out(stall)
            assert asked != first
            answer = await asyncio.to_thread(pin_code, service, str(TERMINAL), asked)
            assert answer.returncode == 0, answer.stderr
            await stall.type(answer.stdout.replace(" ", ""))
            await stall.sees("Choisissez un code")
            await stall.type("7410\n7410\n")
            await stall.idle()
            opened = await operators(stall, EntryKind.SESSION_OPENED)
            assert opened == [OperatorRole.PRODUCER]
            assert await noted(stall) == [("pin", "set", "set")]
        assert is_pin("7410", Settings(world.data().settings).merchant(MERCHANT).pin)

    asyncio.run(play())


async def read_out(stall: Stall) -> str:
    """The digits that a producer reads out; they stay on the page while the answer is typed."""
    await stall.sees("Appelez la caisse et dictez :")
    line = next(it for it in stall.text.splitlines() if "dictez" in it)
    await stall.type("1-")
    await stall.sees(line)
    return line.split(":")[1].replace(" ", "")


def test_the_service_answers_for_its_terminals_alone(service: Path) -> None:
    """Promise: a wrong number or half a challenge is said in a sentence, and answered with none."""
    stranger = pin_code(service, "99", "123456")
    assert (stranger.returncode, stranger.stdout) == (1, "")
    assert "terminal 99" in stranger.stderr
    half = pin_code(service, str(TERMINAL), "12345")
    assert (half.returncode, half.stdout) == (1, "")
    assert "six chiffres" in half.stderr
