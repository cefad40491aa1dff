"""Files that leave the caisse: for banks, for public accountants."""

from __future__ import annotations
