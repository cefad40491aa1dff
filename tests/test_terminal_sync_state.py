"""The turns of the sync process: patient after failures, at once when asked, whole after cuts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from cardkit.errors import ServerRefused, ServerUnreachable, StoreError, SyncError
from simulator.clock import ManualClock
from terminal.diagnosis import WELL, Cause, Diagnosis
from terminal.keyring import read_transport_key
from terminal.sync import Sync
from terminal.sync_state import (
    WAIT_FIRST_MS,
    WAIT_MAX_MS,
    SyncState,
    is_due,
    pause_ms,
    read_state,
    want_exchange,
    write_state,
)
from terminal.sync_turn import SyncTurn
from terminal.till import Till
from tests.http_service import Answer, http_service
from tests.terminal_world import CAISSE, World

TREE = Path(__file__).parent.parent
NOBODY = "http://127.0.0.1:1"
PORTAL = Diagnosis(cause=Cause.PORTAL, detail="HTTP 302")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A caisse with a published directory of one card."""
    world = World.make(tmp_path)
    world.new_card(50_00)
    world.publish()
    return world


@pytest.fixture
def till(world: World) -> Iterator[Till]:
    """A till that has left something to send."""
    till = world.till()
    till.export_outbox()
    yield till
    till.close()


def turn_of(world: World, url: str, *, seen: Diagnosis = PORTAL) -> SyncTurn:
    """A turn in front of a service, whose connection test would see this."""
    data = world.data()
    session = requests.Session()
    session.trust_env = False
    key = read_transport_key(data.keys, caisse=CAISSE)
    sync = Sync(data, world.identity(), key=key, session=session, clock=world.clock, url=url)
    return SyncTurn(data, sync, diagnose=lambda: seen, chance=lambda: 1.0, clock=world.clock)


def good(world: World, till: Till) -> Callable[..., Answer]:
    """A service whose answer was made beforehand: a journal is read in its own thread."""
    answer = world.answer(till.journal, 1)
    return lambda *_: (200, answer)


def state_of(world: World) -> SyncState:
    """What the till reads."""
    return read_state(world.data().sync_state)


def test_a_success_is_told(world: World, till: Till) -> None:
    """Promise: the till can say when the caisse last answered, and how much."""
    with http_service(good(world, till)) as http:
        assert turn_of(world, http.url).run() == 1
    state = state_of(world)
    assert state == SyncState(tried_at=world.now, succeeded_at=world.now, answered=1)


def test_a_failure_names_its_cause_and_is_waited_out(world: World, till: Till) -> None:
    """Promise: who only passes by leaves quietly until the pause is over, and no longer."""
    turn = turn_of(world, NOBODY)
    with pytest.raises(ServerUnreachable):
        turn.run()
    state = state_of(world)
    assert (state.diagnosis, state.failures, state.succeeded_at) == (PORTAL, 1, None)
    assert state.wait_ms(world.clock) == WAIT_FIRST_MS
    assert not is_due(world.data(), world.clock)
    world.clock.pass_time(timedelta(milliseconds=WAIT_FIRST_MS))
    assert is_due(world.data(), world.clock)


def test_a_wish_is_served_at_once_and_once(world: World, till: Till) -> None:
    """Promise: a person who asks does not wait out a pause; the wish is gone when it is served."""
    for failures in (1, 2):
        want_exchange(world.data())
        turn = turn_of(world, NOBODY)
        assert is_due(world.data(), world.clock)
        with pytest.raises(ServerUnreachable):
            turn.run()
        assert not world.data().wanted.exists()
        assert state_of(world).failures == failures
    assert not is_due(world.data(), world.clock)


def test_a_wish_during_an_exchange_is_another_one(world: World, till: Till) -> None:
    """Promise: what is sold while the exchange runs, and asked for, is not forgotten."""
    answered = good(world, till)

    def respond(*_: object) -> Answer:
        want_exchange(world.data())
        return answered()

    with http_service(respond) as http:
        turn = turn_of(world, http.url)
        turn.run()
    assert is_due(world.data(), world.clock)
    assert world.data().wanted.exists()


@pytest.mark.parametrize(
    "set_to", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)]
)
def test_the_calendar_has_no_say_in_the_pause(world: World, till: Till, set_to: datetime) -> None:
    """Promise: a clock that is put right, or wrong, neither ends the pause nor makes it years."""
    turn = turn_of(world, NOBODY)
    with pytest.raises(ServerUnreachable):
        turn.run()
    world.clock.set(set_to)
    assert state_of(world).wait_ms(world.clock) == WAIT_FIRST_MS


def test_a_restart_ends_the_pause(world: World, till: Till) -> None:
    """Promise: switching a stall off and on, as people do, tries at once."""
    turn = turn_of(world, NOBODY)
    with pytest.raises(ServerUnreachable):
        turn.run()
    world.clock.reboot()
    assert is_due(world.data(), world.clock)


def test_a_success_ends_every_pause(world: World, till: Till) -> None:
    """Promise: failures before the last success are forgotten."""
    with pytest.raises(ServerUnreachable):
        turn_of(world, NOBODY).run()
    failed_at = world.now
    world.clock.pass_time(timedelta(hours=1))
    with http_service(good(world, till)) as http:
        turn_of(world, http.url).run()
    state = state_of(world)
    assert (state.failures, state.diagnosis, state.waiting) == (0, WELL, None)
    assert state.succeeded_at == failed_at + timedelta(hours=1)


def test_what_the_service_says_is_believed_before_the_test(world: World, till: Till) -> None:
    """Promise: a terminal that is not known is told so, whatever else the line shows."""
    refused = 401, b"not an enrolled terminal"
    with http_service(lambda *_: refused) as http, pytest.raises(ServerRefused):
        turn_of(world, http.url, seen=WELL).run()
    assert state_of(world).diagnosis.cause is Cause.REFUSED


@pytest.mark.parametrize(
    ("answer", "cause"),
    [((0, b""), Cause.INTERRUPTED), ((200, b"<html>"), Cause.ANSWER_INVALID)],
)
def test_a_line_that_works_again_is_named_apart(
    world: World, till: Till, answer: tuple[int, bytes], cause: Cause
) -> None:
    """Promise: a dropped line and an answer that is none are not the same thing to call about."""
    with http_service(lambda *_: answer) as http, pytest.raises(SyncError):
        turn_of(world, http.url, seen=WELL).run()
    assert state_of(world).diagnosis.cause is cause


def test_an_inbox_that_takes_nothing_is_named(world: World, till: Till) -> None:
    """Promise: a full or broken disk is not called a network."""
    data = world.data()
    with http_service(good(world, till)) as http:
        (data.inbox / ".0000000001.cbor.new").mkdir()  # nothing can be written under this name
        with pytest.raises(StoreError):
            turn_of(world, http.url).run()
    assert state_of(world).diagnosis.cause is Cause.DISK


@given(failures=st.integers(1, 1_000_000), chance=st.floats(0, 1))
def test_pauses_grow_and_stay_bounded(failures: int, chance: float) -> None:
    """Promise: never shorter than half the first pause, never longer than a market allows."""
    pause = pause_ms(failures, chance)
    assert WAIT_FIRST_MS // 2 <= pause <= WAIT_MAX_MS
    assert pause <= pause_ms(failures + 1, 1.0)


def test_a_spoilt_file_is_a_fresh_start(tmp_path: Path) -> None:
    """Promise: whatever stands in the file, the till shows something and the process goes on."""
    path = tmp_path / "sync-state.json"
    clock = ManualClock(datetime(2026, 10, 1, tzinfo=UTC))
    whole = SyncState().after_failure(PORTAL, answered=3, clock=clock, chance=0.5)
    write_state(path, whole)
    assert read_state(path) == whole
    good = path.read_bytes()
    for cut in range(len(good)):
        path.write_bytes(good[:cut])
        assert read_state(path) == SyncState()
    for content in (b"[]", b"{}", b"\xff", good.replace(b"portal", b"ghosts")):
        path.write_bytes(content)
        assert read_state(path) == SyncState()


def test_a_kill_leaves_the_state_readable(tmp_path: Path) -> None:
    """Promise: whenever the sync process is killed, the till reads the state before or after."""
    path = tmp_path / "sync-state.json"
    write_state(path, SyncState(answered=0))
    program = (
        "import sys; from pathlib import Path\n"
        "from terminal.sync_state import SyncState, write_state\n"
        "print('ready', flush=True)\n"
        "for number in range(1, 10**6): write_state(Path(sys.argv[1]), SyncState(answered=number))"
    )
    for _ in range(5):
        before = read_state(path).answered
        command = [sys.executable, "-c", program, str(path)]
        with subprocess.Popen(command, cwd=TREE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            while read_state(path).answered in (0, before):
                assert process.poll() is None
            process.kill()
        assert read_state(path).answered > 0
