"""Where rules meet what is kept: one transaction each, no request object, an injected clock."""

from __future__ import annotations
