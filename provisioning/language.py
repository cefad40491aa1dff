"""The words on the workshop's screen: English in the code, French through its catalogue."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cardkit.language import catalogue, language_of

LOCALE: Final = Path(__file__).parent / "locale"
DOMAIN: Final = "provisioning"

_: Final = catalogue(DOMAIN, LOCALE, language=language_of(os.environ)).gettext
