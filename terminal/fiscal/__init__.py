"""What the terminal keeps and hands out for the tax office (docs/adr/0013)."""

from __future__ import annotations
