"""Two slots for the till's program: whatever is cut, one that is whole starts."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from terminal import slots as slots_module
from terminal.slots import STARTS_MAX, Slots, name_of

OLD, NEW, REMAINS = b"the old release", b"the new release", b"an ancient release"


class PowerCut(BaseException):
    """Nobody catches it, and nothing is tidied up."""


class Cutter:
    """Lets so many steps happen, then cuts."""

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.seen: list[str] = []

    def __call__(self, step: str) -> None:
        """Count a step, or cut before it."""
        if not self.left:
            raise PowerCut(step)
        self.left -= 1
        self.seen.append(step)


def put_in(slots: Slots, mark: bytes) -> None:
    """Install a program that says which release it is, in two files and a folder."""
    slot = slots.other
    folder = slots.empty(slot)
    (folder / "bin").mkdir()
    (folder / "bin/till").write_bytes(mark)
    (folder / "library").write_bytes(mark)
    slots.complete(slot, mark)
    slots.switch(slot)


def what_starts(app: Path) -> bytes:
    """What the next start runs: the slot that the link leads to, which has to be whole."""
    slots = Slots(app)
    slot = slots.begin()
    assert slot is not None
    for it in ("a", "b"):
        mark = slots.mark(it)
        if mark not in {None, REMAINS}:
            assert (app / it / "bin/till").read_bytes() == mark
            assert (app / it / "library").read_bytes() == mark
    started = (app / "current/release.cbor").read_bytes()
    assert slots.mark(slot) == started != REMAINS
    return started


def opened(tmp_path: Path, mark: bytes) -> Path:
    """What a till leaves when it had opened."""
    path = tmp_path / "opened"
    path.write_text(name_of(mark))
    return path


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A till that runs its first release, in slot a; slot b holds remains of an earlier one."""
    made = tmp_path / "app"
    made.mkdir()
    slots = Slots(made)
    put_in(slots, OLD)
    (made / "b/lib/python").mkdir(parents=True)
    (made / "b/lib/python/module").write_bytes(b"remains")
    (made / "b/release.cbor").write_bytes(REMAINS)
    return made


def every_cut(
    start: Callable[[], Path], work: Callable[[Slots], object]
) -> Iterator[tuple[Path, str | None]]:
    """Do a piece of work anew, cut before its first step, its second … until it is done."""
    for steps in itertools.count():
        app, cutter = start(), Cutter(steps)
        try:
            work(Slots(app, step=cutter))
        except PowerCut as cut:
            yield app, str(cut)
            continue
        yield app, None
        return


def copies(app: Path, tmp_path: Path) -> Callable[[], Path]:
    """The same till again and again, for every cut one of its own."""
    numbers = itertools.count()

    def copy() -> Path:
        made = tmp_path / f"cut-{next(numbers)}"
        subprocess.run(["cp", "-a", app, made], check=True)
        return made

    return copy


def test_whatever_cuts_an_installation_a_whole_program_starts(app: Path, tmp_path: Path) -> None:
    """Promise: a power cut at any step of an update leaves a till that starts, old or new."""
    seen = {}
    for cut_app, cut in every_cut(copies(app, tmp_path), lambda it: put_in(it, NEW)):
        seen[cut] = what_starts(cut_app)
        # The stick is still there, and the update is taken up again.
        if seen[cut] == OLD:
            put_in(Slots(cut_app), NEW)
            assert what_starts(cut_app) == NEW
        Slots(cut_app).confirm(opened(tmp_path, NEW))
        assert Slots(cut_app).trial is None
    assert len(seen) > 9
    assert seen.pop(None) == NEW
    assert set(seen.values()) == {OLD}


def test_a_program_that_does_not_open_goes_back(app: Path) -> None:
    """Promise: after three starts without proof the program of before starts, and stays."""
    put_in(Slots(app), NEW)
    assert [what_starts(app) for _ in range(STARTS_MAX + 2)] == [NEW] * STARTS_MAX + [OLD] * 2
    assert Slots(app).refused == name_of(NEW)
    assert Slots(app).trial is None


def test_whatever_cuts_the_way_back_a_whole_program_starts(app: Path, tmp_path: Path) -> None:
    """Promise: a cut at any step of the return leaves a till that starts, and ends in the old one.

    Once it runs, the one that failed is known by name, so that a stick does not bring it back.
    """
    put_in(Slots(app), NEW)
    for _ in range(STARTS_MAX):
        what_starts(app)
    cuts = set()
    for cut_app, cut in every_cut(copies(app, tmp_path), lambda it: it.begin()):
        cuts.add(cut)
        assert what_starts(cut_app) == OLD
        assert Slots(cut_app).refused == name_of(NEW)
    assert len(cuts) == 6


def test_a_cut_while_starts_are_counted_loses_at_most_one(app: Path, tmp_path: Path) -> None:
    """Promise: counting can't be cut into a trial without end, or into none."""
    put_in(Slots(app), NEW)
    for cut_app, _cut in every_cut(copies(app, tmp_path), lambda it: it.begin()):
        starts = [what_starts(cut_app) for _ in range(STARTS_MAX + 1)]
        assert NEW in starts[:2]
        assert starts[-1] == OLD


def test_only_the_program_on_trial_can_end_it(app: Path, tmp_path: Path) -> None:
    """Promise: what an earlier program left, or nobody, proves nothing; the right name does."""
    put_in(Slots(app), NEW)
    what_starts(app)
    assert not Slots(app).confirm(tmp_path / "nothing")
    assert not Slots(app).confirm(opened(tmp_path, OLD))
    link = tmp_path / "link"
    link.symlink_to(opened(tmp_path, NEW))
    assert not Slots(app).confirm(link)
    assert Slots(app).trial is not None
    assert Slots(app).confirm(tmp_path / "opened")
    assert [what_starts(app) for _ in range(STARTS_MAX + 2)] == [NEW] * (STARTS_MAX + 2)


def test_what_is_not_complete_never_starts(app: Path) -> None:
    """Promise: a slot is switched to only when it was said to be complete."""
    slots = Slots(app)
    slots.empty("b")
    with pytest.raises(ValueError, match="not complete"):
        slots.switch("b")
    with pytest.raises(ValueError, match="runs"):
        slots.empty("a")
    (app / "b/release.cbor").write_bytes(REMAINS)
    with pytest.raises(PowerCut):
        Slots(app, step=Cutter(1)).empty("b")
    assert slots.mark("b") is None  # the first thing to go
    assert what_starts(app) == OLD


@pytest.mark.parametrize("nonsense", [b"", b"{", b"[]", b'{"slot": "b"}', b"\xff\x00"])
def test_a_damaged_trial_stops_nothing(app: Path, nonsense: bytes) -> None:
    """Promise: bits that rot in the small file do not keep a till from starting."""
    put_in(Slots(app), NEW)
    (app / "trial").write_bytes(nonsense)
    assert what_starts(app) == NEW
    assert not (app / "trial").exists()


def test_the_system_s_python_runs_it_alone(app: Path, tmp_path: Path) -> None:
    """Promise: it works from a place of its own, without anything of ours or of others."""
    alone = tmp_path / "slots.py"
    alone.write_bytes(Path(slots_module.__file__).read_bytes())
    put_in(Slots(app), NEW)

    def run(*arguments: str | Path) -> tuple[int, str]:
        command = [sys.executable, "-I", "-S", alone, *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        return done.returncode, done.stdout.strip()

    proof = opened(tmp_path, OLD)
    assert run("begin", app) == (0, "b")
    assert run("confirm", app, proof) == (1, "")
    assert run("back", app) == (0, "")
    assert run("begin", app) == (0, "a")
    assert run("begin", tmp_path / "nowhere") == (0, "none")
    assert run("nonsense")[0] == 64
