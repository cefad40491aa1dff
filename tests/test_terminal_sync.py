"""The exchange: what was journalled arrives, what arrives is believed only when it is signed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import requests

from cardkit.bodies import Acknowledged, DocumentRefused, EntryKind
from cardkit.certificates import Certificate, Role, certify
from cardkit.directory import DirectoryDelta
from cardkit.entries import Entry, open_entry
from cardkit.errors import (
    AnswerInvalid,
    JournalDamaged,
    ServerRefused,
    ServerUnreachable,
    SignatureInvalid,
)
from cardkit.httpsig import verify_post
from cardkit.signing import SigningKey
from cardkit.sync import ENTRIES_MAX, MerchantAccount, SyncAnswer, decode_request, sign_answer
from terminal.keyring import read_transport_key
from terminal.outcomes import Green
from terminal.sync import ANSWER_BYTES_MAX, Sync
from terminal.till import Till
from tests.http_service import Answer, HttpService, http_service
from tests.terminal_world import CAISSE, MERCHANT, TERMINAL, World

TREE = Path(__file__).parent.parent


class Service:
    """As much of the service as the exchange needs: verify, store, acknowledge."""

    def __init__(self, world: World, till: Till) -> None:
        self.world = world
        self.till = till
        self.stored: list[Entry] = []
        self.more: dict[str, object] = {}
        self.drops = 0

    def respond(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Verify the request, store its entries, acknowledge; or lose the answer."""
        transport = read_transport_key(self.world.data().keys, caisse=CAISSE).public
        try:
            verify_post(url, headers, body, find_key=lambda _: transport)
        except SignatureInvalid:
            return 401, b"who are you?"
        request = decode_request(body)
        for content in request.entries:
            key = self.till.journal._public
            entry = open_entry(content, key, caisse=CAISSE, terminal=TERMINAL)
            if entry.seq == len(self.stored) + 1:
                self.stored.append(entry)
        if self.drops:
            self.drops -= 1
            return 0, b""
        head = self.stored[-1].digest if self.stored else bytes(32)
        answer = SyncAnswer(
            terminal=TERMINAL,
            up_to_seq=len(self.stored),
            head=head,
            epoch=self.world.epoch,
            answered_at=self.world.now,
        )
        for name, value in self.more.items():
            object.__setattr__(answer, name, value)
        return 200, sign_answer(self.world.service, answer).encoded


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A caisse with a published directory of one card."""
    world = World.make(tmp_path)
    world.new_card(50_00)
    world.publish()
    return world


@pytest.fixture
def till(world: World) -> Iterator[Till]:
    """An open till."""
    till = world.till()
    yield till
    till.close()


def sync_of(world: World, url: str) -> Sync:
    """The sync process's half."""
    data = world.data()
    key = read_transport_key(data.keys, caisse=CAISSE)
    session = requests.Session()
    session.trust_env = False
    return Sync(
        data,
        world.identity(),
        key=key,
        session=session,
        clock=world.clock,
        url=url,
    )


def exchange(world: World, till: Till, service: HttpService) -> int:
    """One whole exchange: out, there, back, in."""
    till.export_outbox()
    sync_of(world, service.url).run()
    return till.consume_inbox()


def test_what_was_sold_arrives_and_is_acknowledged(world: World, till: Till) -> None:
    """Promise: the service holds every entry; then the till has nothing unsent."""
    (card,) = (member.card for member in world.members.values())
    assert isinstance(world.sell(till, card, 10_00), Green)
    assert till.journal.unsent_cents() == 10_00
    service = Service(world, till)
    with http_service(service.respond) as http:
        assert exchange(world, till, http) == 1
        assert till.journal.unsent_cents() == 0
        acknowledged = till.journal.last(EntryKind.ACKNOWLEDGED)
        assert acknowledged is not None
        assert isinstance(acknowledged.body, Acknowledged)
        assert acknowledged.body.up_to_seq == acknowledged.seq - 1 == len(service.stored)
        head = till.journal.head
        assert exchange(world, till, http) == 1
    assert till.journal.head == head, "an acknowledgement of acknowledgements is not journalled"
    assert till.store.signed_time == world.now


def test_a_lost_answer_is_harmless(world: World, till: Till) -> None:
    """Promise: a line that drops after all was stored loses nothing and doubles nothing."""
    (card,) = (member.card for member in world.members.values())
    world.sell(till, card, 10_00)
    service = Service(world, till)
    service.drops = 1
    with http_service(service.respond) as http:
        with pytest.raises(ServerUnreachable):
            exchange(world, till, http)
        stored = len(service.stored)
        assert stored == till.journal.head.seq
        assert exchange(world, till, http) == 1
        assert len(service.stored) == stored
    assert till.journal.unsent_cents() == 0


def test_a_restored_service_is_told_again(world: World, till: Till) -> None:
    """Promise: a service that lost entries, and says so in a new epoch, gets them again."""
    (card,) = (member.card for member in world.members.values())
    world.sell(till, card, 10_00)
    service = Service(world, till)
    with http_service(service.respond) as http:
        exchange(world, till, http)
        lost = service.stored.pop()
        world.epoch += 1
        exchange(world, till, http)
        service.stored.pop()
        exchange(world, till, http)
        exchange(world, till, http)
    assert service.stored[lost.seq - 1].digest == lost.digest
    assert till.journal.acknowledged_seq >= lost.seq


def test_a_long_journal_goes_in_several_requests(world: World, till: Till) -> None:
    """Promise: a request is bounded, and a month offline goes up in one run."""
    (card,) = (member.card for member in world.members.values())
    for _ in range(ENTRIES_MAX // 2 + 1):
        assert isinstance(world.sell(till, card, 1), Green)
    service = Service(world, till)
    with http_service(service.respond) as http:
        assert exchange(world, till, http) == 2
    assert len(service.stored) > ENTRIES_MAX
    assert till.journal.unsent_cents() == 0


def test_documents_come_with_the_answer(world: World, till: Till) -> None:
    """Promise: directory, permit, account and new keys arrive together and are journalled."""
    card = world.new_card(20_00)
    world.permit_version += 1
    world.publish()
    account = MerchantAccount(merchant=MERCHANT, payable_cents=12_50, waiting_cents=0, held_cents=0)
    delta = DirectoryDelta(base_epoch=1, base_version=1, rows=world.rows)
    service = Service(world, till)
    service.more = {
        "directory": world.directory,
        "delta": delta,
        "permit": world.permit(),
        "accounts": (account,),
    }
    with http_service(service.respond) as http:
        exchange(world, till, http)
    assert till.store.row(card.uid) is not None
    assert till.store.permit.permit.version == 2
    assert till.store.answer is not None
    assert till.store.answer.accounts == (account,)
    assert isinstance(world.sell(till, card, 5_00), Green)
    kinds = [entry.envelope.kind for entry in till.journal.entries(0, 100)]
    assert kinds.count(EntryKind.DIRECTORY_ACCEPTED) == kinds.count(EntryKind.PERMIT_ACCEPTED) == 2


def refusals(till: Till) -> list[str]:
    """Why documents were refused."""
    bodies = [entry.body for entry in till.journal.entries(0, 1_000)]
    return [body.reason for body in bodies if isinstance(body, DocumentRefused)]


def put_into_inbox(world: World, *answers: bytes) -> None:
    """Leave answers as the sync process does."""
    for number, answer in enumerate(answers, start=1):
        (world.data().inbox / f"{number:010}.cbor").write_bytes(answer)


def test_a_delta_on_another_base_loses_no_block(world: World, till: Till) -> None:
    """Promise: a dropped delta is noticed, nothing is applied, the whole directory is asked for."""
    (card,) = (member.card for member in world.members.values())
    world.members[card.uid].blocked = True
    world.publish()
    world.publish()
    wrong_base = DirectoryDelta(base_epoch=1, base_version=2, rows=())
    nothing = DirectoryDelta(base_epoch=1, base_version=1, rows=())
    for delta in (wrong_base, nothing):
        answer = world.answer(till.journal, 1, directory=world.directory, delta=delta)
        put_into_inbox(world, answer)
        assert till.consume_inbox() == 1
        held = till.store.directory
        assert held is not None
        assert held.header.version == 1
        till.export_outbox()
        (path,) = world.data().outbox.glob("*.cbor")
        assert decode_request(path.read_bytes()).directory_version == 0
    assert len(refusals(till)) == 2
    whole = world.whole_delta()
    put_into_inbox(world, world.answer(till.journal, 1, directory=world.directory, delta=whole))
    till.consume_inbox()
    assert not isinstance(world.sell(till, card, 1_00), Green)


def test_an_old_answer_is_a_replay(world: World, till: Till) -> None:
    """Promise: neither an old acknowledgement nor an old directory comes back by the inbox."""
    old = world.answer(till.journal, 1)
    world.clock.set(world.now.replace(hour=12))
    new = world.answer(till.journal, 2)
    put_into_inbox(world, new, old)
    assert till.consume_inbox() == 1
    assert till.journal.acknowledged_seq == 2
    assert "DocumentRolledBack" in refusals(till)[0]


def test_what_is_not_for_us_is_refused(world: World, till: Till) -> None:
    """Promise: answers of others, to others or with keys of others are refused."""
    stranger = SigningKey.from_scalar(666, caisse=CAISSE)
    good = SyncAnswer(
        terminal=TERMINAL, up_to_seq=1, head=bytes(32), epoch=1, answered_at=world.now
    )
    forged = certify(
        stranger,
        Certificate(
            role=Role.ISSUER,
            subject=1,
            valid_from=world.now,
            valid_until=world.now,
            public_key=stranger.public.encoded,
        ),
    ).encoded
    put_into_inbox(
        world,
        b"<html>captive portal</html>",
        sign_answer(stranger, good).encoded,
        sign_answer(world.issuer, good).encoded,
        world.answer(till.journal, 1, terminal=TERMINAL + 1),
        world.answer(till.journal, 1, certificates=(forged,)),
    )
    assert till.consume_inbox() == 1
    assert len(refusals(till)) == 5
    assert list(world.data().inbox.iterdir()) == []


def test_a_journal_that_was_put_back_goes_no_further(world: World, till: Till) -> None:
    """Promise: when the service holds entries that we do not, nothing is sold on a forked chain."""
    ahead = SyncAnswer(
        terminal=TERMINAL,
        up_to_seq=till.journal.head.seq + 1,
        head=bytes(32),
        epoch=world.epoch,
        answered_at=world.now,
    )
    put_into_inbox(world, sign_answer(world.service, ahead).encoded)
    for _ in range(2):
        with pytest.raises(JournalDamaged, match="another entry"):
            till.consume_inbox()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((500, b"oops"), ServerRefused),
        ((302, b""), ServerRefused),
        ((200, b"<html>Bienvenue sur le Wi-Fi</html>"), AnswerInvalid),
        ((200, bytes(ANSWER_BYTES_MAX + 1)), AnswerInvalid),
        ((0, b""), ServerUnreachable),
    ],
    ids=["error", "redirect", "portal", "flood", "drop"],
)
def test_a_bad_answer_reaches_no_inbox(
    world: World, till: Till, answer: Answer, error: type[Exception]
) -> None:
    """Promise: whatever the network says, the outbox stays and the inbox gets nothing."""
    till.export_outbox()
    with http_service(lambda *_: answer) as http, pytest.raises(error):
        sync_of(world, http.url).run()
    assert list(world.data().inbox.iterdir()) == []
    assert list(world.data().outbox.iterdir()) != []


def test_nobody_listens(world: World, till: Till) -> None:
    """Promise: no service is ServerUnreachable, and not a library's exception."""
    till.export_outbox()
    with http_service(lambda *_: (200, b"")) as http:
        url = http.url
    with pytest.raises(ServerUnreachable):
        sync_of(world, url).run()


def test_a_cut_between_answer_and_journal_is_made_up_for(world: World, till: Till) -> None:
    """Promise: a directory that was applied and not yet journalled is journalled at the start."""
    world.publish()
    world.deliver(till)
    till.close()
    again = world.till()
    entry = again.journal.last(EntryKind.DIRECTORY_ACCEPTED)
    assert entry is not None
    assert entry.body is not None
    assert again.store.directory is not None
    assert getattr(entry.body, "digest", None) == again.store.directory.digest
    again.close()


def test_the_sync_process_never_loads_the_journal() -> None:
    """Promise: the process that meets the network knows no way to write the chain."""
    code = (
        "import sys, terminal.sync;"
        "print([name for name in ('terminal.journal', 'terminal.till', 'sqlite3')"
        " if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=TREE, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_it_runs_as_a_process_of_its_own(world: World, till: Till) -> None:
    """Promise: `python -m terminal.sync` carries the outbox there and the answer back."""
    (card,) = (member.card for member in world.members.values())
    world.sell(till, card, 10_00)
    till.export_outbox()
    service = Service(world, till)
    with http_service(service.respond) as http:
        command = [sys.executable, "-m", "terminal.sync", "--data", str(world.data().root)]
        result = subprocess.run(
            [*command, "--url", http.url], cwd=TREE, capture_output=True, text=True, check=True
        )
    assert result.stdout.strip() == "1"
    assert till.consume_inbox() == 1
    assert till.journal.unsent_cents() == 0
