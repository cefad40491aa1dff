"""When the world breaks in beside the card: no sentence says less than what may have happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cardkit.bodies import EntryKind, Stopped
from cardkit.errors import CardLost, JournalLocked, ReaderLost, ReaderMissing, StoreError
from cardkit.reader import Reader
from cardkit.sync import ENTRIES_MAX
from simulator.card import VirtualCard
from simulator.field import Field, FieldConnection
from terminal.__main__ import cli
from terminal.context import Context, Exit
from terminal.files import write_atomically
from terminal.line_mode import LineMode
from terminal.sync import INBOX_MAX
from terminal.till import Till
from terminal.wiring import open_till
from terminal.words import Words
from tests.http_service import http_service
from tests.terminal_world import MERCHANT, SOFTWARE, World, debits_cents
from tests.test_terminal_sync import Service, sync_of

COMMIT = 9
NOTHING_DEBITED = "Rien n’a été débité"


class Unplugged(Field):
    """A reader that is pulled out while the card still lies on it."""

    def wait_for_removal(self, timeout_s: float) -> bool:
        """Be gone."""
        raise ReaderLost(f"gone for {timeout_s} s")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A paired terminal and a card with 50 €."""
    world = World.make(tmp_path)
    world.new_card(50_00)
    world.publish()
    world.enrol()
    return world


@pytest.fixture
def card(world: World) -> VirtualCard:
    """The one card."""
    (member,) = world.members.values()
    return member.card


def talk(till: Till, reader: Field, lines: Iterator[str]) -> str:
    """What the line-mode till says to what is typed."""
    said = list[str]()
    LineMode(
        till,
        reader,
        merchant=MERCHANT,
        words=Words("fr"),
        read_line=lambda: next(lines, None),
        write=said.append,
    ).run()
    return "\n".join(said)


def run(world: World, reader: Field, command: str, *arguments: str) -> Result:
    """One command, with what lies on a reader."""
    context = Context(world.data(), "field:", Words("fr"), world.clock, lambda _: reader)
    path = command.split()
    return CliRunner().invoke(cli.named(path[0]), [*path[1:], *arguments], obj=context)


@pytest.mark.parametrize("executed", [False, True], ids=["before", "after"])
def test_a_reader_pulled_out_after_amber_takes_nothing_back(
    world: World, card: VirtualCard, executed: bool
) -> None:
    """Promise: once Commit was sent, nobody is told that nothing was debited."""
    till, reader = world.till(), Unplugged()
    reader.place(card)
    (reader.tear_after if executed else reader.tear_before)(COMMIT)
    said = talk(till, reader, iter(["12,50"]))
    assert "INCONNU" in said
    assert NOTHING_DEBITED not in said
    till.close()


def test_a_reader_pulled_out_after_green_takes_nothing_back(
    world: World, card: VirtualCard
) -> None:
    """Promise: what was paid stays paid, whatever the reader does then."""
    till, reader = world.till(), Unplugged()
    reader.place(card)
    said = talk(till, reader, iter(["12,50", "solde"]))
    assert "PAYÉ 12,50 €" in said
    assert "peut payer 37,50 €" in said
    assert NOTHING_DEBITED not in said
    till.close()


def test_an_open_sale_is_not_forgotten_when_the_next_tap_fails(
    world: World, card: VirtualCard
) -> None:
    """Promise: a failed second tap says nothing about the first; the open sale is named."""
    till = world.till()
    reader = Field()

    def lines() -> Iterator[str]:
        for exchange in (COMMIT, 3):
            reader.lift()
            reader.place(card)
            reader.tear_before(exchange)
            yield "12,50"

    last = talk(till, reader, lines()).splitlines()[-1]
    (held,) = till.journal.open_intents()
    assert last.startswith(f"On ne sait pas encore si la vente {held.seq} de 12,50 €")
    till.stop()
    reader.lift()
    reader.place(card)
    reader.tear_before(3)
    result = run(world, reader, "sell", "12,50")
    assert isinstance(result.exception, CardLost)
    assert f"la vente {held.seq} de 12,50 €" in result.stderr


def test_a_balance_tells_what_it_settled(world: World, card: VirtualCard) -> None:
    """Promise: an earlier sale that turns out to be paid is said at whatever tap finds it."""
    reader = Field()
    reader.place(card)
    reader.tear_after(COMMIT)
    assert run(world, reader, "sell", "5").exit_code == Exit.AMBER
    reader.lift()
    again = Field()
    again.place(card)
    result = run(world, again, "balance")
    assert result.stdout.strip() == "45,00 €"
    assert "de 5,00 € avait été débitée : elle est payée" in result.stderr


SLOTS_READ = 11
"""The exchange of a balance that comes after an earlier sale was settled by the one record."""


def test_a_balance_tells_it_also_when_the_card_leaves_too_early(
    world: World, card: VirtualCard
) -> None:
    """Promise: what the journal knows to be paid is said, whatever the card does then."""
    first, second, third = Field(), Field(), Field()
    first.place(card)
    first.tear_after(COMMIT)
    assert run(world, first, "sell", "5").exit_code == Exit.AMBER
    second.place(card)
    second.tear_before(SLOTS_READ)
    result = run(world, second, "balance")
    assert isinstance(result.exception, CardLost)
    assert "PAYÉ 5,00 €" in result.stderr
    assert result.stdout == ""
    till = world.till()
    assert till.journal.open_intents() == ()

    def lines() -> Iterator[str]:
        third.place(card)
        third.tear_after(COMMIT)
        yield "4"
        third.place(card)
        third.tear_before(SLOTS_READ)
        yield "solde"

    assert "PAYÉ 4,00 €" in talk(till, third, lines())
    assert till.journal.open_intents() == ()
    till.close()


def test_a_void_is_told_beside_the_new_sale(world: World, card: VirtualCard) -> None:
    """Promise: the sale that did not happen is said, also when another one does now."""
    reader = Field()
    reader.place(card)
    reader.tear_before(COMMIT)
    assert run(world, reader, "sell", "5").exit_code == Exit.AMBER
    reader.lift()
    again = Field()
    again.place(card)
    result = run(world, again, "sell", "6")
    assert "6,00 €" in result.stdout
    assert "de 5,00 € n’avait pas été débitée" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("refund", "9" * 20),
        ("sell", "1", "--merchant", "-8"),
        ("sell", "1", "--merchant", "9" * 11),
        ("till", "--merchant", "9" * 11),
    ],
)
def test_numbers_that_nothing_has(
    world: World, card: VirtualCard, arguments: tuple[str, ...]
) -> None:
    """Promise: a number beyond 32 bits is wrong usage, and no crash."""
    reader = Field()
    reader.place(card)
    result = run(world, reader, *arguments)
    assert result.exit_code == 2, "click's own status; main() makes it 64"
    assert isinstance(result.exception, SystemExit)


def test_the_line_mode_till_bears_any_number(world: World) -> None:
    """Promise: nothing that is typed ends the till."""
    till = world.till()
    said = talk(till, Field(), iter([f"rembourser {'9' * 20}", f"autrement {'9' * 5_000}"]))
    assert "Aucune vente payée" in said
    till.stop()


def test_a_terminal_that_was_never_paired_says_so(tmp_path: Path) -> None:
    """Promise: a newcomer reads what to do, and not that something is broken."""
    data = World.make(tmp_path).data()
    with pytest.raises(StoreError) as caught:
        open_till(data, clock=World.make(tmp_path).clock, software=SOFTWARE)
    assert "pair" in Words("fr").trouble(caught.value)
    assert "illisibles" not in Words("fr").trouble(caught.value)


def test_a_till_without_a_reader_journals_nothing(world: World) -> None:
    """Promise: a till that is started anew every second until its reader is there wears no disk."""

    def no_reader(_address: str) -> Reader:
        raise ReaderMissing("nothing is there")

    before = world.data().journal.read_bytes()
    context = Context(world.data(), "auto", Words("fr"), world.clock, no_reader)
    result = CliRunner().invoke(cli.named("till"), [], obj=context)
    assert isinstance(result.exception, ReaderMissing)
    assert world.data().journal.read_bytes() == before


def test_a_second_till_touches_nothing(world: World) -> None:
    """Promise: whoever finds the till open opens no second connection to its databases."""
    till = world.till()
    aside = world.data().store.rename(world.data().root / "aside")
    with pytest.raises(JournalLocked):
        open_till(world.data(), clock=world.clock, software=SOFTWARE)
    assert not world.data().store.exists()
    aside.rename(world.data().store)
    till.stop()
    world.till().stop()


def test_a_running_till_is_synced(world: World, card: VirtualCard) -> None:
    """Promise: what a till sells is carried to the service while it goes on selling."""
    till, reader = world.till(), Unplugged()
    service = Service(world, till)

    def lines() -> Iterator[str]:
        reader.place(card)
        yield "12,50"
        with http_service(service.respond) as http:
            result = run(world, Field(), "sync", "--url", http.url)
        assert result.exit_code == Exit.DONE, result.stderr
        assert till.journal.unsent_cents() == 12_50, "only the till knows what is acknowledged"
        yield ""
        assert till.journal.unsent_cents() == 0

    talk(till, reader, lines())
    assert [entry.envelope.kind for entry in service.stored][-2:] == [
        EntryKind.INTENT,
        EntryKind.SALE,
    ]
    till.stop()


def test_the_log_of_a_running_till_stays_small(world: World, card: VirtualCard) -> None:
    """Promise: between two taps the write-ahead log begins anew, however long the till runs."""
    till, reader = world.till(), Unplugged()
    reader.place(card)
    log = world.data().journal.with_name("journal.db-wal")
    sizes = list[int]()

    def lines() -> Iterator[str]:
        for _ in range(20):
            yield "1"
            sizes.append(log.stat().st_size)

    talk(till, reader, lines())
    assert max(sizes) < 3 * sizes[0] < 150_000, "never more than a few taps hold"
    assert debits_cents(card) == [1_00] * 20
    till.stop()


def test_an_outbox_that_takes_nothing_stops_no_sale(world: World, card: VirtualCard) -> None:
    """Promise: what can't be left for the service stays in the journal, and the till goes on."""
    reader = Field()
    reader.place(card)
    outbox = world.data().outbox
    outbox.rmdir()
    outbox.write_bytes(b"")
    result = run(world, reader, "sell", "5")
    assert result.exit_code == Exit.DONE, result.exception
    assert "5,00 €" in result.stdout
    assert "illisibles" in result.stderr
    till = world.till()
    with pytest.raises(StoreError):
        till.export_outbox()
    before = till.journal.entry(till.journal.head.seq - 1)
    assert before is not None
    assert before.envelope.kind == EntryKind.STOPPED
    till.close()


def test_a_full_disk_leaves_no_litter(tmp_path: Path) -> None:
    """Promise: a file that could not be written whole gives its room back."""
    path = tmp_path / "there"
    path.mkdir()
    (path / "in the way").touch()
    with pytest.raises(IsADirectoryError):
        write_atomically(path, b"content")
    assert [it.name for it in tmp_path.iterdir()] == ["there"]


def test_what_lies_in_the_inbox_by_chance_hurts_nobody(world: World, card: VirtualCard) -> None:
    """Promise: a file of another name is refused like any bad answer, and numbers go on."""
    till = world.till()
    (world.data().inbox / "photo.cbor").write_bytes(b"no answer")
    world.sell(till, card, 1_00)
    till.export_outbox()
    service = Service(world, till)
    with http_service(service.respond) as http:
        run(world, Field(), "sync", "--url", http.url)
    assert till.consume_inbox() == 1
    assert till.journal.last(EntryKind.DOCUMENT_REFUSED) is not None
    assert list(world.data().inbox.iterdir()) == []
    till.stop()


def test_an_idle_till_is_not_buried_in_answers(world: World) -> None:
    """Promise: while nobody takes the answers in, syncing again and again fills no disk."""
    till = world.till()
    till.export_outbox()
    service = Service(world, till)
    with http_service(service.respond) as http:
        for _ in range(INBOX_MAX + 5):
            sync_of(world, http.url).run()
        assert len(list(world.data().inbox.iterdir())) == len(http.bodies) == INBOX_MAX
        assert till.consume_inbox() == INBOX_MAX
        assert sync_of(world, http.url).run() == 1
    till.close()


def test_the_network_never_holds_the_till(world: World) -> None:
    """Promise: while a sync waits for the service, a till can be started."""
    service = Service(world, world.till())
    service.till.close()
    started = list[int]()

    def respond(url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        till = open_till(world.data(), clock=world.clock, software=SOFTWARE)
        started.append(till.journal.head.seq)
        till.close()
        return service.respond(url, headers, body)

    with http_service(respond) as http:
        result = run(world, Field(), "sync", "--url", http.url)
    assert result.exit_code == Exit.DONE, result.exception
    assert len(started) == 1
    till = world.till()
    assert till.journal.acknowledged_seq == started[0]
    till.stop()


def test_a_waiting_request_is_not_written_again(world: World) -> None:
    """Promise: a day without network does not wear the disk out by rewriting what waits."""
    till = world.till()
    while till.journal.head.seq < 2 * ENTRIES_MAX:
        till.journal.append(EntryKind.STOPPED, Stopped())
    till.export_outbox()
    first, *_, last = sorted(world.data().outbox.iterdir())
    before = first.stat().st_ino, last.stat().st_ino
    till.journal.append(EntryKind.STOPPED, Stopped())
    till.export_outbox()
    first, *_, last = sorted(world.data().outbox.iterdir())
    assert first.stat().st_ino == before[0]
    assert last.stat().st_ino != before[1]
    assert last.name.endswith(f"-{till.journal.head.seq:010}.cbor")
    till.close()


def test_announced_before_anything_else(world: World, card: VirtualCard) -> None:
    """Promise: a late green is shown when its sale is on disk, not after what follows it."""
    till = world.till()
    world.field.lift()
    connection: FieldConnection = world.connect(card)
    world.field.tear_after(COMMIT)
    till.sell(connection, 5_00, merchant=MERCHANT)
    heads = list[int]()
    world.tap(
        card,
        lambda it: till.sell(
            it, 5_00, merchant=MERCHANT, announce=lambda _: heads.append(till.journal.head.seq)
        ),
    )
    sale = till.journal.last(EntryKind.SALE)
    assert sale is not None
    assert heads == [sale.seq]
    till.stop()
