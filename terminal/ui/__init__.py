"""The till's face on a small touch screen; the only part of the terminal that knows Textual."""

from __future__ import annotations
