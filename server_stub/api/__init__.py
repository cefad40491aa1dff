"""What terminals and the workshop ask over HTTP; each view calls one service."""

from __future__ import annotations
