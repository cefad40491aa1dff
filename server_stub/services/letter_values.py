"""What is filled into a letter: words and sums for one person, from what the books say today."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import npgettext

from server_stub.models import Letter, LetterKind, Person
from server_stub.rules.letters import fill, parts, placeholders
from server_stub.rules.payment_reference import in_groups, payment_reference
from server_stub.rules.scheme import RuleName
from server_stub.services.amounts import euros
from server_stub.services.card_numbers import printed
from server_stub.services.letter_facts import Known, can_buy, follows, lapses
from server_stub.services.letter_texts import Words

_LINE: Final = "…………"
"""What is not known, to be written by hand."""


def content_of(books: Known, letter: Letter, words: Words) -> dict[str, Any]:
    """Return a letter word for word: day, address, subject, body, and who signs."""
    with translation.override(letter.language):
        values = _common(books, letter.person) | _OF_KIND[LetterKind(letter.kind)](
            books, letter.person
        )
        return _filled(words, values, _address(letter.person))


def example(books: Known, words: Words) -> dict[str, Any]:
    """Return a letter to somebody who does not exist, to look at words before they are saved."""
    with translation.override(words.language):
        name, month = _("Claude Exemple"), _month(books.today)
        reference = "RF18 1234 5678 90"
        values = {
            **_common(books, Person(name=name)),
            "carte": "04C1 AF00 0000 01",
            "perdue": _lost(books),
            "allocation": euros(books.rule(RuleName.MONTHLY_CREDIT_CENTS)),
            "mois": month,
            "montant": euros(20_00),
            "reference": reference,
            "payer": _how_to_pay(books, reference),
            "fin": month,
            "suite": month,
            "duree": _months(books.rule(RuleName.COMMITMENT_MONTHS)),
            "reste": _rest(books),
        }
        return _filled(words, values, [name, _("1 rue de l’Exemple")])


def named(kind: LetterKind) -> tuple[str, ...]:
    """Return the placeholders that a kind knows."""
    return placeholders(kind.value)


def _filled(words: Words, values: Mapping[str, str], address: list[str]) -> dict[str, Any]:
    body = parts(words.body, values)
    return {
        "language": words.language,
        "day": values["jour"],
        "address": address,
        "subject": fill(words.subject, values),
        "body": [{"lines": list(it.lines), "items": list(it.items)} for it in body],
        "signed": _("Bien à vous,"),
    }


def _common(books: Known, person: Person) -> dict[str, str]:
    details = books.details
    return {
        "nom": person.name,
        "jour": _day(books.today),
        "caisse": details.name if details else _LINE,
        "adresse": ", ".join(details.address.splitlines()) if details else _LINE,
        "telephone": details.telephone if details else _LINE,
        "courriel": (details.email if details else "") or _LINE,
        "horaires": (details.hours if details else "") or _LINE,
    }


def _welcome(books: Known, person: Person) -> dict[str, str]:
    card = can_buy(books, person)
    return {
        "carte": printed(bytes(card.uid)) if card else _LINE,
        "perdue": _lost(books),
        "allocation": euros(books.rule(RuleName.MONTHLY_CREDIT_CENTS)),
    }


def _call(books: Known, person: Person) -> dict[str, str]:
    month = next(
        it
        for it in books.standings[person.account_id].paid.months
        if it.month == books.today.replace(day=1)
    )
    return _dues(books, person, [month.month], month.missing_cents)


def _reminder(books: Known, person: Person) -> dict[str, str]:
    paid = books.standings[person.account_id].paid
    return _dues(books, person, [it.month for it in paid.months if it.is_late], paid.late_cents)


def _dues(books: Known, person: Person, months: list[date], cents: int) -> dict[str, str]:
    reference = in_groups(payment_reference(bytes(person.account.number)))
    named = [_month(it) for it in months]
    return {
        "mois": _(" et ").join([", ".join(named[:-1]), named[-1]]) if named[1:] else named[0],
        "montant": euros(cents),
        "reference": reference,
        "payer": _how_to_pay(books, reference),
    }


def _renewal(books: Known, person: Person) -> dict[str, str]:
    renewal, follow = books.renewals[person.account_id], follows(books, person)
    last = books.standings[person.account_id].commitments
    ends = max(it.after_last_month for it in last)
    return {
        "fin": _month(_month_before(ends)),
        "suite": _month(follow or ends),
        "montant": euros(renewal.monthly_cents),
        "duree": _months(books.rule(RuleName.COMMITMENT_MONTHS)),
    }


def _end(books: Known, person: Person) -> dict[str, str]:
    left = books.left.get(person.account_id)
    first = left or books.renewals[person.account_id].nothing_from
    return {"fin": _month(first), "reste": _rest(books) if left else _spendable()}


_OF_KIND: Final[Mapping[LetterKind, Callable[[Known, Person], dict[str, str]]]] = {
    LetterKind.WELCOME: _welcome,
    LetterKind.DUES_CALL: _call,
    LetterKind.REMINDER: _reminder,
    LetterKind.SECOND_REMINDER: _reminder,
    LetterKind.RENEWAL: _renewal,
    LetterKind.COMMITMENT_END: _end,
}


def _how_to_pay(books: Known, reference: str) -> str:
    iban = books.details.iban if books.details else ""
    if not iban:
        return _("en espèces ou par chèque, au bureau de la caisse")
    grouped = " ".join(iban[at : at + 4] for at in range(0, len(iban), 4))
    return _(
        "par virement sur le compte %(iban)s avec la référence %(reference)s, ou en espèces ou par"
        " chèque au bureau de la caisse"
    ) % {"iban": grouped, "reference": reference}


def _rest(books: Known) -> str:
    if lapses(books):
        return _("La carte ne sert plus : rendez-la. Ce qui restait dessus revient à la caisse.")
    return _spendable()


def _spendable() -> str:
    return _("Ce qui reste sur votre carte est à vous : vous pouvez encore le dépenser.")


def _lost(books: Known) -> str:
    if books.details is None:
        return _LINE
    return books.details.lost_card_telephone or books.details.telephone


def _address(person: Person) -> list[str]:
    street = person.address if "\n" in person.address else person.address.replace(",", "\n")
    helpers = ", ".join(it.name for it in person.helpers.all())
    through = [_("par l’intermédiaire de %(name)s") % {"name": helpers}] if helpers else []
    return [person.name, *through, *(it.strip() for it in street.splitlines() if it.strip())]


def _day(on: date) -> str:
    text = date_format(on, "j F Y")
    is_french_first = on.day == 1 and translation.get_language() == "fr"
    return text.replace("1 ", "1er ", 1) if is_french_first else text


def _month(on: date) -> str:
    return date_format(on, "F Y")


def _months(count: int) -> str:
    return f"{count} {npgettext('durée', 'mois', 'mois', count)}"


def _month_before(on: date) -> date:
    return date(on.year - 1, 12, 1) if on.month == 1 else date(on.year, on.month - 1, 1)
