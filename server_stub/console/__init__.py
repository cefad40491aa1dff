"""What people see in a browser; views read, services act."""

from __future__ import annotations
