"""The workshop's commands: what they print, ask and exit with; never a secret."""

from __future__ import annotations

import ast
import io
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import Enum
from pathlib import Path

import click
import pytest

from cardkit import cbor
from cardkit.card.issuing import Step
from cardkit.card.keys import NXP_ORIGINALITY
from cardkit.errors import ReaderMissing
from cardkit.keyfiles import RootKeys, ServiceKeys, WorkshopKeys, is_sealed, read_bundle
from cardkit.language import catalogue, language_of
from cardkit.pairing import PATH, Ticket
from cardkit.reader import Reader
from cardkit.schema import pack
from provisioning import card_commands, cli, language
from provisioning.batch import Notice
from provisioning.bench.answers import Question, Said
from provisioning.bench.specimen import Refusal
from provisioning.card_keeping import Proof
from provisioning.card_words import KINDS, Condition, Stage
from provisioning.keystore import new_keys, write_keys
from provisioning.terminals import WORDS_ATTEMPTS, NotEnrolledReason
from provisioning.wiring import Wiring
from server_stub.models import Terminal
from simulator.clock import ManualClock
from simulator.field import Field, FieldConnection
from tests.workshop_world import (
    ACCOUNT,
    MERCHANT,
    NOW,
    UID,
    URL,
    BlankTerminal,
    World,
    make_world,
    served,
)
from tools.build_messages import compile_mo, read_po

KEYS = new_keys("flers", now=NOW, step_max_cents=300_00)
PASSPHRASES = ("the coordinator's", "the server's own", "the workshop's")
PROVISIONING = Path(cli.__file__).parent


class Lent:
    """A reader that a command may close and the next one finds again (a `Reader`)."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self.name = field.name
        self.beep = field.beep

    def wait_for_card(self, timeout_s: float) -> FieldConnection | None:
        """As the field does."""
        return self._field.wait_for_card(timeout_s)

    def wait_for_removal(self, timeout_s: float) -> bool:
        """As the field does."""
        return self._field.wait_for_removal(timeout_s)

    def close(self) -> None:
        """Nothing: the field stays."""


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """A fresh caisse, served in this process."""
    with served(make_world(KEYS, ManualClock(NOW))) as made:
        yield made


@pytest.fixture
def keys_dir(tmp_path: Path) -> Path:
    """The three bundles, open, in a place of their own."""
    write_keys(tmp_path / "keys", KEYS, passphrases=None)
    return tmp_path / "keys"


def wiring(world: World, *, meanwhile: Callable[[], None] = lambda: None) -> Wiring:
    """The commands' world; `meanwhile` is what others do while a command waits."""
    return Wiring(
        open_reader=lambda _: Lent(world.field),
        open_transport=lambda: world.line,
        clock=world.clock,
        originality=world.maker.originality,
        wait=lambda _: meanwhile(),
    )


def passphrase_fd(*lines: str) -> str:
    """A pipe that holds passphrases."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe:
        pipe.write("\n".join(lines) + "\n")
    return str(reading)


def issue_args(keys_dir: Path, *more: str) -> list[str]:
    """The words of `card issue`."""
    where = ["--service", URL, "--keys", str(keys_dir / "workshop")]
    return ["card", "issue", "--account", ACCOUNT.hex(), *where, *more]


def enrol_args(keys_dir: Path) -> list[str]:
    """The words of `terminal enrol`."""
    where = ["--service", URL, "--keys", str(keys_dir / "workshop")]
    return [
        "terminal",
        "enrol",
        "--merchant",
        str(MERCHANT),
        "--root",
        str(keys_dir / "root"),
        *where,
    ]


def test_a_ceremony_leaves_three_sealed_bundles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Promise: `keys new` parts the keys, and its output and logs hold no passphrase."""
    out = tmp_path / "caisse"
    descriptor = passphrase_fd(*PASSPHRASES)
    arguments = ["keys", "new", "--caisse", "flers", "--out", str(out), "--step-max", "150,00"]
    status = cli.run([*arguments, "--passphrase-fd", descriptor], Wiring(clock=ManualClock(NOW)))
    os.close(int(descriptor))
    printed = capsys.readouterr()
    assert (status, printed.out) == (0, f"{out}\n")
    assert "animatrice" in printed.err
    root, service, workshop = (passphrase.encode() for passphrase in PASSPHRASES)
    read_bundle(out / "root", RootKeys, caisse="flers", passphrase=root)
    read_bundle(out / "service", ServiceKeys, caisse="flers", passphrase=service)
    read_bundle(out / "workshop", WorkshopKeys, caisse="flers", passphrase=workshop)
    assert is_sealed(out / "root", RootKeys)
    said = printed.out + printed.err + caplog.text
    assert not any(passphrase in said for passphrase in PASSPHRASES)


def test_the_servers_keeper_installs_the_services_keys(tmp_path: Path) -> None:
    """Promise: `keys install` leaves what a service starts with, and only for its bundle."""
    out, into = tmp_path / "caisse", tmp_path / "server"
    new, install = passphrase_fd(*PASSPHRASES), passphrase_fd(PASSPHRASES[1])
    shipped = Wiring(clock=ManualClock(NOW))
    made = ["keys", "new", "--caisse", "flers", "--out", str(out), "--passphrase-fd", new]
    assert cli.run(made, shipped) == 0
    installed = ["keys", "install", "--bundle", str(out / "service"), "--into", str(into)]
    assert cli.run([*installed, "--passphrase-fd", install], shipped) == 0
    assert not is_sealed(into, ServiceKeys)
    for descriptor in (new, install):
        os.close(int(descriptor))


@pytest.mark.parametrize(
    ("more", "status"),
    [
        (["--caisse", "Flers!"], 2),
        (["--caisse", "flers", "--step-max", "0"], 2),
        (["--caisse", "flers", "--step-max", "a lot"], 2),
    ],
)
def test_a_ceremony_with_nonsense_makes_no_keys(
    tmp_path: Path, more: list[str], status: int
) -> None:
    """Promise: what can't be a caisse is refused before any key exists."""
    out = tmp_path / "caisse"
    arguments = ["keys", "new", "--out", str(out), "--no-passphrase", *more]
    assert cli.run(arguments, Wiring(clock=ManualClock(NOW))) == status
    assert not out.exists()


def test_keys_are_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Promise: a second ceremony or install in one place does nothing, and says so at once."""
    out, into = tmp_path / "caisse", tmp_path / "keys"
    new = ["keys", "new", "--caisse", "flers", "--out", str(out), "--no-passphrase"]
    install = ["keys", "install", "--bundle", str(out / "service"), "--into", str(into)]
    for arguments in (new, install):
        assert cli.run(arguments, Wiring(clock=ManualClock(NOW))) == 0
        made = {path: path.read_bytes() for path in tmp_path.rglob("*.keys")}
        assert cli.run(arguments, Wiring(clock=ManualClock(NOW))) == 2
        assert "des clés ne sont jamais écrasées, et rien n’a été fait" in capsys.readouterr().err
        assert {path: path.read_bytes() for path in tmp_path.rglob("*.keys")} == made


def test_open_bundles_are_refused_where_others_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Promise: `--no-passphrase` works in a private directory only."""
    tmp_path.chmod(0o755)
    arguments = ["keys", "new", "--caisse", "flers", "--out", str(tmp_path), "--no-passphrase"]
    assert cli.run(arguments, Wiring(clock=ManualClock(NOW))) == 3
    assert "Les clés sont inutilisables ; rien n’a été changé." in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_too_few_passphrases_are_an_error_and_no_default(tmp_path: Path) -> None:
    """Promise: a script that forgets a passphrase seals nothing with an empty one."""
    descriptor = passphrase_fd(*PASSPHRASES[:2])
    out = tmp_path / "caisse"
    arguments = ["keys", "new", "--caisse", "flers", "--out", str(out)]
    status = cli.run([*arguments, "--passphrase-fd", descriptor], Wiring(clock=ManualClock(NOW)))
    os.close(int(descriptor))
    assert (status, out.exists()) == (3, False)


def test_a_card_is_issued_and_said_to_be(
    world: World, keys_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Promise: stdout is the card's UID and life, stderr what a person wants to know."""
    world.field.place(world.maker.blank_card(UID))
    assert cli.run(issue_args(keys_dir), wiring(world)) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{UID.hex().upper()} 1\n"
    assert "elle peut acheter dès maintenant" in printed.err
    assert cli.run(issue_args(keys_dir), wiring(world)) == 0
    assert "déjà émise" in capsys.readouterr().err


def test_a_card_that_slips_off_is_waited_for(
    world: World, keys_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Promise: laying the card down again goes on; nobody has to type anything twice."""
    card = world.maker.blank_card(UID)
    field = Field(while_waiting=lambda _: field.place(card))
    slippery = replace(world, field=field)
    field.tear_after(20)
    assert cli.run(issue_args(keys_dir), wiring(slippery)) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{UID.hex().upper()} 1\n"
    assert "trop tôt" in printed.err


def test_a_card_that_never_comes_is_not_waited_for_for_ever(world: World, keys_dir: Path) -> None:
    """Promise: an empty reader ends the command with a status of its own."""
    empty = replace(world, field=Field(while_waiting=lambda _: None))
    assert cli.run(issue_args(keys_dir), wiring(empty)) == 4


def test_a_new_life_is_given_on_purpose_only(
    world: World,
    keys_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Promise: `--again` asks, and asking nothing takes a second word."""
    world.field.place(world.maker.blank_card(UID))
    cli.run(issue_args(keys_dir), wiring(world))
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert cli.run(issue_args(keys_dir, "--again"), wiring(world)) == 130
    capsys.readouterr()
    assert cli.run(issue_args(keys_dir, "--again", "--force"), wiring(world)) == 0
    assert capsys.readouterr().out == f"{UID.hex().upper()} 2\n"


def test_a_card_is_described_in_french(
    world: World, keys_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Promise: `card inspect` says what it is, and what to do."""
    world.field.place(world.maker.blank_card(UID))
    arguments = ["card", "inspect", "--keys", str(keys_dir / "workshop")]
    assert cli.run(arguments, wiring(world)) == 0
    blank = capsys.readouterr().out
    assert "04A1B2C3D4E5F6" in blank
    assert "DESFire EV3" in blank
    assert "l’émettre" in blank
    cli.run(issue_args(keys_dir), wiring(world))
    capsys.readouterr()
    cli.run(arguments, wiring(world))
    issued = capsys.readouterr().out
    assert "0,00 €" in issued
    assert "la donner à son adhérent" in issued


class Typist:
    """Whoever reads the terminal's screen and types what stands there: a standard input."""

    def __init__(self, words: Callable[[], str]) -> None:
        self._words = words

    def readline(self) -> str:
        """One line, as it is known by then."""
        return self._words() + "\n"


@pytest.mark.parametrize("careful", [True, False])
def test_a_terminal_is_let_in_by_its_words(
    world: World,
    keys_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    careful: bool,
) -> None:
    """Promise: the right words enrol and print the number, wrong ones end with a reason."""
    blank = BlankTerminal.new()
    tickets: list[Ticket] = []

    def ask() -> None:
        tickets.append(Ticket.from_text(capsys.readouterr().out))
        body = cbor.encode(pack(blank.request(tickets[0])))
        world.line.post(URL + PATH, body, {"Content-Type": "application/cbor"})

    def words() -> str:
        return blank.request(tickets[0]).words if careful else "ail ail ail ail"

    monkeypatch.setattr(sys, "stdin", Typist(words))
    status = cli.run(enrol_args(keys_dir), wiring(world, meanwhile=ask))
    printed = capsys.readouterr()
    if careful:
        assert (status, printed.out) == (0, f"{Terminal.objects.get().id}\n")
    else:
        assert (status, printed.out, Terminal.objects.count()) == (1, "", 0)
        assert "les mots saisis" in printed.err
        assert printed.err.count("quatre mots") == WORDS_ATTEMPTS


@pytest.mark.parametrize("service", ["http://caisse.example", "http://127.0.0.1:1"])
def test_a_service_that_is_not_there_is_said_to_be(
    world: World,
    keys_dir: Path,
    capsys: pytest.CaptureFixture[str],
    service: str,
) -> None:
    """Promise: trouble in the world is a sentence and a status, without a traceback."""
    world.field.place(world.maker.blank_card(UID))
    arguments = [*issue_args(keys_dir), "--service", service]
    shipped = Wiring(open_reader=lambda _: Lent(world.field), originality=world.maker.originality)
    assert cli.run(arguments, shipped) == 6
    printed = capsys.readouterr()
    assert "injoignable" in printed.err
    assert "Traceback" not in printed.err


def test_each_trouble_has_its_own_status(world: World, keys_dir: Path, tmp_path: Path) -> None:
    """Promise: a script can tell a missing reader from missing keys and a refusing service."""
    world.field.place(world.maker.blank_card(UID))

    def no_reader(address: str) -> Reader:
        raise ReaderMissing(address)

    assert cli.run(issue_args(keys_dir), replace(wiring(world), open_reader=no_reader)) == 5
    assert cli.run(issue_args(tmp_path / "nowhere"), wiring(world)) == 3
    nobody = ["--account", bytes(16).hex()]
    assert cli.run([*issue_args(keys_dir), *nobody], wiring(world)) == 6
    assert cli.run([*issue_args(keys_dir), "--account", "abc"], wiring(world)) == 2
    assert cli.run(["no", "such", "verb"], wiring(world)) == 2
    as_shipped = replace(wiring(world), originality=NXP_ORIGINALITY)
    assert cli.run(issue_args(keys_dir), as_shipped) == 4


def commands(group: click.Group) -> Iterator[click.Command]:
    """Every command below a group."""
    for command in group.commands.values():
        yield command
        if isinstance(command, click.Group):
            yield from commands(command)


def test_no_option_takes_a_secret_or_a_virtual_card() -> None:
    """Promise: secrets never stand in a process list, and the workshop trusts NXP's chips only."""
    names = {
        name
        for command in commands(cli.cli)
        for parameter in command.params
        for name in parameter.opts
    }
    assert {name for name in names if "passphrase" in name} == {
        "--passphrase-fd",
        "--no-passphrase",
    }
    assert not any(word in name for name in names for word in ("virtual", "secret", "original"))
    assert Wiring().originality is NXP_ORIGINALITY


def spoken() -> set[str]:
    """Every sentence that the workshop's program can say."""
    words: set[str] = set()
    for path in PROVISIONING.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name("_"), args=[ast.Constant(str(text))]):
                    words.add(text)
    enums: tuple[type[Enum], ...] = (
        Stage,
        Step,
        Condition,
        NotEnrolledReason,
        Notice,
        Proof,
        Question,
        Said,
        Refusal,
    )
    words |= {member.value for enum in enums for member in enum}
    return words | set(card_commands._ADVICE.values()) | set(KINDS.values())


def test_every_sentence_is_french_too() -> None:
    """Promise: no English slips onto the coordinator's screen, and no translation is left over."""
    source = PROVISIONING / "locale" / "fr" / "LC_MESSAGES" / "provisioning.po"
    messages = read_po(source.read_text("utf-8"))
    assert set(messages) - {""} == spoken()
    assert all(messages.values())
    assert source.with_suffix(".mo").read_bytes() == compile_mo(messages)


def test_french_unless_english_is_asked_for() -> None:
    """Promise: a machine with no language set speaks its users' language."""
    assert language_of({}) == "fr"
    assert language_of({"LANG": "C.UTF-8"}) == "fr"
    assert language_of({"LANG": "en_GB.UTF-8"}) == "en"
    assert language_of({"LANGUAGE": "fr:en", "LANG": "en_GB.UTF-8"}) == "fr"
    assert (
        catalogue("provisioning", language.LOCALE, language="fr").gettext("The service refused.")
        == "Le service a refusé."
    )
    assert (
        catalogue("provisioning", language.LOCALE, language="en").gettext("The service refused.")
        == "The service refused."
    )
