"""Keys on paper, in shares and in new versions: what comes back, and what never shows."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Final

import pytest
import segno
from PIL import Image

from cardkit.allowance import Allowance, Step, accept_allowance, sign_allowance
from cardkit.certificates import Role
from cardkit.errors import DocumentForeign, KeyStoreError
from cardkit.keyfiles import (
    MASTERS_MAX,
    Bundle,
    RootKeys,
    ServiceKeys,
    WorkshopKeys,
    bundle_file,
    public_file,
    read_bundle,
    read_public,
)
from provisioning import cli
from provisioning.backup import KINDS, backup, restore, sheet_of
from provisioning.keystore import KeySet, new_keys, write_holder, write_keys
from provisioning.paper import compiler
from provisioning.paper_text import Part, code_text, read_paper, typed_lines
from provisioning.rolling import roll_issuer, roll_key_1, roll_masters
from provisioning.shares import Gathering, Sharing, new_secret, split
from provisioning.wiring import Wiring
from simulator.clock import ManualClock
from tests.workshop_world import NOW, UID

PASSPHRASE: Final = b"the server's own words"
KEYS: Final = new_keys("flers", now=NOW, step_max_cents=300_00)
TWO_OF_THREE: Final = Sharing(2, 3)
PPI: Final = 200
POINTS_PER_INCH: Final = 72
CODE_CM: Final = 6.5
CM_PER_INCH: Final = 2.54
WHITE: Final = 128


def sealed(bundle: Bundle, passphrase: bytes = PASSPHRASE) -> bytes:
    """A bundle's file."""
    return bundle_file(bundle, caisse="flers", passphrase=passphrase)


def printed(sheet: dict[str, object]) -> str:
    """What the paper shows in type: every line that is to be typed, and the command."""
    said = json.loads(compiler("keys.typ", sheet).query("raw", field="text"))
    return "\n".join(line for line in said if re.match(r"[KP]\d\d ", line))


def secrets_of(keys: KeySet) -> list[bytes]:
    """Every secret of a caisse."""
    return [
        keys.root.root,
        *(keys.service.issuer, keys.service.service, keys.service.wrapping),
        *(
            getattr(masters, name)
            for masters in keys.service.masters
            for name in ("picc", "application", "closed", "tmac")
        ),
        keys.workshop.signing,
        *(master.key for master in keys.workshop.masters),
    ]


@pytest.mark.parametrize("bundle", [KEYS.root, KEYS.service, KEYS.workshop])
def test_what_is_printed_brings_a_bundle_back(bundle: Bundle) -> None:
    """Promise: the lines on the paper, typed as they stand, are the bundle and what is public."""
    sheet = sheet_of(KEYS.public, sealed(bundle), sharing=None, at=NOW)
    held = restore(printed(sheet), ask_secret=lambda name: PASSPHRASE)
    assert (held.bundle, held.public) == (bundle, KEYS.public)
    made = backup(KEYS.public, bundle, passphrase=PASSPHRASE, sharing=None, at=NOW)
    assert [(name, pdf[:4]) for name, pdf in made.papers.items()] == [
        (f"{bundle.NAME}.pdf", b"%PDF")
    ]


def test_the_codes_on_the_paper_are_the_files() -> None:
    """Promise: a camera that reads the printed squares has the two files, module for module."""
    file = sealed(KEYS.service)
    sheet = sheet_of(KEYS.public, file, sharing=None, at=NOW)
    paper = compiler("keys.typ", sheet)
    page = paper.compile(format="png", ppi=PPI)
    assert page is not None
    image = Image.open(io.BytesIO(page[0] if isinstance(page, list) else page)).convert("L")
    places = json.loads(paper.query("<code>", field="value"))
    texts = code_text(Part.BUNDLE, file), code_text(Part.PUBLIC, public_file(KEYS.public))
    for place, text in zip(places, texts, strict=True):
        expected = segno.make(text, error="m", micro=False, boost_error=False)
        assert modules(image, place, len(expected.matrix)) == [
            [bool(module) for module in row] for row in expected.matrix
        ]


def modules(image: Image.Image, place: dict[str, str], size: int) -> list[list[bool]]:
    """The modules of a code that stands somewhere on a rendered page, dark ones True."""
    left, top = (float(place[axis].removesuffix("pt")) * PPI / POINTS_PER_INCH for axis in "xy")
    module, shades = CODE_CM / CM_PER_INCH * PPI / (size + 8), image.tobytes()

    def is_dark(column: int, row: int) -> bool:
        x, y = int(left + (column + 4.5) * module), int(top + (row + 4.5) * module)
        return shades[y * image.width + x] < WHITE

    return [[is_dark(column, row) for column in range(size)] for row in range(size)]


def test_a_slip_of_the_fingers_is_named_by_its_line() -> None:
    """Promise: whoever types a paper learns which line is wrong, and what looks alike is taken."""
    lines = [*typed_lines(Part.BUNDLE, sealed(KEYS.root)), *typed_lines(Part.PUBLIC, b"public")]
    held = read_paper("\n".join(reversed(lines)))
    alike = "\n".join(lines).lower()
    numbers = dict(zip("oib", "018", strict=True))
    careless = "\n".join(
        line[:3] + "".join(numbers.get(letter, letter) for letter in line[3:])
        for line in alike.splitlines()
    )
    assert read_paper(careless) == held
    wrong = [*lines[:2], lines[2][:4] + ("B" if lines[2][4] != "B" else "C") + lines[2][5:]]
    with pytest.raises(KeyStoreError, match="K03"):
        read_paper("\n".join(wrong))
    with pytest.raises(KeyStoreError, match="K02"):
        read_paper("\n".join([lines[0], *lines[2:]]))
    for nonsense in ("hello", "CLAFOUTIS/1/X/ABCD", "CLAFOUTIS/1/K/AB1", ""):
        with pytest.raises(KeyStoreError):
            restore(nonsense, ask_secret=lambda name: PASSPHRASE)


def test_a_paper_needs_its_passphrase() -> None:
    """Promise: whoever finds the paper has nothing, and no open bundle is printed."""
    sheet = sheet_of(KEYS.public, sealed(KEYS.service), sharing=None, at=NOW)
    with pytest.raises(KeyStoreError, match="passphrase"):
        restore(printed(sheet), ask_secret=lambda name: b"another passphrase")
    with pytest.raises(KeyStoreError, match="open"):
        backup(KEYS.public, KEYS.service, passphrase=None, sharing=None, at=NOW)


def test_any_two_of_three_open_what_one_cannot() -> None:
    """Promise: a bundle outlives one holder, and one holder alone has nothing."""
    secret = new_secret()
    sheet = sheet_of(KEYS.public, sealed(KEYS.root, secret), sharing=TWO_OF_THREE, at=NOW)
    words = split(secret, TWO_OF_THREE)
    assert len({*words}) == 3
    for one, other in combinations(words, 2):
        gathering = Gathering()
        came = gathering.add(" ".join(word[:4] for word in one.split()))
        assert (came, gathering.is_complete) == (1, False)
        with pytest.raises(KeyStoreError):
            gathering.secret()
        came = gathering.add(other.upper())
        assert (came, gathering.is_complete) == (2, True)
        recovered = gathering.secret()
        held = restore(printed(sheet), ask_secret={RootKeys.NAME: recovered}.__getitem__)
        assert held.bundle == KEYS.root
        assert not any(word in repr(gathering) for word in one.split())


def test_wrong_words_are_refused_without_being_repeated() -> None:
    """Promise: a slip, a stranger's words and the same words twice are told apart and not shown."""
    words, others = (split(new_secret(), TWO_OF_THREE) for _ in range(2))
    gathering = Gathering()
    gathering.add(words[0])
    first, *rest = words[1].split()
    for typed in ("nonsense " + " ".join(rest), " ".join(rest), words[0], others[1], "acad", ""):
        with pytest.raises(KeyStoreError) as refused:
            gathering.add(typed)
        assert not any(word in str(refused.value) for word in (first, *rest))
    gathering.add(words[1])
    assert gathering.is_complete


@pytest.mark.parametrize("text", ["1of3", "4of3", "2of17", "2-3", "of"])
def test_nonsense_is_no_sharing(text: str) -> None:
    """Promise: one person of three is no sharing, nor are more than there are."""
    with pytest.raises(ValueError, match=re.escape(text)):
        Sharing.from_text(text)


# --- by the commands


class Ceremony:
    """A table with the three bundles, and commands typed at it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        write_keys(folder / "keys", KEYS, passphrases=None)
        for name in ("root", "service", "workshop"):
            bundle: Bundle = getattr(KEYS, name)
            write_holder(folder / name, KEYS.public, bundle, passphrase=PASSPHRASE)

    def types(self, *words: str | Path, passphrases: tuple[str, ...] = ()) -> tuple[int, str]:
        """Run a command, and return its status and all that it said."""
        reading, writing = os.pipe()
        with os.fdopen(writing, "w") as pipe:
            pipe.write("\n".join(passphrases) + "\n")
        arguments = [*map(str, words), "--passphrase-fd", str(reading)]
        status = cli.run(arguments, Wiring(clock=ManualClock(NOW)))
        os.close(reading)
        said = self._capsys.readouterr()
        return status, said.out + said.err


@pytest.fixture
def ceremony(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ceremony:
    """A ceremony in a private folder."""
    tmp_path.chmod(0o700)
    return Ceremony(tmp_path, capsys)


OWN: Final = PASSPHRASE.decode()
NEXT: Final = "another that is long enough"


def test_show_says_what_a_bundle_holds_and_no_key(ceremony: Ceremony) -> None:
    """Promise: `keys show` names versions, dates and check values, and never a key."""
    for name, bundle in (("root", KEYS.root), ("service", KEYS.service)):
        status, closed = ceremony.types("keys", "show", ceremony.folder / name)
        assert (status, bundle.NAME in closed, "2026-03-16" in closed) == (0, True, True)
        status, opened = ceremony.types(
            "keys", "show", ceremony.folder / name, "--open", passphrases=(OWN,)
        )
        assert status == 0
        for secret in secrets_of(KEYS):
            assert secret.hex() not in opened.lower()
    assert "version 1" in opened
    twin = ceremony.types("keys", "show", ceremony.folder / "keys" / "service")
    assert opened.splitlines()[-1] == twin[1].splitlines()[-1], "check values name the same keys"


def test_a_backup_for_three_comes_back_with_two(ceremony: Ceremony) -> None:
    """Promise: papers are their owner's alone, overwrite nothing, and restore by words alone."""
    papers = ceremony.folder / "papers"
    words = ("keys", "backup", ceremony.folder / "root", "--to", papers, "--shares", "2of3")
    assert ceremony.types(*words, passphrases=(OWN,))[0] == 0
    assert sorted(path.name for path in papers.iterdir()) == [
        "root.keys-1-of-3.pdf",
        "root.keys-2-of-3.pdf",
        "root.keys-3-of-3.pdf",
        "root.keys.pdf",
    ]
    assert all(path.stat().st_mode & 0o077 == 0 for path in papers.iterdir())
    assert ceremony.types(*words, passphrases=(OWN,))[0] == 3


def test_restore_seals_anew_what_the_words_open(ceremony: Ceremony) -> None:
    """Promise: who brings keys back gives them a new passphrase; words show nowhere."""
    secret = new_secret()
    shares = split(secret, TWO_OF_THREE)
    paper = ceremony.folder / "paper.txt"
    paper.write_text(
        printed(sheet_of(KEYS.public, sealed(KEYS.service, secret), sharing=TWO_OF_THREE, at=NOW))
    )
    back = ceremony.folder / "back"
    words = ("keys", "restore", "--from", paper, "--into", back, "--shares")
    typed = (shares[2], "a slip", shares[0], NEXT)
    status, said = ceremony.types(*words, passphrases=typed)
    assert status == 0
    held = read_bundle(back, ServiceKeys, caisse="flers", passphrase=NEXT.encode())
    assert (held, read_public(back)) == (KEYS.service, KEYS.public)
    assert not any(word in said.split() for word in shares[0].split())
    assert ceremony.types(*words, passphrases=typed)[0] == 2, "nothing is overwritten"


ROLLS: Final[dict[str, tuple[str, type[Bundle]]]] = {
    "key-1": ("--keys", WorkshopKeys),
    "cards": ("--bundle", ServiceKeys),
    "issuer": ("--bundle", ServiceKeys),
}


@pytest.mark.parametrize("what", list(ROLLS))
def test_a_rolled_bundle_is_a_new_one_beside_the_old(ceremony: Ceremony, what: str) -> None:
    """Promise: rolling overwrites nothing, keeps what is old readable, and says what follows."""
    option, kind = ROLLS[what]
    holder = ceremony.folder / ("workshop" if kind is WorkshopKeys else "service")
    into = ceremony.folder / "rolled"
    root = ("--root", ceremony.folder / "root") if what == "issuer" else ()
    before = holder.joinpath(kind.NAME).read_bytes()
    typed = (OWN, OWN, NEXT) if what == "issuer" else (OWN, NEXT)
    command = ("keys", "roll", what, option, holder, *root, "--into", into)
    status, said = ceremony.types(*command, passphrases=typed)
    assert (status, holder.joinpath(kind.NAME).read_bytes()) == (0, before)
    assert " 1. " in said
    rolled = read_bundle(into, kind, caisse="flers", passphrase=NEXT.encode())
    assert rolled != read_bundle(holder, kind, caisse="flers", passphrase=PASSPHRASE)
    read_public(into).trust()


def test_new_versions_stand_beside_the_old() -> None:
    """Promise: a card of before is opened and proven by what a rolled bundle still holds."""
    workshop, service = roll_key_1(KEYS.workshop), roll_masters(KEYS.service)
    assert workshop.masters[:1] == KEYS.workshop.masters
    assert service.version(1) == KEYS.service.version(1)
    assert [it.version for it in workshop.masters] == [it.version for it in service.masters]
    assert service.newest().version == 2
    assert workshop.version(2).key != workshop.version(1).key
    full = replace(KEYS.workshop, masters=workshop.masters[:1] * MASTERS_MAX)
    with pytest.raises(KeyStoreError, match=str(MASTERS_MAX)):
        roll_key_1(full)


def test_a_new_issuer_leaves_what_the_old_one_signed() -> None:
    """Promise: what the old issuer signed counts under the new certificates too."""
    public, service = roll_issuer(KEYS.public, KEYS.root, KEYS.service, now=NOW)
    allowance = Allowance(
        epoch=1,
        version=1,
        uid=UID,
        generation=1,
        issued_at=NOW,
        spendable_until=NOW + timedelta(days=90),
        steps=(Step(NOW, 100_00),),
    )
    for keys in (KEYS.service, service):
        signed = sign_allowance(keys.issuer_key("flers"), allowance)
        assert accept_allowance(signed.encoded, public.trust()).uid == UID
    assert len(list(public.trust().keys(Role.ISSUER))) == 2
    stranger = new_keys("flers", now=NOW, step_max_cents=300_00).root
    with pytest.raises(DocumentForeign):
        roll_issuer(KEYS.public, stranger, KEYS.service, now=NOW)
    with pytest.raises(KeyStoreError):
        roll_issuer(replace(KEYS.public, certificates=()), KEYS.root, KEYS.service, now=NOW)


LOOKS: Final = """
import ctypes, os, resource, sys
sys.argv = ["clafoutis-provision", "--help"]
from provisioning import cli
planted = os.urandom(32)
cli.main()
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
sys.stdout.flush()
os.abort()
"""


def test_a_crash_leaves_no_core(tmp_path: Path) -> None:
    """Promise: the program that holds keys never leaves its memory on a disk."""
    done = subprocess.run(
        [sys.executable, "-c", LOOKS],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(cli.__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode < 0
    assert done.stdout.splitlines()[-1] == "(0, 0) 0"
    assert list(tmp_path.iterdir()) == []


def test_every_kind_of_bundle_can_be_put_on_paper() -> None:
    """Promise: no holder is left without a copy."""
    assert set(KINDS) == {RootKeys.NAME, ServiceKeys.NAME, WorkshopKeys.NAME}
