"""What every paper for people begins with: who writes, in which language, by which rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from django.utils import translation
from django.utils.formats import date_format

from cardkit.clock import business_date
from server_stub.exports.paper import paper
from server_stub.models import CaisseDetails
from server_stub.rules.scheme import RuleName
from server_stub.services.caisse import Caisse
from server_stub.services.details import details_of
from server_stub.services.rule_words import value_in_words
from server_stub.services.rules_in_force import voted_or_proposed

LANGUAGES: Final = ("fr", "en")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stationery:
    """How papers are made."""

    language: str = "fr"
    own: Path | None = None
    """The folder whose templates win over ours."""


def printed_on(
    caisse: Caisse, template: str, data: Mapping[str, object], stationery: Stationery
) -> bytes:
    """Make a PDF with the caisse at its head; raises PaperFailed."""
    details = details_of(caisse) or CaisseDetails()
    told = {
        "language": stationery.language,
        "today": day(business_date(caisse.now()), stationery.language),
        "caisse": {
            "name": details.name,
            "address": lines(details.address),
            "place": details.place,
            "telephone": details.telephone,
            "lost": details.lost_card_telephone or details.telephone,
            "email": details.email,
            "hours": details.hours,
            "controller": details.controller,
        },
        **data,
    }
    return paper(template, told, at=caisse.now(), own=stationery.own)


def rule(caisse: Caisse, name: RuleName, stationery: Stationery) -> str:
    """Return a rule's value today with its unit, or what a new caisse would begin with."""
    with translation.override(stationery.language):
        return value_in_words(name, voted_or_proposed(caisse, name))


def number(caisse: Caisse, name: RuleName) -> str:
    """Return a rule's bare number."""
    return str(voted_or_proposed(caisse, name))


def day(on: date, language: str) -> str:
    """Return `1er octobre 2026`, or `1 October 2026`."""
    with translation.override(language):
        text = date_format(on, "j F Y")
    return text.replace("1 ", "1er ", 1) if language == "fr" and on.day == 1 else text


def month(on: date, language: str) -> str:
    """Return `octobre 2026`."""
    with translation.override(language):
        return date_format(on, "F Y")


def lines(address: str) -> list[str]:
    """Return an address line by line, however it was typed."""
    parts = address.replace(",", "\n") if "\n" not in address.strip() else address
    return [it.strip() for it in parts.splitlines() if it.strip()]
