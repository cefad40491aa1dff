"""What people do, from beginning to end: pages one after another, and what came of them."""

from __future__ import annotations
