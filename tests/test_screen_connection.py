"""Getting through to the caisse from the screen: now, by Wi-Fi, by telephone, by stick."""

from __future__ import annotations

from pathlib import Path

from cardkit.bodies import EntryKind
from terminal.mounts import Stick, stick_at
from tests.screen_world import Stall, story
from tests.scripted_nmcli import Scripted
from tests.terminal_world import World, debits_cents

PASSWORD = "Chevre&42"
SCAN = """\
 :81:WPA2:Bar de la Place
 :40::mairie-libre
"""
WELL = (0, "", "")


@story
async def test_an_exchange_is_asked_for_by_hand(tmp_path: Path) -> None:
    """Promise: one touch lays what is unsent out and asks for an exchange; selling goes on."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    async with Stall.open(world) as stall:
        await stall.idle()
        await stall.type("5\n")
        await stall.tap(card)
        await stall.sees("PAYÉ")
        await stall.type("\n")
        await stall.idle()
        await stall.type("/")
        await stall.choose("Connexion")
        await stall.sees("Aucun échange n’a encore abouti.", "À envoyer : 5,00 € (1)")
        await stall.choose("Échanger maintenant")
        await stall.sees("L’échange est demandé.")
        assert world.data().wanted.exists()
        waits = [it for it in world.data().outbox.iterdir() if it != world.data().wanted]
        assert waits, "what is unsent lies ready"
        await stall.type("\n-")
        await stall.idle()
        await stall.type("6\n")
        await stall.tap(card)
        await stall.sees("PAYÉ", "6,00")
    assert debits_cents(card) == [5_00, 6_00]


@story
async def test_a_network_is_joined_with_the_keys_on_the_screen(tmp_path: Path) -> None:
    """Promise: a password is typed at a stall without a keyboard, and no process can read it."""
    world = World.make(tmp_path)
    scripted = Scripted(tmp_path)
    wifi = scripted.wifi(
        device_wifi_list=(0, SCAN, ""),
        connection_show=WELL,
        connection_add=WELL,
        connection_up=WELL,
        device_show=WELL,
    )
    async with Stall.open(world, wifi=wifi) as stall:
        await stall.idle()
        await stall.type("/")
        await stall.choose("Connexion", "Wi-Fi", "Bar de la Place")
        await stall.sees("Mot de passe de Bar de la Place")
        await stall.strike("⇧", "C", "⇧", *"hevr", "123", "3", "⌫", "123", "e", "123", "&", "4")
        assert "Chevr" not in stall.text
        await stall.strike("2", "OK")
        await stall.sees("Connecté à Bar de la Place.")
    assert not any(PASSWORD in word for asked, _ in scripted.calls for word in asked)
    (secret,) = (stdin for _, stdin in scripted.calls if stdin)
    assert PASSWORD in secret


@story
async def test_a_wrong_password_is_said(tmp_path: Path) -> None:
    """Promise: what a system's tool says of a password is said in words that help."""
    world = World.make(tmp_path)
    scripted = Scripted(tmp_path)
    refused = (4, "", "Error: Connection activation failed: Secrets were required\n")
    wifi = scripted.wifi(
        device_wifi_list=(0, SCAN, ""),
        connection_show=WELL,
        connection_add=WELL,
        connection_up=refused,
        connection_delete=WELL,
    )
    async with Stall.open(world, wifi=wifi) as stall:
        await stall.idle()
        await stall.type("/")
        await stall.choose("Connexion", "Wi-Fi", "Bar de la Place")
        await stall.pilot.press(*PASSWORD, "enter")
        await stall.sees("Le réseau refuse ce mot de passe")
        assert PASSWORD not in stall.text
        await stall.type("\n")
        await stall.sees("Connexion")


@story
async def test_without_a_stick_it_is_asked_for(tmp_path: Path) -> None:
    """Promise: who forgot to plug the stick in reads what to do, and nothing else happens."""
    world = World.make(tmp_path)
    async with Stall.open(world) as stall:
        await stall.idle()
        await stall.type("/")
        await stall.choose("Connexion", "Par clé USB")
        await stall.sees("Branchez-en une")
        await stall.type("\n")
        await stall.sees("Échanger maintenant")


@story
async def test_sales_leave_on_a_stick(tmp_path: Path) -> None:
    """Promise: without any network the sales leave on a stick, which may then be pulled."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    folder = tmp_path / "stick"
    folder.mkdir()

    def find_stick() -> Stick | None:
        return stick_at(folder)

    async with Stall.open(world, find_stick=find_stick) as stall:
        await stall.idle()
        await stall.type("5\n")
        await stall.tap(card)
        await stall.sees("PAYÉ")
        await stall.type("\n")
        await stall.idle()
        await stall.type("/")
        await stall.choose("Connexion", "Par clé USB")
        await stall.sees("sont sur la clé, pour la caisse", "Vous pouvez la retirer.")
        entries = await stall.app.do(lambda till: till.journal.entries(0, 100))
        assert entries[-1].envelope.kind == EntryKind.MEDIUM_EXCHANGED
        assert [it for it in folder.rglob("*") if it.is_file()]
    assert debits_cents(card) == [5_00]


@story
async def test_without_a_network_manager_the_screen_goes_on(tmp_path: Path) -> None:
    """Promise: a computer without the system's tool for networks says so and sells."""
    world = World.make(tmp_path)
    async with Stall.open(world) as stall:
        await stall.idle()
        await stall.type("/")
        await stall.choose("Connexion", "Wi-Fi")
        await stall.sees("Wi-Fi")
        await stall.type("\n")
        await stall.choose("Par un téléphone")
        await stall.sees("partage de connexion USB")


@story
async def test_diagnostics_leave_on_a_stick_without_a_card(tmp_path: Path) -> None:
    """Promise: whoever helps from afar gets how the terminal is, and no card, name or key."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    folder = tmp_path / "stick"
    folder.mkdir()
    async with Stall.open(world, find_stick=lambda: stick_at(folder)) as stall:
        await stall.type("5\n")
        await stall.tap(card)
        await stall.sees("PAYÉ")
        await stall.type("-")
        await stall.idle()
        await stall.type("/")
        await stall.choose("Connexion", "Diagnostic sur clé")
        await stall.sees("Il est sur la clé")
    files = [it for it in folder.rglob("*") if it.is_file()]
    assert {it.name for it in files} >= {"state.json", "log.txt", "LISEZMOI.txt"}
    assert not any(card.uid.hex() in it.read_text("utf-8").lower() for it in files)
