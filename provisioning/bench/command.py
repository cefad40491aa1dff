"""`clafoutis-provision bench`: the conversation around a run of the bench."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from cardkit.card.keys import UID_BYTES
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.profile_file import write_facts
from cardkit.errors import CardLost
from provisioning.bench.answers import Answer
from provisioning.bench.bench import CARD_WAIT_S, Bench
from provisioning.bench.host import BenchHost
from provisioning.bench.report import Setting, markdown, settled
from provisioning.bench.runner import Outcome, run
from provisioning.bench.specimen import Refusal, Specimen, examine
from provisioning.language import _
from provisioning.wiring import Wiring, reader_option

_REFUSED: Final = 4
_NOT_WHOLE: Final = 1
_SALES: Final = 20


class UidType(click.ParamType[bytes]):
    """A card's UID, 14 hexadecimal digits."""

    name = "hex"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> bytes:
        """Read the digits; fails as click does."""
        try:
            uid = bytes.fromhex(str(value))
        except ValueError:
            uid = b""
        if len(uid) != UID_BYTES:
            self.fail(_("a UID is 14 hexadecimal digits"), param, ctx)
        return uid


def in_a_folder(
    _context: click.Context, _option: click.Parameter, path: Path | None
) -> Path | None:
    """Refuse a file whose folder is not there, before the card is asked for twenty minutes."""
    if path is not None and not path.parent.is_dir():
        raise click.BadParameter(_("there is no folder {folder}").format(folder=path.parent))
    return path


class AtTheScreen:
    """The person who started the command (a `Person`)."""

    def lay_down(self) -> None:
        """Ask for the card."""
        click.echo(_("Lay the card on the reader."), err=True)

    def lift_before_commit(self) -> None:
        """Ask for the card to be taken away."""
        click.echo(_("Lift the card NOW, and keep it off."), err=True)

    def lift_at_work(self) -> None:
        """Ask for the card to be taken away."""
        click.echo(_("Lift the card NOW, while it works."), err=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the command line asked for."""

    uid: bytes
    report: Path | None
    profile: Path | None
    sales: int
    asks_to_lift: bool
    asks_before: bool


@click.command("bench", help=_("Ask a blank DESFire what no document tells; refuses a used card."))
@reader_option
@click.option("--card", "uid", type=UidType(), required=True, help=_("UID of the test card."))
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    callback=in_a_folder,
    default=None,
    help=_("Append the report to this file, such as docs/hardware-log.md."),
)
@click.option(
    "--profile",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    callback=in_a_folder,
    default=None,
    help=_("Write what is settled for the card profile to this file."),
)
@click.option(
    "--sales",
    type=click.IntRange(1, 1000),
    default=_SALES,
    show_default=True,
    help=_("How many sales are timed."),
)
@click.option("--no-lifting", is_flag=True, help=_("Never ask to lift the card."))
@click.option("--force", is_flag=True, help=_("Ask nothing before the card is emptied."))
@click.pass_obj
def bench_command(
    wiring: Wiring,
    *,
    reader: str,
    uid: bytes,
    report: Path | None,
    profile: Path | None,
    sales: int,
    no_lifting: bool,
    force: bool,
) -> int:
    """Find the card, see that nobody uses it, ask everything, and write it down."""
    wishes = Wishes(
        uid=uid,
        report=report,
        profile=profile,
        sales=sales,
        asks_to_lift=not no_lifting,
        asks_before=not force,
    )
    bench = _laid(wiring, reader, wishes)
    try:
        found = examine(bench.host, uid, originality=wiring.originality)
        if isinstance(found, Refusal):
            click.echo(_(found.value), err=True)
            click.echo(_("Nothing was done to this card."), err=True)
            return _REFUSED
        _ask_first(wishes)
        setting = Setting(
            at=wiring.clock.now().at,
            reader=bench.reader.name,
            activation=bench.host.connection.activation,
            specimen=found,
        )
        return _run(bench, found, setting, wishes)
    finally:
        bench.host.connection.close()
        bench.reader.close()


def _laid(wiring: Wiring, address: str, wishes: Wishes) -> Bench:
    """The bench with a card on it; raises ReaderError, CardLost."""
    reader, person = wiring.open_reader(address), AtTheScreen()
    try:
        person.lay_down()
        connection = reader.wait_for_card(CARD_WAIT_S)
        if connection is None:
            raise CardLost("no card came")
    except BaseException:
        reader.close()
        raise
    return Bench(
        reader=reader,
        person=person,
        uid=wishes.uid,
        ticks_ns=wiring.ticks_ns,
        random=os.urandom,
        host=BenchHost(connection, wiring.ticks_ns, os.urandom),
        sales=wishes.sales,
        asks_to_lift=wishes.asks_to_lift,
    )


def _ask_first(wishes: Wishes) -> None:
    words = _(
        "The card {uid} will be emptied, asked some thousand commands in an application of the "
        "bench's own, and given back empty, its master key as it came."
    )
    click.echo(words.format(uid=wishes.uid.hex().upper()), err=True)
    if wishes.asks_before:
        click.confirm(_("Go on?"), abort=True, err=True)


def _run(bench: Bench, found: Specimen, setting: Setting, wishes: Wishes) -> int:
    outcome = run(bench, found, tell=_tell)
    if wishes.report is not None:
        with wishes.report.open("a", encoding="utf-8") as file:
            file.write(markdown(setting, outcome))
        click.echo(_("Report: {path}").format(path=wishes.report), err=True)
    if wishes.profile is not None:
        _write_profile(outcome, wishes.profile)
    if not outcome.given_back:
        words = _(
            "The card could not be given back as it came: run this command once more, or keep it "
            "for the bench."
        )
        click.echo(words, err=True)
    return 0 if outcome.is_whole and outcome.given_back else _NOT_WHOLE


def _write_profile(outcome: Outcome, path: Path) -> None:
    facts = settled(outcome.answers, CLAF_PURSE_1)
    if facts is None:
        click.echo(_("This card's Transaction MAC has no known form: no profile."), err=True)
        return
    path.write_text(write_facts(facts), encoding="utf-8")
    click.echo(_("Card profile: {path}").format(path=path), err=True)


def _tell(answer: Answer) -> None:
    """One line on stdout: a mark where silicon is not what the virtual card assumes."""
    mark = "!" if answer.differs or answer.is_missing else " "
    click.echo(f"{mark} {_(answer.question.value)}: {_(answer.value)}")
