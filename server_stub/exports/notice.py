"""The notice of what is known of a member, in plain words (GDPR art. 13; CNIL, FALC)."""

from __future__ import annotations

from typing import Final

from server_stub.exports.stationery import Stationery, printed_on
from server_stub.rules.scheme import RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import voted_or_proposed

TEMPLATE: Final = "notice.typ"
_YEAR_DAYS: Final = 365


def notice(caisse: Caisse, stationery: Stationery) -> bytes:
    """Return the notice with the time that names are kept; raises PaperFailed."""
    data = {"kept": kept_in_words(caisse, stationery.language)}
    return printed_on(caisse, TEMPLATE, data, stationery)


def kept_in_words(caisse: Caisse, language: str) -> str:
    """Return how long a name is kept: whole years as years, all else as days."""
    days = voted_or_proposed(caisse, RuleName.RETENTION_DAYS)
    years, rest = divmod(days, _YEAR_DAYS)
    count, unit = (years, ("an", "year")) if years and not rest else (days, ("jour", "day"))
    word = unit[language == "en"]
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
