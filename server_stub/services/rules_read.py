"""Every rule as a page shows it: what is in force, since when, what is to come, what there was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from cardkit.clock import business_date
from server_stub.models import Rule
from server_stub.rules.scheme import APPLIED_BY_PEOPLE, CHOICES, STARTING_VALUES, RuleName
from server_stub.rules.voting import NotVoted, read_value
from server_stub.services.acts_read import user_names
from server_stub.services.caisse import Caisse
from server_stub.services.rule_words import form_in_words, label_of, value_in_words

NotPut: TypeAlias = NotVoted
"""Why a vote is not put on record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteSeen:
    """One value of a rule and the vote that made it."""

    value: str
    """With its unit, in the language that is active."""
    from_day: date
    voted_on: date | None
    minutes: str
    """Empty: what the caisse started with."""
    author: str
    """Who entered it, by console name; empty: the service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSeen:
    """One rule; `now` is None in a caisse that never voted on it."""

    name: str
    label: str
    now: VoteSeen | None
    starts_with: str
    """What a new caisse has where nobody has voted; empty where there is nothing."""
    to_come: tuple[VoteSeen, ...]
    past: tuple[VoteSeen, ...]
    """Newest first."""
    is_applied_by_people: bool
    form: str
    """How a value is written."""
    answers: tuple[str, ...]
    """What may be answered, where that is a list."""


def rules_seen(caisse: Caisse) -> tuple[RuleSeen, ...]:
    """Return every rule, in the order of `RuleName`."""
    rows = list(Rule.objects.using(caisse.using).order_by("from_day"))
    names = user_names(caisse, {row.set_by for row in rows})
    by_rule: dict[str, list[Rule]] = {}
    for row in rows:
        by_rule.setdefault(row.name, []).append(row)
    today = business_date(caisse.now())
    return tuple(_rule(name, by_rule.get(name.value, []), names, today) for name in RuleName)


def rule_seen(caisse: Caisse, name: str) -> RuleSeen | None:
    """Return one rule; None where there is none of that name."""
    rule = next((it for it in RuleName if it.value == name), None)
    if rule is None:
        return None
    rows = list(Rule.objects.using(caisse.using).filter(name=name).order_by("from_day"))
    names = user_names(caisse, {row.set_by for row in rows})
    return _rule(rule, rows, names, business_date(caisse.now()))


def as_it_would_read(name: str, written: str) -> str | None:
    """Return a value as the page would show it once voted; None where it is none of that rule."""
    rule = RuleName(name)
    number = read_value(rule, written)
    return None if number is None else value_in_words(rule, number)


def _rule(name: RuleName, rows: list[Rule], names: Mapping[int, str], today: date) -> RuleSeen:
    def vote(row: Rule) -> VoteSeen:
        return VoteSeen(
            value=value_in_words(name, row.value),
            from_day=row.from_day,
            voted_on=row.voted_on,
            minutes=row.minutes,
            author=names.get(row.set_by, ""),
        )

    begun = [row for row in rows if row.from_day <= today]
    started = STARTING_VALUES.get(name)
    return RuleSeen(
        name=name.value,
        label=label_of(name),
        now=vote(begun[-1]) if begun else None,
        starts_with="" if started is None else value_in_words(name, started),
        to_come=tuple(vote(row) for row in rows if row.from_day > today),
        past=tuple(vote(row) for row in reversed(begun[:-1])),
        is_applied_by_people=name in APPLIED_BY_PEOPLE,
        form=form_in_words(name),
        answers=tuple(it.name.lower() for it in CHOICES[name]) if name in CHOICES else (),
    )
