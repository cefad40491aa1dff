"""A till that can't go on: what is said, what is kept, and what is there after a restart."""

from __future__ import annotations

from pathlib import Path

from cardkit.bodies import EntryKind
from simulator.disk import Disk, Trouble
from tests.screen_world import Stall, story
from tests.terminal_world import World, debits_cents

SOLD = [(EntryKind.INTENT, 5_00), (EntryKind.SALE, 5_00)]


@story
async def test_a_full_disk_stops_sales_and_loses_none(tmp_path: Path) -> None:
    """Promise: with a full disk no card is debited and nothing sold is lost; it says what helps."""
    world = World.make(tmp_path)
    card, other = world.new_card(50_00), world.new_card(50_00)
    world.publish()
    world.enrol()
    with Disk(world.data().root) as disk:
        async with Stall.open(world) as stall:
            await stall.idle()
            await stall.type("5\n")
            await stall.tap(card)
            await stall.sees("PAYÉ")
            await stall.type("\n")
            await stall.idle()
            disk.fail(Trouble.FULL, for_ever=True)
            await stall.type("7\n")
            await stall.sees("Présentez la carte")
            await stall.lay(other)
            await stall.sees(
                "Plus rien ne peut être vendu",
                "disque",
                "Redémarrer le terminal",
                "tout ce qui est vendu est gardé",
            )
            world.field.lift()
            await stall.type("-")
            assert "Plus rien ne peut être vendu" in stall.text, "nothing leads back to selling"
            await stall.type("1")
            await stall.until(lambda: stall.app.return_value is not None)
            assert stall.app.return_value == 1, "the status after which systemd starts it anew"
        disk.heal()
        async with Stall.open(world) as stall:
            await stall.idle()
            assert "✔ 5,00 € à 10:00" in stall.text
            assert await stall.books() == SOLD
            await stall.type("7\n")
            await stall.tap(other)
            await stall.sees("PAYÉ", "7,00")
    assert debits_cents(card) == [5_00]
    assert debits_cents(other) == [7_00]


@story
async def test_a_till_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    """Promise: damaged data shows a page with what to do, and never an empty screen."""
    world = World.make(tmp_path)
    world.publish()
    world.enrol()
    journal = world.data().journal
    content = bytearray(journal.read_bytes())
    content[:16] = b"not a database.."
    journal.write_bytes(content)
    async with Stall.open(world) as stall:
        await stall.sees("Plus rien ne peut être vendu", "Redémarrer le terminal")
        await stall.type("5\n")
        assert "Présentez la carte" not in stall.text
