"""A signed release comes into the other slot, or nothing happens at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from cardkit.bodies import EntryKind, MediumExchanged, SettingChanged
from cardkit.entries import OperatorRole
from cardkit.errors import (
    DocumentError,
    DocumentForeign,
    DocumentMalformed,
    DocumentRolledBack,
    SignatureInvalid,
)
from cardkit.keyfiles import CaissePublic
from cardkit.release import (
    SIGNED_NAME,
    Release,
    ReleaseFile,
    accept_release,
    check_files,
    list_files,
    sign_release,
)
from cardkit.signing import SigningKey
from terminal.fiscal.perimeter import perimeter_digest
from terminal.releases import Installed, Installer, NotInstalled, untold_sales
from terminal.running import SETTING
from terminal.slots import STARTS_MAX, Slots, name_of
from terminal.software import Software, Source
from terminal.wiring import open_till
from tests.terminal_world import CAISSE, MERCHANT, SOFTWARE, START, World

ROOT: Final = SigningKey.from_scalar(1001, caisse=CAISSE)
MACHINE: Final = "aarch64"


class Copied:
    """An environment whose program is one file, and its hash that file's name."""

    def __init__(self) -> None:
        self.damage: Callable[[Path], None] = lambda _slot: None

    def build(self, files: Path, slot: Path) -> None:
        """Copy the program."""
        (slot / "program").write_bytes((files / "wheels/till.whl").read_bytes())
        self.damage(slot)

    def digest_of(self, slot: Path) -> bytes:
        """The hash of a program of the tests."""
        return (slot / "program").read_bytes()


def release_in(folder: Path, *, version: str = "0.2.0", key: SigningKey = ROOT) -> Path:
    """Write a release, and sign it."""
    (folder / "wheels").mkdir(parents=True)
    (folder / "wheels/till.whl").write_bytes(version.encode().ljust(32, b"."))
    release = Release(
        version=version,
        made_at=START + timedelta(days=int(version.split(".")[1])),
        software=version.encode().ljust(32, b"."),
        perimeter=bytes(32),
        machine=MACHINE,
        files=list_files(folder),
    )
    (folder / SIGNED_NAME).write_bytes(sign_release(key, release).encoded)
    return folder


@pytest.fixture
def installer(tmp_path: Path) -> Installer:
    """A till that runs 0.1.0."""
    (tmp_path / "app").mkdir()
    made = Installer(
        slots=Slots(tmp_path / "app"),
        public=CaissePublic(
            caisse=CAISSE, system_id=b"CLAF-FLERS", root=ROOT.public.encoded, certificates=()
        ),
        machine=MACHINE,
        environment=Copied(),
    )
    install(made, release_in(tmp_path / "first", version="0.1.0"))
    return made


def install(installer: Installer, folder: Path) -> Installed | NotInstalled:
    """Look at a release, and install it when it may be."""
    found = installer.look(folder)
    return found if isinstance(found, NotInstalled) else installer.install(folder, found)


def running(installer: Installer) -> str:
    """The version that starts."""
    held = installer.held(installer.slots.begin())
    assert held is not None
    return held.release.version


def test_a_newer_release_starts_next_time(installer: Installer, tmp_path: Path) -> None:
    """Promise: a release that the root signed comes into the other slot; a second time, nothing."""
    new = release_in(tmp_path / "new")
    assert install(installer, new) == Installed(installer.held("b").release, "b")  # type: ignore[union-attr]  # it is there now
    assert running(installer) == "0.2.0"
    assert install(installer, new) is NotInstalled.SAME


def test_the_one_to_go_back_to_is_kept_during_a_trial(installer: Installer, tmp_path: Path) -> None:
    """Promise: a second update can't take away what the first one would go back to."""
    install(installer, release_in(tmp_path / "new"))
    newer = release_in(tmp_path / "newer", version="0.3.0")
    assert install(installer, newer) is NotInstalled.ON_TRIAL
    proof = tmp_path / "opened"
    proof.write_text(name_of(installer.slots.mark("b") or b""))
    assert installer.slots.confirm(proof)
    assert isinstance(install(installer, newer), Installed)


def forged(folder: Path) -> None:
    """Somebody else signs it."""
    other = SigningKey.from_scalar(7, caisse=CAISSE)
    release_in(folder, key=other)


def foreign(folder: Path) -> None:
    """Another caisse's root signs it."""
    release_in(folder, key=SigningKey.from_scalar(1001, caisse="nantes"))


def changed(folder: Path) -> None:
    """A wheel is another than the one signed for."""
    release_in(folder)
    (folder / "wheels/till.whl").write_bytes(b"another program".ljust(32, b"."))


def missing(folder: Path) -> None:
    """A stick that was pulled out too early."""
    release_in(folder)
    (folder / "wheels/till.whl").unlink()


def added(folder: Path) -> None:
    """Something that nobody signed lies beside."""
    release_in(folder)
    (folder / "wheels/requests-99-py3-none-any.whl").write_bytes(b"surprise")


def linked(folder: Path) -> None:
    """A link leads out of the folder."""
    release_in(folder)
    (folder / "wheels/link").symlink_to("/etc/shadow")


def older(folder: Path) -> None:
    """A release of before, with a hole that was closed since."""
    release_in(folder, version="0.0.9")


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (forged, SignatureInvalid),
        (foreign, DocumentForeign),
        (changed, DocumentMalformed),
        (missing, DocumentMalformed),
        (added, DocumentMalformed),
        (linked, DocumentMalformed),
        (older, DocumentRolledBack),
    ],
)
def test_what_is_not_signed_whole_and_newer_is_refused(
    installer: Installer, tmp_path: Path, make: Callable[[Path], None], error: type[DocumentError]
) -> None:
    """Promise: nothing runs on a till that the root did not sign as it is; what ran still runs."""
    make(tmp_path / "bad")
    with pytest.raises(error):
        install(installer, tmp_path / "bad")
    assert running(installer) == "0.1.0"
    assert installer.slots.trial is None


def test_a_release_for_other_computers_is_refused(installer: Installer, tmp_path: Path) -> None:
    """Promise: a program for another processor is not tried."""
    with pytest.raises(DocumentForeign):
        install(replace(installer, machine="x86_64"), release_in(tmp_path / "new"))


@pytest.mark.parametrize("name", ["../escape", "/etc/passwd", "wheels//x", "a/./b", "c:\\x", ""])
def test_no_name_leads_out_of_a_release(name: str) -> None:
    """Promise: not even the root can have a file written outside of its folder by mistake."""
    release = Release(
        version="1",
        made_at=START,
        software=bytes(32),
        perimeter=bytes(32),
        machine=MACHINE,
        files=(ReleaseFile(name=name, size=0, digest=bytes(32)),),
    )
    with pytest.raises(DocumentMalformed):
        accept_release(sign_release(ROOT, release).encoded, ROOT.public, caisse=CAISSE)


def test_what_was_installed_is_held_against_what_was_signed(
    installer: Installer, tmp_path: Path
) -> None:
    """Promise: a program that came out otherwise, from a bad memory card, never starts."""
    environment = installer.environment
    assert isinstance(environment, Copied)
    environment.damage = lambda slot: (slot / "program").write_bytes(b"rotten".ljust(32, b"."))  # type: ignore[assignment]  # how many bytes is nobody's business
    with pytest.raises(DocumentMalformed, match="not what was signed"):
        install(installer, release_in(tmp_path / "new"))
    assert running(installer) == "0.1.0"


def test_a_full_disk_changes_nothing(installer: Installer, tmp_path: Path) -> None:
    """Promise: when the new program finds no room, the old one starts."""

    def full(_slot: Path) -> None:
        raise OSError(28, "No space left on device")

    environment = installer.environment
    assert isinstance(environment, Copied)
    environment.damage = full
    with pytest.raises(OSError, match="No space"):
        install(installer, release_in(tmp_path / "new"))
    assert running(installer) == "0.1.0"


def test_a_release_that_went_back_is_not_tried_again(installer: Installer, tmp_path: Path) -> None:
    """Promise: a stick that stays plugged in does not bring a bad program back every morning."""
    new = release_in(tmp_path / "new")
    install(installer, new)
    versions = [running(installer) for _ in range(STARTS_MAX + 1)]
    assert versions == ["0.2.0"] * STARTS_MAX + ["0.1.0"]
    assert install(installer, new) is NotInstalled.WENT_BACK
    assert isinstance(install(installer, release_in(tmp_path / "fix", version="0.3.0")), Installed)


def test_sales_that_nobody_has_yet_hold_an_update_back(tmp_path: Path) -> None:
    """Promise: before a program is changed, each sale is with the service or on a stick."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    till = world.till()
    assert untold_sales(till.journal) == 0
    world.tap(card, lambda connection: till.sell(connection, 12_50, merchant=MERCHANT))
    assert untold_sales(till.journal) == 1

    def exchanged(digest: bytes | None) -> None:
        till.journal.append(
            EntryKind.MEDIUM_EXCHANGED,
            MediumExchanged(
                medium="sda1", written_up_to_seq=till.journal.head.seq, written_digest=digest
            ),
            operator=OperatorRole.NOBODY,
        )

    exchanged(b"\x01" * 32)  # an archive, for the tax office
    assert untold_sales(till.journal) == 1
    exchanged(None)
    assert untold_sales(till.journal) == 0
    world.tap(card, lambda connection: till.sell(connection, 1_00, merchant=MERCHANT))
    assert untold_sales(till.journal) == 2
    till.stop()


def test_the_journal_says_which_release_runs(tmp_path: Path) -> None:
    """Promise: an update, and a return, stand in the chain with the hash of the fiscal perimeter.

    And the till tells who watches over a new release that it opened.
    """
    world = World.make(tmp_path)
    data = world.enrol()
    sources = (Source("terminal/till.py", b"1" * 32),)
    old, new = name_of(b"old"), name_of(b"new")
    for name in (None, old, old, new, old):
        software = Software(SOFTWARE.digest, "0.2.0+terminal", None, sources, name)
        till = open_till(data, clock=world.clock, software=software)
        till.start()
        if name is not None:
            assert data.opened.read_text() == name
        till.stop()
    till = world.till()
    bodies = [it.body for it in till.journal.entries(0, 100)]
    till.stop()
    noted = [it for it in bodies if isinstance(it, SettingChanged) and it.name == SETTING]
    hashed = perimeter_digest(sources).hex()
    told = [f"0.2.0+terminal {name} {hashed}" for name in (old, new, old)]
    assert [(it.before, it.after) for it in noted] == [
        ("", told[0]),
        (told[0], told[1]),
        (told[1], told[2]),
    ]


def test_a_folder_is_what_was_listed(tmp_path: Path) -> None:
    """Promise: every file's length and content count, whatever its name."""
    folder = release_in(tmp_path / "one")
    held = accept_release((folder / SIGNED_NAME).read_bytes(), ROOT.public, caisse=CAISSE)
    check_files(folder, held.release)
    assert [it.name for it in held.release.files] == ["wheels/till.whl"]
