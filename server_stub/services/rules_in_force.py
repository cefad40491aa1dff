"""The voted rules, read, written and printed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from cardkit.acts import RuleSet
from cardkit.clock import business_date
from server_stub.models import Rule
from server_stub.rules.scheme import (
    APPLIED_BY_PEOPLE,
    STARTING_VALUES,
    DatedRule,
    RuleName,
    in_force,
)
from server_stub.services import acts
from server_stub.services.caisse import Caisse
from server_stub.services.rule_words import day_in_words, label_of, value_in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedRule:
    """One rule in force, as an export prints it; texts are in the language that is active."""

    name: str
    """As `clafoutis-server rule set` takes it."""
    label: str
    value: str
    """With its unit."""
    from_day: date
    minutes: str
    """The vote that made it: its title and its day; that there was none is said too."""
    is_applied_by_people: bool
    """Nothing is computed from it."""

    @property
    def line(self) -> str:
        """All of it as one line of text."""
        since = _("depuis le %(day)s") % {"day": day_in_words(self.from_day)}
        line = _("%(label)s : %(value)s, %(since)s (%(minutes)s)") % {
            "label": self.label,
            "value": self.value,
            "since": since,
            "minutes": self.minutes,
        }
        return f"{line}, {_('appliquée par des personnes')}" if self.is_applied_by_people else line


def value(caisse: Caisse, name: RuleName, *, day: date | None = None) -> int:
    """Return the value of a rule on a day, today by default."""
    return in_force(dated(caisse, (name,)), name, day or business_date(caisse.now()))


def voted(caisse: Caisse, name: RuleName) -> int | None:
    """Return the value of a rule today, or None in a caisse that has never voted on it."""
    today = business_date(caisse.now())
    votes = _all(caisse).get(name.value, ())
    return next((number for from_day, number in reversed(votes) if from_day <= today), None)


def printed(caisse: Caisse, day: date) -> tuple[PrintedRule, ...]:
    """Return the rules in force on a day, in the order of `RuleName`, for an export to print."""
    rows = Rule.objects.using(caisse.using).filter(from_day__lte=day).order_by("from_day")
    in_force_on = {row.name: row for row in rows}
    return tuple(
        PrintedRule(
            name=name.value,
            label=label_of(name),
            value=value_in_words(name, in_force_on[name.value].value),
            from_day=in_force_on[name.value].from_day,
            minutes=_minutes(in_force_on[name.value]),
            is_applied_by_people=name in APPLIED_BY_PEOPLE,
        )
        for name in RuleName
        if name.value in in_force_on
    )


def dated(caisse: Caisse, names: Iterable[RuleName]) -> tuple[DatedRule, ...]:
    """Return everything that was ever voted on some rules."""
    held = _all(caisse)
    return tuple(
        DatedRule(name=name, value=number, from_day=from_day)
        for name in names
        for from_day, number in held.get(name.value, ())
    )


def voted_or_proposed(caisse: Caisse, name: RuleName) -> int:
    """Return a rule's value today, or what a new caisse starts from where nobody has voted."""
    number = voted(caisse, name)
    return STARTING_VALUES[name] if number is None else number


def set_rule(
    caisse: Caisse,
    name: RuleName,
    number: int,
    *,
    from_day: date,
    voted_on: date | None = None,
    minutes: str = "",
    by: int = 0,
) -> None:
    """Put a rule on record, whatever it changes; a committee's vote goes through `vote`."""
    body = RuleSet(
        name=name.value, value=number, from_day=from_day, voted_on=voted_on, minutes=minutes
    )
    acts.record(caisse, body, by=by)


def start_rules(caisse: Caisse, *, from_day: date) -> None:
    """Give a new caisse rules to begin with; what it has voted already stays."""
    voted = set(Rule.objects.using(caisse.using).values_list("name", flat=True))
    for name, number in STARTING_VALUES.items():
        if name.value not in voted:
            set_rule(caisse, name, number, from_day=from_day)


def _all(caisse: Caisse) -> Mapping[str, Sequence[tuple[date, int]]]:
    """Return everything that was ever voted: by rule the first days and values, oldest first."""

    def read() -> Mapping[str, Sequence[tuple[date, int]]]:
        held: dict[str, list[tuple[date, int]]] = defaultdict(list)
        rows = Rule.objects.using(caisse.using).order_by("from_day")
        for name, from_day, number in rows.values_list("name", "from_day", "value"):
            held[name].append((from_day, number))
        return held

    return caisse.once("rules", read)


def _minutes(row: Rule) -> str:
    if row.voted_on is None:
        return row.minutes or _("valeur de départ, sans vote")
    day = day_in_words(row.voted_on)
    if not row.minutes:
        return _("voté le %(day)s") % {"day": day}
    return _("procès-verbal du %(day)s, « %(title)s »") % {"day": day, "title": row.minutes}
