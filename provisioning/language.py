"""The words on the workshop's screen: English in the code, French through its catalogue.

French is what it speaks unless the environment asks for English.
"""

from __future__ import annotations

import gettext
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

LOCALE: Final = Path(__file__).parent / "locale"
DOMAIN: Final = "provisioning"
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


def catalogue(language: str) -> gettext.NullTranslations:
    """The sentences of a language; the code is the English catalogue."""
    if language == ENGLISH:
        return gettext.NullTranslations()
    return gettext.translation(DOMAIN, LOCALE, languages=[language])


_: Final = catalogue(language_of(os.environ)).gettext
