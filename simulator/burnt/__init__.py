"""A terminal that burns with a day's sales in it, and what the cards bring back of them."""

from __future__ import annotations
