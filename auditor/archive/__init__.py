"""Checks the fiscal archive of a terminal with public keys alone (docs/protocol.md, 11)."""

from __future__ import annotations
