"""The voted rules as a table, with the minutes of each."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from server_stub.exports.sheet import sheet
from server_stub.services.rules_read import RuleSeen


def rules_csv(rules: Iterable[RuleSeen]) -> bytes:
    """Return every rule as CSV: its value in words, since when, and the vote."""
    head = [_("Règle"), _("Valeur"), _("Depuis le"), _("Votée le"), _("Procès-verbal"), _("Nom")]
    return sheet([head, *(_cells(rule) for rule in rules)])


def _cells(rule: RuleSeen) -> list[str]:
    now = rule.now
    if now is None:
        return [rule.label, _("pas votée"), "", "", "", rule.name]
    return [
        rule.label,
        now.value,
        now.from_day.isoformat(),
        "" if now.voted_on is None else now.voted_on.isoformat(),
        now.minutes or _("valeur de départ, sans vote"),
        rule.name,
    ]
