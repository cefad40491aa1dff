"""Outbox and inbox against a service that is a list: what is lost, doubled, late or restored."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cardkit.bodies import EntryKind, Evidence
from cardkit.sync import SyncAnswer, SyncRequest, decode_request, sign_answer
from terminal.till import Till
from tests.fuzz_target import new_folder
from tests.terminal_world import World

ROUNDS_MAX = 4
UID = bytes.fromhex("04C1AF00000009")


class OutboxMachine(RuleBasedStateMachine):
    """A till, a network that does as it likes, and a service that may be put back."""

    folder: Path
    till: Till

    @initialize()
    def begin(self) -> None:
        """A till that has never spoken to anybody."""
        self.folder = new_folder()
        self.world = World.make(self.folder)
        self.world.publish()
        self.till = self.world.till()
        self.held: list[bytes] = []
        """The service: the till's entries without a gap."""
        self.backups: list[list[bytes]] = [[]]
        self.requests: list[SyncRequest] = []
        self.answers: list[tuple[int, bytes]] = []
        self.epoch = 1
        self.arrived = 0

    @rule(count=st.integers(1, 3))
    def sell(self, count: int) -> None:
        """Something happens."""
        for _ in range(count):
            body = Evidence(uid=UID, tmc=1, tmv=bytes(8), spent_cents=0)
            self.till.journal.append(EntryKind.EVIDENCE, body)

    @rule()
    def export(self) -> None:
        """Leave requests; the network has seen them."""
        paths = self.till._mailbox.export()
        self.requests += [decode_request(path.read_bytes()) for path in paths]

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        """Any request that ever was, once more."""
        self.receive(data.draw(st.sampled_from(self.requests)))

    def receive(self, request: SyncRequest) -> None:
        """What the service does: entries behind its last are kept, and it says where it stands."""
        first = request.acknowledged_seq
        if first <= len(self.held):
            self.held += request.entries[len(self.held) - first :]
        self.world.clock.pass_time(timedelta(seconds=1))
        journal = self.till.journal
        entry = journal.entry(len(self.held))
        answer = SyncAnswer(
            terminal=journal.terminal,
            up_to_seq=len(self.held),
            head=bytes(32) if entry is None else entry.digest,
            epoch=self.epoch,
            answered_at=self.world.now,
        )
        signed = sign_answer(self.world.service, answer)
        self.answers.append((len(self.held), signed.encoded))

    @precondition(lambda self: self.answers)
    @rule(data=st.data())
    def arrive(self, data: st.DataObject) -> None:
        """Any answer that ever was, once more, or cut."""
        _, content = data.draw(st.sampled_from(self.answers))
        cut = data.draw(st.integers(0, 3))
        self.post(content if cut else content[:-7])

    def post(self, content: bytes) -> None:
        """Lay an answer into the inbox."""
        self.arrived += 1
        (self.world.data().inbox / f"{self.arrived:010}.cbor").write_bytes(content)

    @rule()
    def consume(self) -> None:
        """Take in what has arrived."""
        self.till._mailbox.consume()
        assert not list(self.world.data().inbox.iterdir())

    @rule()
    def back_up(self) -> None:
        """Keep the service as it is."""
        self.backups.append(list(self.held))

    @rule(data=st.data())
    def put_back(self, data: st.DataObject) -> None:
        """The service burns down; a backup takes its place, in a higher epoch."""
        self.held = list(data.draw(st.sampled_from(self.backups)))
        self.epoch += 1

    @rule()
    def restart(self) -> None:
        """The till ends and begins again."""
        self.till.stop()
        self.till = self.world.till()

    @invariant()
    def nothing_is_lost(self) -> None:
        """What the outbox would hold begins right behind what the service was heard to hold."""
        journal = self.till.journal
        assert 0 <= journal.acknowledged_seq <= journal.head.seq
        assert list(journal.contents(0, len(self.held))) == self.held

    def teardown(self) -> None:
        """With a network again, a few rounds bring everything there."""
        if not hasattr(self, "till"):
            return
        for _ in range(ROUNDS_MAX):
            requests = list(self.exported())
            sent = [content for request in requests for content in request.entries]
            acknowledged = self.till.journal.acknowledged_seq
            assert sent == list(self.till.journal.contents(acknowledged, 10_000))
            for request in requests:
                self.receive(request)
                self.post(self.answers[-1][1])
            self.till._mailbox.consume()
        assert self.till.journal.head.seq - len(self.held) <= 1, "the last acknowledgement at most"
        self.till.close()
        shutil.rmtree(self.folder)

    def exported(self) -> Iterator[SyncRequest]:
        """The requests in the outbox now."""
        for path in self.till._mailbox.export():
            yield decode_request(path.read_bytes())


def test_every_entry_arrives_in_the_end() -> None:
    """Promise 6: lost, doubled, late, cut or shuffled, requests and answers lose no entry.

    Red when an acknowledgement is taken for more than it says.
    """
    run_state_machine_as_test(
        OutboxMachine, settings=settings(max_examples=20, stateful_step_count=30)
    )
