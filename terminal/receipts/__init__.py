"""Receipts: what stands on one, how it looks, and what leaves the printer (docs/adr/0014)."""

from __future__ import annotations
