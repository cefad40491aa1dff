"""Targets: what a till reads from its disk and from its inbox."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final

from cardkit import cbor
from cardkit.bodies import EntryKind, Evidence, Resolution, ResolutionChoice
from cardkit.directory import (
    CardRow,
    DirectoryDelta,
    DirectoryHeader,
    content_hash,
    read_row,
    row_digest,
    sign_directory,
)
from cardkit.errors import (
    DocumentError,
    JournalDamaged,
    JournalError,
    KeyStoreError,
    StoreError,
)
from cardkit.keyfiles import (
    Bundle,
    RootKeys,
    ServiceKeys,
    WorkshopKeys,
    read_bundle,
    read_public,
    write_bundle,
    write_public,
)
from cardkit.schema import pack, unpack
from cardkit.signing import ContentType, SigningKey
from cardkit.sync import SyncAnswer
from provisioning.keystore import new_keys
from terminal.config import DataDirectory
from terminal.documents import Document, Documents
from terminal.files import PRIVATE
from terminal.journal import Journal
from terminal.till import Till
from tests.document_samples import AT, sample
from tests.fuzz_target import Parts, Target, blocks, new_folder, workplace
from tests.terminal_world import CAISSE, START, TERMINAL, World

_REBUILT_AFTER: Final = 2_000
"""Inputs that one till takes in before its journal has grown too long."""
_ROWS: Final = 6


@dataclass
class Stall:
    """A till at work in a folder of its own, with three sales in its journal."""

    world: World
    till: Till
    inputs: int = 0
    rows: dict[bytes, bytes] = field(default_factory=dict)

    @classmethod
    def make(cls, path: Path) -> Stall:
        """Enrol, sell, and stay open."""
        world = World.make(path)
        card = world.new_card(50_00)
        world.publish()
        till = world.till()
        for amount_cents in (12_50, 3_00, 99):
            world.sell(till, card, amount_cents)
        return cls(world, till)


_HELD: Final[dict[str, Stall]] = {}


def stall(name: str) -> Stall:
    """The till of one target, made anew when it has taken in enough."""
    held = _HELD.get(name)
    if held is None or held.inputs >= _REBUILT_AFTER:
        if held is not None:
            forget(name)
        held = _HELD[name] = Stall.make(new_folder())
    held.inputs += 1
    return held


def forget(name: str) -> None:
    """Let go of a target's till."""
    held = _HELD.pop(name)
    held.till.close()
    shutil.rmtree(held.world.path)


def fuzz_delta(data: bytes) -> None:
    """Rows of the directory: all of a delta that its header confirms, or nothing of it.

    The issuer signs whatever a model of the rows becomes; an odd first byte tells it wrongly.
    """
    held = stall("delta")
    world, store = held.world, held.till.store
    try:
        delta = unpack(DirectoryDelta, cbor.decode(data[1:]))
    except DocumentError:
        return
    is_told_right = not (data[0] & 1)
    base = (0, 0) if data[0] & 2 else store.delta_base
    delta = replace(delta, base_epoch=base[0], base_version=base[1])
    model = _applied({} if base == (0, 0) else held.rows, delta)
    held.inputs += 1
    header = DirectoryHeader(
        epoch=1,
        version=held.inputs + 1,
        issued_at=world.now,
        valid_until=world.now + timedelta(days=35),
        cards=len(model),
        content_hash=content_hash(row_digest(model[uid]) for uid in sorted(model))
        if is_told_right
        else bytes(32),
    )
    content = sign_directory(world.issuer, header).encoded
    refunded = frozenset(list(model)[:2])
    try:
        store.accept_directory(content, delta, refunded=refunded)
        held.rows = model
        assert is_told_right, "rows that are not those of the header"
    except DocumentError:
        pass
    if store.delta_base != (0, 0) or held.rows:
        stored = dict(store._rows("SELECT uid, content FROM row"))
        assert stored in (held.rows, _first_rows(world)), "a delta that was half applied"
    assert not store._db.in_transaction


def _first_rows(world: World) -> dict[bytes, bytes]:
    return {read_row(row).uid: row for row in world.rows}


def _applied(rows: dict[bytes, bytes], delta: DirectoryDelta) -> dict[bytes, bytes]:
    """The model: what a dict becomes by a delta; what can't be read changes nothing."""
    model = dict(rows)
    for uid in delta.removed:
        model.pop(uid, None)
    for content in delta.rows:
        try:
            model[read_row(content).uid] = content
        except DocumentError:
            return rows
    return model


def _deltas() -> Iterator[bytes]:
    rows = [
        replace(
            sample(CardRow, number),
            uid=bytes([4, 0, 0, 0, 0, 0, number]),
            allowance=None if number % 2 else b"\xd2\x84",
        ).encoded
        for number in range(_ROWS)
    ]
    for rows_sent in (tuple(rows), tuple(rows[:2]), ()):
        delta = DirectoryDelta(
            base_epoch=0,
            base_version=0,
            rows=rows_sent,
            removed=(bytes([4, 0, 0, 0, 0, 0, 1]),),
        )
        for choices in (b"\0", b"\2", b"\3"):
            yield choices + cbor.encode(pack(delta))


def fuzz_answer(data: bytes) -> None:
    """An answer in the inbox: it is used, or journalled as refused, and the till goes on.

    The first byte says whether the service signed it, and whether head and time are made right.
    """
    held = stall("answer")
    till, world = held.till, held.world
    way, payload = (data[0] if data else 0), data[1:]
    content = payload if way % 4 == 0 else _answered(held, payload, is_right=way % 2 == 1)
    arrived = world.data().inbox / "0000000001.cbor"
    arrived.write_bytes(content)
    before = till.journal.head
    try:
        till._mailbox.consume()
    except JournalDamaged:
        assert arrived.exists(), "an answer of another chain is forgotten"
        arrived.unlink()
        return
    assert not arrived.exists()
    assert till.journal.head.seq >= before.seq
    assert till.journal.acknowledged_seq <= till.journal.head.seq
    assert till.journal.unsent_cents() == super(Journal, till.journal).unsent_cents()
    answer = till.store.answer
    if answer is not None and answer.answered_at > START + timedelta(days=1):
        forget("answer")  # every other answer would be older


def _answered(held: Stall, payload: bytes, *, is_right: bool) -> bytes:
    """A payload under the service's signature, about this journal if so wished."""
    service, journal = held.world.service, held.till.journal
    if is_right:
        try:
            answer = unpack(SyncAnswer, cbor.decode(payload))
        except DocumentError:
            return service.sign_encoded(ContentType.ANSWER, payload).encoded
        entry = journal.entry(answer.up_to_seq)
        head = bytes(32) if entry is None else entry.digest
        at = START + timedelta(seconds=held.inputs)
        answer = replace(answer, head=head, terminal=TERMINAL, answered_at=at)
        payload = cbor.encode(pack(answer))
    return service.sign_encoded(ContentType.ANSWER, payload).encoded


def _answers() -> Iterator[bytes]:
    world = World.make(workplace())
    world.new_card(50_00)
    world.publish()
    whole = SyncAnswer(
        terminal=TERMINAL,
        up_to_seq=3,
        head=bytes(32),
        epoch=1,
        answered_at=world.now,
        directory=world.directory,
        delta=world.whole_delta(),
        permit=world.permit(),
        certificates=world.certificates(),
    )
    empty = SyncAnswer(
        terminal=TERMINAL, up_to_seq=0, head=bytes(32), epoch=1, answered_at=world.now
    )
    full = replace(sample(SyncAnswer), terminal=TERMINAL, epoch=1, up_to_seq=2)
    for answer in (whole, empty, full):
        yield b"\1" + cbor.encode(pack(answer))
        yield b"\2" + cbor.encode(pack(answer))
    yield b"\0" + world.service.sign(ContentType.ANSWER, pack(empty)).encoded


@dataclass(frozen=True, slots=True)
class GoodJournal:
    """A closed journal of every kind of entry that a till writes by itself."""

    world: World
    image: bytes
    contents: tuple[bytes, ...]


@cache
def good_journal() -> GoodJournal:
    """A journal whose verified mark stands in its middle."""
    held = Stall.make(new_folder())
    world, till = held.world, held.till
    till.journal.append(
        EntryKind.RESOLUTION, Resolution(intent_seq=5, choice=ResolutionChoice.PARKED)
    )
    till.stop()
    till = world.till()
    till.journal.append(
        EntryKind.EVIDENCE, Evidence(uid=b"\4" * 7, tmc=1, tmv=bytes(8), spent_cents=0)
    )
    contents = till.journal.contents(0, 1000)
    till.close()
    return GoodJournal(world, world.data().journal.read_bytes(), contents)


def fuzz_journal(data: bytes) -> None:
    """A journal on a disk that rots: what still verifies is the beginning of what was written."""
    good, parts = good_journal(), Parts(data)
    image = bytearray(good.image)
    cut = parts.number(3)
    while parts.left >= 4:
        image[parts.number(3) % len(image)] = parts.number()
    if cut:
        del image[cut % len(image) :]
    folder = workplace() / "rotten"
    folder.mkdir(exist_ok=True)
    path = DataDirectory(folder).journal
    for leftover in folder.iterdir():
        leftover.unlink()
    path.write_bytes(image)
    try:
        _read_all(path, good)
    except JournalError:
        return


def _read_all(path: Path, good: GoodJournal) -> None:
    """Open, ask everything, verify; raises JournalError."""
    key = _journal_key()
    journal = Journal.open(path, key=key, terminal=TERMINAL, clock=good.world.clock)
    try:
        for intent in journal.open_intents():
            journal.outcome(intent.seq)
        journal.owed_refunds()
        journal.last(EntryKind.EVIDENCE)
        journal.last_evidence(b"\4" * 7)
        journal.last_known_tmc(b"\4" * 7)
        journal.totals(1, 1000)
        journal.sold(5)
        journal.verify()
        contents = journal.contents(0, 1000)
        assert contents == good.contents[: len(contents)], "a journal that verifies was changed"
    finally:
        journal.close()


@cache
def _journal_key() -> SigningKey:
    return SigningKey.from_scalar(2000 + TERMINAL, caisse=CAISSE)


def fuzz_papers(data: bytes) -> None:
    """The small documents of a till on a disk that rots: read, or StoreError."""
    path = workplace() / "papers.json"
    path.write_bytes(data)
    try:
        documents = Documents(path)
        documents.identity  # noqa: B018 - reading is what is tested
        documents.certificates  # noqa: B018
        documents.signed_time  # noqa: B018
        documents.declared_time  # noqa: B018
        for document in (Document.PERMIT, Document.ANSWER):
            documents.content(document)
    except StoreError:
        return


def _papers() -> Iterator[bytes]:
    held = Stall.make(new_folder())
    held.till.close()
    yield held.world.data().documents.read_bytes()


_KINDS: Final = (RootKeys, ServiceKeys, WorkshopKeys)


def fuzz_keys(data: bytes) -> None:
    """Key files: read, or KeyStoreError; nothing of a key in its words."""
    kind: type[RootKeys | ServiceKeys | WorkshopKeys] = _KINDS[(data[0] if data else 0) % 3]
    folder = workplace() / "keys"
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in (kind.NAME, "caisse.public"):
        path = folder / name
        path.unlink(missing_ok=True)
        path.touch(PRIVATE)
        path.write_bytes(data[1:])
    try:
        bundle = read_bundle(folder, kind, caisse="flers")
        repr(bundle)
        _sign_with(bundle)
    except KeyStoreError:
        pass
    try:
        public = read_public(folder)
        public.trust()
        public.workshop_key(AT)
    except (KeyStoreError, DocumentError):
        return


def _sign_with(bundle: RootKeys | ServiceKeys | WorkshopKeys) -> None:
    """Ask for every key that signs; raises KeyStoreError for a number that is none."""
    if isinstance(bundle, ServiceKeys):
        bundle.issuer_key("flers")
        bundle.service_key("flers")
    else:
        bundle.signing_key("flers")


def _key_files() -> Iterator[bytes]:
    keys = new_keys("flers", now=AT, step_max_cents=500_00)
    folder = new_folder()
    yield b"\0" + write_public(folder, keys.public).read_bytes()
    bundles: tuple[Bundle, ...] = (keys.root, keys.service, keys.workshop)
    for place, bundle in enumerate(bundles):
        path = write_bundle(folder, bundle, caisse="flers", passphrase=None)
        yield bytes([place]) + path.read_bytes()
        path.unlink()
    for scalar in (bytes(32), b"\xff" * 32):
        broken = replace(keys.root, root=scalar)
        path = write_bundle(folder, broken, caisse="flers", passphrase=None)
        yield b"\0" + path.read_bytes()
        path.unlink()


TARGETS: Final = (
    Target("delta", fuzz_delta, _deltas),
    Target("answer", fuzz_answer, _answers, replayed=50),
    Target(
        "journal", fuzz_journal, lambda: [bytes(3), bytes(3) + blocks(b"\x10\0\0\0")], replayed=50
    ),
    Target("papers", fuzz_papers, _papers),
    Target("keys", fuzz_keys, _key_files),
)
