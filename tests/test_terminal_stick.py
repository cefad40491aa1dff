"""The exchange by stick: both ways, twice, cut short, on full, locked and foreign sticks."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from cardkit.bodies import EntryKind, MediumExchanged
from cardkit.errors import (
    JournalDamaged,
    SignatureInvalid,
    StickError,
    StickFull,
    StickGone,
    StickReadOnly,
)
from cardkit.signing import SigningKey
from cardkit.stick import StickFolder, open_request, sign_request
from cardkit.sync import ENTRIES_MAX, SyncAnswer, decode_request, sign_answer
from server_stub.services.stick import FolderDone, Left, serve_stick
from terminal.keyring import read_transport_key
from terminal.mailbox import Mailbox
from terminal.mounts import Stick
from terminal.stick import StickExchange
from terminal.till import Till
from tests.service_world import ServiceWorld, ceremony
from tests.terminal_world import CAISSE, TERMINAL, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A caisse whose keys are those of the service's world."""
    keys = ceremony()
    world = World.make(tmp_path / "terminals")
    world.root = keys.root.signing_key(CAISSE)
    world.issuer = keys.service.issuer_key(CAISSE)
    world.service = keys.service.service_key(CAISSE)
    world.path.mkdir()
    world.new_card(50_00)
    world.publish()
    return world


@pytest.fixture
def till(world: World) -> Iterator[Till]:
    """An open till."""
    till = world.till()
    yield till
    till.close()


@pytest.fixture
def stick(tmp_path: Path) -> Stick:
    """A folder that stands for a stick: it can neither be full nor be pulled out."""
    path = tmp_path / "stick"
    path.mkdir()
    return stick_at(path)


def stick_at(path: Path) -> Stick:
    """The stick whose files lie here."""
    return Stick(path=path, medium="sda1 test", device=path.stat().st_dev)


def transport_of(world: World) -> SigningKey:
    """The key that signs requests."""
    return read_transport_key(world.data().keys, caisse=CAISSE)


def exchange_of(world: World, till: Till, key: SigningKey | None = None) -> StickExchange:
    """The till's half."""
    mailbox = Mailbox(
        world.data(),
        journal=till.journal,
        store=till.store,
        clock=till.clock,
        software_version="0.0.0",
    )
    return StickExchange(journal=till.journal, mailbox=mailbox, key=key or transport_of(world))


def folder_of(stick: Stick, terminal: int = TERMINAL) -> StickFolder:
    """A terminal's place."""
    return StickFolder(stick=stick.path, caisse=CAISSE, terminal=terminal)


def leave_answer(world: World, till: Till, stick: Stick, up_to_seq: int) -> bytes:
    """Put an answer on the stick as the service does."""
    content = world.answer(till.journal, up_to_seq)
    folder = folder_of(stick)
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.answer.write_bytes(content)
    return content


def exchanges(till: Till) -> list[MediumExchanged]:
    """What the journal tells of sticks."""
    bodies = [entry.body for entry in till.journal.entries(0, 1_000)]
    return [body for body in bodies if isinstance(body, MediumExchanged)]


# There and back


@pytest.mark.django_db
def test_a_stall_without_a_network_is_acknowledged(world: World, till: Till, stick: Stick) -> None:
    """Promise: what was sold arrives by stick, and the till learns that it did."""
    service = ServiceWorld.make()
    service.stall(TERMINAL)
    world.sell(till, next(iter(world.members.values())).card, 12_50)
    assert till.journal.unsent_cents() == 12_50
    exchange = exchange_of(world, till)
    there = exchange.run(stick)
    assert (there.requests, there.answers) == (1, 0)
    (done,) = serve_stick(service.caisse, stick.path)
    assert done == FolderDone(name=f"{CAISSE}-{TERMINAL}", requests=1)
    back = exchange.run(stick)
    assert back.answers == 1
    assert till.journal.acknowledged_seq == there.written_up_to_seq
    assert till.journal.unsent_cents() == 0
    first, second = exchanges(till)
    assert first.written_up_to_seq == there.written_up_to_seq
    assert (first.read_digest, second.read_digest is None) == (None, False)


@pytest.mark.django_db
def test_the_service_takes_a_stick_twice_to_the_same_books(
    world: World, till: Till, stick: Stick
) -> None:
    """Promise: a stick that is read again, or was copied, changes nothing."""
    service = ServiceWorld.make()
    service.stall(TERMINAL)
    exchange_of(world, till).run(stick)
    once = serve_stick(service.caisse, stick.path)
    answer = folder_of(stick).answer.read_bytes()
    assert serve_stick(service.caisse, stick.path) == once
    assert folder_of(stick).answer.read_bytes() == answer


@pytest.mark.django_db
def test_the_service_leaves_what_is_not_genuine(world: World, till: Till, stick: Stick) -> None:
    """Promise: a stick is nobody's word: only what the terminal itself signed is taken in."""
    service = ServiceWorld.make()
    service.stall(TERMINAL)
    exchange_of(world, till).run(stick)
    (request,) = folder_of(stick).requests.iterdir()
    genuine = request.read_bytes()
    forged = sign_request(b"\xa0", key=SigningKey.from_scalar(5, caisse=CAISSE))
    (request.parent / "0000000000-0000000000.cbor").write_bytes(forged)
    (request.parent / "9999999999-9999999999.cbor").write_bytes(genuine[:-1] + b"\0")
    for name in (f"{CAISSE}-77", "lyon-3", f"{CAISSE}-03", "photos"):
        (folder_of(stick).path.parent / name).mkdir()
    done = {it.name: it for it in serve_stick(service.caisse, stick.path)}
    assert done[f"{CAISSE}-{TERMINAL}"].requests == 1
    assert [why for _, why in done[f"{CAISSE}-{TERMINAL}"].left] == [Left.NOT_GENUINE] * 2
    assert done[f"{CAISSE}-77"].left == ((f"{CAISSE}-77", Left.UNKNOWN_TERMINAL),)
    for name in ("lyon-3", f"{CAISSE}-03", "photos"):
        assert done[name].left == ((name, Left.ANOTHER_CAISSE),)


@pytest.mark.django_db
def test_the_service_follows_no_link(
    world: World, till: Till, stick: Stick, tmp_path: Path
) -> None:
    """Promise: a stick with links, made for it, has the service write and read nothing else."""
    service = ServiceWorld.make()
    service.stall(TERMINAL)
    precious = tmp_path / "precious"
    precious.write_bytes(b"books")
    exchange_of(world, till).run(stick)
    folder = folder_of(stick)
    (folder.path / ".answer.cbor.new").symlink_to(precious)
    assert serve_stick(service.caisse, stick.path)[0].requests == 1
    assert precious.read_bytes() == b"books"
    folder.path.rename(tmp_path / "elsewhere")
    folder.path.symlink_to(tmp_path / "elsewhere")
    assert serve_stick(service.caisse, stick.path) == ()
    folder.path.unlink()
    folder.path.mkdir()
    folder.requests.symlink_to(tmp_path / "elsewhere/requests")
    assert serve_stick(service.caisse, stick.path)[0].requests == 0


@pytest.mark.django_db
def test_a_stick_without_our_folder_is_said_so(stick: Stick) -> None:
    """Promise: an empty stick is a sentence at the service, no traceback."""
    with pytest.raises(StickError):
        serve_stick(ServiceWorld.make().caisse, stick.path)


# The till's half


def test_a_request_says_itself_whose_it_is(world: World, till: Till, stick: Stick) -> None:
    """Promise: the same body as by the network, signed so that it needs no line to vouch for it."""
    exchange_of(world, till).run(stick)
    (path,) = folder_of(stick).requests.iterdir()
    key = transport_of(world).public
    request = open_request(path.read_bytes(), key=key, caisse=CAISSE, terminal=TERMINAL)
    assert request == decode_request((world.data().outbox / path.name).read_bytes())
    other = SigningKey.from_scalar(5, caisse=CAISSE).public
    with pytest.raises(SignatureInvalid):
        open_request(path.read_bytes(), key=other, caisse=CAISSE, terminal=TERMINAL)


def test_doing_it_again_changes_nothing(world: World, till: Till, stick: Stick) -> None:
    """Promise: a stick that stays plugged in does not fill the journal with its own exchanges."""
    leave_answer(world, till, stick, 1)
    exchange = exchange_of(world, till)
    exchange.run(stick)
    exchange.run(stick)
    head = till.journal.head
    files = {path.name: path.read_bytes() for path in folder_of(stick).requests.iterdir()}
    exchange.run(stick)
    assert till.journal.head == head
    assert len(exchanges(till)) == 1
    assert {path.name for path in folder_of(stick).requests.iterdir()} == set(files)


def test_an_answer_is_taken_in_once(world: World, till: Till, stick: Stick) -> None:
    """Promise: an answer that can't be deleted from the stick is not news the next time."""
    content = leave_answer(world, till, stick, 1)
    exchange = exchange_of(world, till)
    assert exchange.run(stick).answers == 1
    assert not folder_of(stick).answer.exists()
    folder_of(stick).answer.write_bytes(content)
    assert exchange.run(stick).answers == 0


def test_an_old_answer_is_passed_over(world: World, till: Till, stick: Stick) -> None:
    """Promise: a stick that lay in a drawer neither takes back an acknowledgement nor is logged."""
    old = world.answer(till.journal, 1)
    world.clock.pass_time(timedelta(days=7))
    leave_answer(world, till, stick, till.journal.head.seq)
    exchange = exchange_of(world, till)
    assert exchange.run(stick).answers == 1
    acknowledged = till.journal.acknowledged_seq
    folder_of(stick).answer.write_bytes(old)
    assert exchange.run(stick).answers == 0
    assert till.journal.acknowledged_seq == acknowledged > 1
    assert till.journal.last(EntryKind.DOCUMENT_REFUSED) is None


def test_the_network_s_answers_go_first(world: World, till: Till, stick: Stick) -> None:
    """Promise: an answer that waits in the inbox is not refused for being older."""
    (world.data().inbox / "0000000001.cbor").write_bytes(world.answer(till.journal, 1))
    world.clock.pass_time(timedelta(hours=1))
    leave_answer(world, till, stick, 1)
    assert exchange_of(world, till).run(stick).answers == 1
    till.consume_inbox()
    assert till.journal.last(EntryKind.DOCUMENT_REFUSED) is None


def test_an_answer_to_another_terminal_is_left(world: World, till: Till, stick: Stick) -> None:
    """Promise: the answer of a neighbour, put into the wrong folder, is not ours."""
    answer = SyncAnswer(terminal=8, up_to_seq=0, head=bytes(32), epoch=1, answered_at=world.now)
    folder = folder_of(stick)
    folder.path.mkdir(parents=True)
    folder.answer.write_bytes(sign_answer(world.service, answer).encoded)
    assert exchange_of(world, till).run(stick).answers == 0
    assert folder.answer.exists()


def test_a_forged_answer_is_journalled(world: World, till: Till, stick: Stick) -> None:
    """Promise: who puts an answer of his own on a stick gets nothing, and leaves a trace."""
    world.service = SigningKey.from_scalar(66, caisse=CAISSE)
    leave_answer(world, till, stick, 1)
    assert exchange_of(world, till).run(stick).answers == 0
    assert till.journal.last(EntryKind.DOCUMENT_REFUSED) is not None
    assert till.journal.acknowledged_seq == 0


def test_an_answer_of_another_chain_stops_the_till(world: World, till: Till, stick: Stick) -> None:
    """Promise: a terminal that was put back learns it from a stick as from the network."""
    answer = SyncAnswer(
        terminal=TERMINAL, up_to_seq=1, head=bytes(32), epoch=1, answered_at=world.now
    )
    folder = folder_of(stick)
    folder.path.mkdir(parents=True)
    folder.answer.write_bytes(sign_answer(world.service, answer).encoded)
    with pytest.raises(JournalDamaged):
        exchange_of(world, till).run(stick)
    with pytest.raises(JournalDamaged):
        till.consume_inbox()


def test_foreign_files_are_left_alone(world: World, till: Till, stick: Stick) -> None:
    """Promise: what else lies on a stick, as on any family's, is neither read nor touched."""
    folder = folder_of(stick)
    neighbour = folder_of(stick, 8)
    for path in (stick.path / "photo.jpg", neighbour.answer, folder.requests / "notes.txt"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"precious")
    (stick.path / "elsewhere").write_bytes(world.answer(till.journal, 1))
    folder.answer.symlink_to(stick.path / "elsewhere")
    done = exchange_of(world, till).run(stick)
    assert (done.answers, done.others) == (0, (f"{CAISSE}-8",))
    for path in (stick.path / "photo.jpg", neighbour.answer, folder.requests / "notes.txt"):
        assert path.read_bytes() == b"precious"


@pytest.mark.parametrize(
    "content", [b"", b"\xd2", b"hello", bytes(5_000_000)], ids=["empty", "half", "text", "huge"]
)
def test_an_answer_that_is_none_is_left(
    world: World, till: Till, stick: Stick, content: bytes
) -> None:
    """Promise: half an answer, a huge one or anything else costs nothing but the look."""
    folder = folder_of(stick)
    folder.path.mkdir(parents=True)
    folder.answer.write_bytes(content)
    assert exchange_of(world, till).run(stick).answers == 0
    assert till.journal.last(EntryKind.DOCUMENT_REFUSED) is None


def test_what_is_acknowledged_leaves_the_stick(world: World, till: Till, stick: Stick) -> None:
    """Promise: the stick holds what is unsent and not a second history of the stall."""
    exchange = exchange_of(world, till)
    exchange.run(stick)
    leave_answer(world, till, stick, till.journal.head.seq)
    exchange.run(stick)
    (path,) = folder_of(stick).requests.iterdir()
    request = decode_request((world.data().outbox / path.name).read_bytes())
    assert request.acknowledged_seq == till.journal.acknowledged_seq > 0


# Sticks in trouble: real file systems


@dataclass
class Mounted:
    """A small file system at a place of its own."""

    path: Path

    def run(self, *arguments: str) -> bool:
        """Run mount or umount; False where this is not allowed."""
        done = subprocess.run([*arguments, str(self.path)], capture_output=True, check=False)
        return done.returncode == 0

    def pull(self) -> None:
        """Take it away under whoever uses it."""
        assert self.run("umount", "--lazy")


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Mounted]:
    """A stick of 16 kB; skipped where nothing can be mounted."""
    path = tmp_path / "mounted"
    path.mkdir()
    it = Mounted(path)
    if not it.run("mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs"):
        pytest.skip("needs the right to mount")
    yield it
    it.run("umount", "--lazy")


def test_a_full_stick(world: World, till: Till, mounted: Mounted) -> None:
    """Promise: a stick without room is said so, holds no half file, and loses nothing."""
    (mounted.path / "films").write_bytes(bytes(16_384))
    head = till.journal.head
    with pytest.raises(StickFull):
        exchange_of(world, till).run(stick_at(mounted.path))
    assert till.journal.head == head
    assert list(folder_of(stick_at(mounted.path)).requests.iterdir()) == []
    (mounted.path / "films").unlink()
    assert exchange_of(world, till).run(stick_at(mounted.path)).requests == 1


def test_a_locked_stick_is_read_all_the_same(world: World, till: Till, mounted: Mounted) -> None:
    """Promise: the answer on a locked stick counts and is journalled; the person hears the rest."""
    leave_answer(world, till, stick_at(mounted.path), 1)
    assert mounted.run("mount", "-o", "remount,ro")
    with pytest.raises(StickReadOnly):
        exchange_of(world, till).run(stick_at(mounted.path))
    assert till.journal.acknowledged_seq == 1
    (noted,) = exchanges(till)
    assert noted.written_up_to_seq is None
    assert noted.read_digest is not None


class PullingKey(SigningKey):
    """Signs; the stick is pulled out just before."""

    pull: Callable[[], None]

    def sign_encoded(self, *arguments: object) -> object:  # type: ignore[override]  # passed on
        """Pull, then sign."""
        self.pull()
        return super().sign_encoded(*arguments)  # type: ignore[arg-type]  # passed on


def test_a_stick_that_is_pulled_in_the_middle(world: World, till: Till, mounted: Mounted) -> None:
    """Promise: nothing is written beside the stick, and nothing is journalled."""
    stick = stick_at(mounted.path)
    key = PullingKey(transport_of(world).key, caisse=CAISSE)
    key.pull = mounted.pull
    with pytest.raises(StickGone):
        exchange_of(world, till, key).run(stick)
    assert list(mounted.path.iterdir()) == []
    assert exchanges(till) == []
    with pytest.raises(StickGone):
        exchange_of(world, till).run(stick)
    assert list(mounted.path.iterdir()) == []


class PowerCut(BaseException):
    """The plug is pulled."""


def test_a_cut_between_reading_and_writing_is_made_up_for(
    world: World, till: Till, stick: Stick
) -> None:
    """Promise: what was read before a cut counts, and the next exchange writes what is left."""
    leave_answer(world, till, stick, 1)
    key = PullingKey(transport_of(world).key, caisse=CAISSE)

    def pull() -> None:
        raise PowerCut

    key.pull = pull
    with pytest.raises(PowerCut):
        exchange_of(world, till, key).run(stick)
    till.close()
    again = world.till()
    try:
        assert again.journal.acknowledged_seq == 1
        done = exchange_of(world, again).run(stick)
        assert (done.requests, done.answers) == (1, 0)
        assert done.written_up_to_seq == again.journal.head.seq - 1
    finally:
        again.close()


def test_a_month_goes_in_several_files(world: World, till: Till, stick: Stick) -> None:
    """Promise: however much is unsent, each file is one request that the service can read."""
    card = next(iter(world.members.values())).card
    while till.journal.head.seq <= ENTRIES_MAX:
        world.sell(till, card, 1)
    assert exchange_of(world, till).run(stick).requests == 2
    key = transport_of(world).public
    paths = sorted(folder_of(stick).requests.iterdir())
    requests = [
        open_request(path.read_bytes(), key=key, caisse=CAISSE, terminal=TERMINAL) for path in paths
    ]
    assert len(requests[0].entries) == ENTRIES_MAX
    assert sum(len(request.entries) for request in requests) == till.journal.head.seq - 1
