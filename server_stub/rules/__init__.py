"""What the service decides, as functions of what it knows: no database, no clock, no I/O."""

from __future__ import annotations
