"""Which language a program speaks: French, unless its environment asks for English."""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from pathlib import Path
from typing import Final

FRENCH: Final = "fr"
ENGLISH: Final = "en"
_VARIABLES: Final = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


def language_of(environment: Mapping[str, str]) -> str:
    """Return `fr` or `en`: English only where the environment asks for it."""
    for variable in _VARIABLES:
        for wish in environment.get(variable, "").split(":"):
            if wish[:2] in (FRENCH, ENGLISH):
                return wish[:2]
    return FRENCH


def catalogue(domain: str, locale: Path, *, language: str) -> gettext.NullTranslations:
    """Return a program's sentences in a language; the code itself is the English catalogue."""
    if language == ENGLISH:
        return gettext.NullTranslations()
    return gettext.translation(domain, locale, languages=[language])
