"""`clafoutis-server letters`: prepare what is due, print it, and change the words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, TextIO

import click

from server_stub.commands.context import acting, opened, person_of
from server_stub.commands.paper import end, language_option, out_option, stationery, write

if TYPE_CHECKING:
    from server_stub.exports.letters import PrintedLetters
    from server_stub.services.letters import NotPrinted

KINDS: Final = (
    "welcome",
    "dues_call",
    "reminder",
    "second_reminder",
    "renewal",
    "commitment_end",
)
_LISTED: Final = 200
_kind = click.argument("kind", type=click.Choice(KINDS))


@click.group()
def letters() -> None:
    """Write to members: what is due is prepared, then printed, or mailed by the service's jobs."""


@letters.command()
def due() -> None:
    """Show, for each kind, how many are to be prepared, printed and mailed."""
    from django.utils.translation import gettext as _

    from server_stub.services.letters import piles
    from server_stub.services.paper_words import LETTERS

    for pile in piles(opened()):
        text = _("à préparer %(due)s, à imprimer %(paper)s, par courriel %(mail)s")
        counts = {"due": pile.due, "paper": pile.to_print, "mail": pile.to_mail}
        click.echo(f"{pile.kind.value:<16} {LETTERS[pile.kind.value]} : {text % counts}")


@letters.command()
@_kind
@click.option("--on-paper", is_flag=True, help="Also to those who could be mailed.")
@language_option
@acting
def prepare(kind: str, on_paper: bool, language: str, by: str) -> None:
    """Put every letter of KIND that is due into the queue."""
    from django.utils.translation import ngettext

    from server_stub.models import LetterKind
    from server_stub.services.letters import prepare as put

    caisse = opened()
    count = put(
        caisse, LetterKind(kind), language=language, on_paper=on_paper, by=person_of(caisse, by)
    )
    text = ngettext("%(count)s courrier préparé.", "%(count)s courriers préparés.", count)
    click.echo(text % {"count": count}, err=True)


@letters.command("list")
def list_waiting() -> None:
    """Show the letters that wait."""
    from server_stub.services.letters import waiting
    from server_stub.services.paper_words import LETTERS, TROUBLES

    for one in waiting(opened(), count=_LISTED):
        how = "@" if one.by_mail else " "
        trouble = f" ({TROUBLES[one.trouble]})" if one.trouble else ""
        click.echo(f"{one.pk:>6} {how} {LETTERS[one.kind]} – {one.person.name}{trouble}")


@letters.command()
@click.argument("number", type=int)
@acting
def drop(number: int, by: str) -> None:
    """Decide that letter NUMBER is not sent."""
    from server_stub.services.letters import drop as give_up

    caisse = opened()
    refused = give_up(caisse, number, by=person_of(caisse, by))
    if refused is not None:
        _refuse(refused)


@letters.command("print")
@click.option("--kind", type=click.Choice(KINDS), help="Only these.")
@click.option("--again", type=int, metavar="NUMBER", help="The batch of this letter, as it left.")
@out_option
@acting
def print_waiting(kind: str | None, again: int | None, out: Path, by: str) -> None:
    """Write the letters that wait as one PDF, and mark them as printed."""
    from server_stub.exports.letters import print_again, print_letters
    from server_stub.models import LetterKind

    caisse = opened()
    person = person_of(caisse, by)
    with caisse.alone():  # what can't be written was not printed
        if again is not None:
            done = print_again(caisse, stationery("fr"), again)
        else:
            chosen = None if kind is None else LetterKind(kind)
            done = print_letters(caisse, stationery("fr"), chosen, by=person)
        write(_printed(done).content, out)


@letters.command()
@_kind
@language_option
@click.option("--save", type=click.File(encoding="utf-8"), help="Subject, an empty line, text.")
@click.option("--by", metavar="NAME", help="With --save: who does it.")
def text(kind: str, language: str, save: TextIO | None, by: str | None) -> None:
    """Show the words of KIND, or put others in force."""
    from server_stub.models import LetterKind
    from server_stub.rules.letters import Objection
    from server_stub.services.letter_texts import save_words, words_of
    from server_stub.services.paper_words import wrong_in_words

    caisse = opened()
    if save is not None:
        subject, _, body = save.read().partition("\n")
        done = save_words(
            caisse,
            LetterKind(kind),
            language,
            subject=subject,
            body=body,
            by=person_of(caisse, by or ""),
        )
        if isinstance(done, Objection):
            end(wrong_in_words(kind, done))
    words = words_of(caisse, LetterKind(kind), language)
    click.echo(f"{words.subject}\n\n{words.body}")


def _printed(done: PrintedLetters | NotPrinted) -> PrintedLetters:
    """Return what was printed, and say what was left out; else say why and end."""
    from django.utils.translation import gettext as _

    from server_stub.services.letters import NotPrinted

    if isinstance(done, NotPrinted):
        _refuse(done)
    counts = {"count": len(done.batch.letters), "moot": done.batch.moot, "left": done.batch.left}
    told = _(
        "%(count)s à mettre sous enveloppe, %(moot)s sans objet et retirés, %(left)s pour la "
        "prochaine fois."
    )
    click.echo(told % counts, err=True)
    return done


def _refuse(why: NotPrinted) -> NoReturn:
    from server_stub.services.paper_words import NOT_PRINTED

    end(str(NOT_PRINTED[why.name]))
