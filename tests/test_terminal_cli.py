"""The command line and the line-mode till: clear words, exact amounts, statuses for scripts."""

from __future__ import annotations

import ast
import gettext
import os
import string
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cardkit.bodies import EntryKind
from cardkit.clock import ClockTrust
from cardkit.errors import CardLost
from cardkit.language import language_of
from cardkit.reader.beep import Beep
from simulator.card import VirtualCard
from simulator.field import Field
from terminal.__main__ import cli
from terminal.context import Context, Exit
from terminal.line_mode import LineMode
from terminal.words import LOCALE, Words
from tests.terminal_world import MERCHANT, World, debits_cents
from tools.build_messages import compile_mo, read_po, sources

OTHER_MERCHANT = 8
TREE = Path(__file__).parent.parent


class Desk:
    """A terminal's command line, with a card on its reader."""

    def __init__(self, world: World, card: VirtualCard, language: str = "fr") -> None:
        self.world = world
        self.card = card
        self.field = Field()
        self.context = Context(
            world.data(), "field:", Words(language), world.clock, lambda _: self._reader()
        )

    def run(self, command: str, *arguments: str) -> Result:
        """Run one command with the card on the reader."""
        path = command.split()
        found = cli.named(path[0])
        return CliRunner().invoke(found, [*path[1:], *arguments], obj=self.context)

    def _reader(self) -> Field:
        """Readers are opened and closed by each command; the card lies there."""
        self.field.lift()
        reader = Field()
        reader._faults = self.field._faults
        reader.place(self.card)
        self.field = reader
        return reader


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A paired terminal and a card with 50 €."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    world.enrol()
    return Desk(world, card)


@pytest.mark.parametrize("text", ["12,50", "12.5", " 12,50 €"])
def test_comma_and_point(desk: Desk, text: str) -> None:
    """Promise: the decimal comma of a producer and the point of a keypad are the same."""
    result = desk.run("sell", text)
    assert result.exit_code == Exit.DONE
    assert "12,50 €" in result.stdout
    assert debits_cents(desk.card) == [12_50]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0", "au moins 0,01"),
        ("-5", "négatif"),
        ("1,234", "deux décimales"),
        ("dix", "pas un montant"),
    ],
)
def test_what_is_no_amount(desk: Desk, text: str, words: str) -> None:
    """Promise: 0, negative, three decimals and words are refused before any card is asked for."""
    environment = os.environ | {"LANGUAGE": "fr"}
    command = [sys.executable, "-m", "terminal", "--data", str(desk.world.data().root), "sell"]
    result = subprocess.run(
        [*command, text],
        cwd=TREE,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert result.returncode == Exit.USAGE
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_over_the_cap(desk: Desk) -> None:
    """Promise: what a sale may not be is said, with what could be paid instead."""
    result = desk.run("sell", "150,01")
    assert result.exit_code == Exit.DECLINED
    assert "peut pas payer tout le montant" in result.stderr
    assert "50,00 €" in result.stderr
    assert debits_cents(desk.card) == []


def test_a_torn_sale_and_its_settlement(desk: Desk) -> None:
    """Promise: amber has its own status; the next tap says that it is paid, and sells nothing."""
    desk.field.tear_after(9)
    assert desk.run("sell", "10").exit_code == Exit.AMBER
    desk.field._faults.lost_after = None
    again = desk.run("sell", "10")
    assert again.exit_code == Exit.AMBER
    assert "10,00 €" in again.stdout
    assert "Rien d’autre" in again.stderr
    assert debits_cents(desk.card) == [10_00]
    assert desk.run("sell", "10").exit_code == Exit.DONE


def test_refund_balance_status_verify(desk: Desk) -> None:
    """Promise: each command says what it did, on stdout, for scripts."""
    seq = desk.run("sell", "10").stdout.split()[0]
    assert desk.run("balance").stdout.strip() == "40,00 €"
    assert "4,00 €" in desk.run("refund", seq, "4,00").stdout
    assert desk.run("refund", seq, "7").exit_code == Exit.DECLINED
    assert desk.run("balance").stdout.strip() == "44,00 €"
    till = desk.world.till()
    head = till.journal.head.seq
    till.close()
    assert desk.run("journal verify").stdout.strip() == str(head)
    status = desk.run("status").stdout
    assert "Terminal 3 de flers" in status
    assert "6,00 €" in status
    till = desk.world.till()
    assert till.journal.head.seq == head + 1, "looking journals nothing"
    till.close()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_status_says_in_words_why_the_clock_is_believed(desk: Desk, language: str) -> None:
    """Promise: each degree of trust is words of that language, and none is an internal name."""
    words = Words(language)
    opening = words.gettext("Time {day}, {trust}").partition("{")[0]
    said = set()
    for degree in ClockTrust:
        desk.world.clock.trust = degree
        desk.context = replace(desk.context, words=words)
        status = desk.run("status").stdout
        (line,) = [it for it in status.splitlines() if it.startswith(opening)]
        assert degree.name not in line
        said.add(line)
    assert len(said) == len(ClockTrust)
    assert ("que rien ne garantit" in str(said)) is (language == "fr")


def test_a_stall_of_several_is_told_its_merchant_by_the_environment(desk: Desk) -> None:
    """Promise: terminal.env of the unit can say whom a till sells for; without it, what to say."""
    till = desk.world.till()
    desk.world.permit_version += 1
    till.store.accept_permit(desk.world.permit(merchants=(MERCHANT, OTHER_MERCHANT)))
    till.close()
    assert f"CLAFOUTIS_MERCHANT: {MERCHANT} (" in desk.run("sell", "10").stderr
    environment = {"CLAFOUTIS_MERCHANT": f"{OTHER_MERCHANT}"}
    result = CliRunner().invoke(cli.named("sell"), ["10"], obj=desk.context, env=environment)
    assert result.exit_code == Exit.DONE
    till = desk.world.till()
    entry = till.journal.last(EntryKind.INTENT)
    till.close()
    assert entry is not None
    assert entry.envelope.merchant == OTHER_MERCHANT


def test_a_card_taken_away_leaves_the_terminal_in_good_order(desk: Desk) -> None:
    """Promise: trouble with a card is told, and the journal is closed as after any sale."""
    desk.field.tear_before(3)
    result = desk.run("sell", "10")
    assert isinstance(result.exception, CardLost)
    till = desk.world.till()
    before = till.journal.entry(till.journal.head.seq - 1)
    assert before is not None
    assert before.envelope.kind == EntryKind.STOPPED
    till.close()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--reader", "none:", "balance"), Exit.READER, "Aucun lecteur"),
        (("--data", "/nonexistent", "status"), Exit.TROUBLE, "appairage"),
        (("refund", "0"), Exit.USAGE, "SEQ"),
        (("pair", "nonsense"), Exit.USAGE, "ticket"),
    ],
    ids=["reader", "data", "usage", "ticket"],
)
def test_trouble_has_a_status_and_words(
    desk: Desk, tmp_path: Path, arguments: tuple[str, ...], status: Exit, words: str
) -> None:
    """Promise: every foreseen trouble ends with one sentence and its status, never a traceback."""
    data = tmp_path / "new" if "pair" in arguments else desk.world.data().root
    environment = os.environ | {"LANGUAGE": "fr", "CLAFOUTIS_TERMINAL_DATA": str(data)}
    result = subprocess.run(
        [sys.executable, "-m", "terminal", *arguments],
        cwd=TREE,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert result.returncode == status, result.stderr
    assert words in result.stderr
    assert "Traceback" not in result.stderr


LINES = (
    "12,50",
    "",
    "abc",
    "torn 5",
    "5",
    "attente",
    "autrement 9",
    "autrement {amber}",
    "5",
    "solde",
    "rembourser {first} 2,50",
    "rembourser 1",
    "100",
    "clore",
    "quitter",
    "99",
)
"""What somebody types; `torn` lifts the card too early, {amber} is the last sale's number."""


class BeepingField(Field):
    """A reader that beeps at every card."""

    beep = Beep.AUDIBLE


@pytest.mark.parametrize(("reader", "warnings"), [(Field(), 0), (BeepingField(), 1)])
def test_the_till_opens_with_a_word_about_its_readers_beep(
    tmp_path: Path, reader: Field, warnings: int
) -> None:
    """Promise: where a beep cannot be muted, a stall is told before the first card, and once."""
    world = World.make(tmp_path)
    world.publish()
    till = world.till()
    said = list[str]()
    lines = iter(("", "quitter"))
    LineMode(
        till,
        reader,
        merchant=MERCHANT,
        words=Words("fr"),
        read_line=lambda: next(lines),
        write=said.append,
    ).run()
    assert sum("ne veut pas dire « payé »" in text for text in said) == warnings


def test_the_line_mode_till(tmp_path: Path) -> None:
    """Promise: a day at the till, line by line, in French."""
    world = World.make(tmp_path)
    card = world.new_card(50_00)
    world.publish()
    till = world.till()
    said = list[str]()
    reader = Field(while_waiting=lambda _: reader.place(card) if reader.card is None else None)
    lines = iter(LINES)

    def read_line() -> str | None:
        reader.lift()
        line = next(lines)
        if line.startswith("torn"):
            reader.tear_after(9)
            line = line.removeprefix("torn ")
        intents = [
            entry.seq
            for entry in till.journal.entries(0, 1_000)
            if entry.envelope.kind == EntryKind.INTENT
        ]
        first, amber = (intents[0], intents[-1]) if intents else (0, 0)
        return line.format(first=first, amber=amber)

    LineMode(
        till,
        reader,
        merchant=MERCHANT,
        words=Words("fr"),
        read_line=read_line,
        write=said.append,
    ).run()
    talk = "\n".join(said)
    for words in (
        "PAYÉ 12,50 €",
        "pas un montant",
        "INCONNU",
        "avait été débitée",
        "Aucune vente en attente",
        "peut payer",
        "Recrédité 2,50 €",
        "Aucune vente payée",
        "Journée close",
    ):
        assert words in talk, talk
    assert next(lines) == "99", "after `quitter` nothing is read"
    assert debits_cents(card)[:2] == [12_50, 5_00]
    till.stop()


def messages() -> set[str]:
    """Every text that the terminal gives to gettext."""
    found = set[str]()
    for path in (TREE / "terminal").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if called in {"_", "self._"} or called.endswith("words.gettext"):
                (text,) = node.args
                if isinstance(text, ast.Constant):
                    found.add(str(text.value))
                else:  # what was handed over was a literal where it began
                    assert called.endswith("words.gettext"), f"{path}:{node.lineno} is no literal"
    return found


def fields(text: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_sentence_has_its_french() -> None:
    """Promise: no English reaches a French screen, and no braces are lost on the way."""
    (source,) = (source for source in sources() if "terminal" in source.parts)
    catalogue = read_po(source.read_text("utf-8"))
    del catalogue[""]
    assert set(catalogue) == messages()
    assert all(catalogue.values())
    for english, french in catalogue.items():
        assert fields(english) == fields(french), english


def test_the_compiled_catalogue_is_the_source() -> None:
    """Promise: what is shipped is what was translated (python -m tools.build_messages)."""
    for source in sources():
        compiled = compile_mo(read_po(source.read_text("utf-8")))
        assert source.with_suffix(".mo").read_bytes() == compiled
    french = gettext.translation("clafoutis", LOCALE, ["fr"])
    assert french.gettext("No sale is waiting.") == "Aucune vente n’est en attente."


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "fr"),
        ({"LANG": "C.UTF-8"}, "fr"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LANGUAGE": "fr:en"}, "fr"),
        ({"LANG": "de_DE.UTF-8"}, "fr"),
    ],
)
def test_french_unless_english_is_asked_for(environment: dict[str, str], language: str) -> None:
    """Promise: a stall speaks French; an English environment gets English."""
    assert language_of(environment) == language
    assert Words(language).euros(1_234_05) == {"fr": "1234,05 €", "en": "1234.05 €"}[language]
