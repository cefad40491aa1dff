"""Commands that other installed packages add to `clafoutis-server`; none of them is known here.

The demo's data is made by virtual cards, which no program may know. Where their package is
installed it registers its commands under this group of entry points (docs/adr/0019); a server's
wheel has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Final

import click

GROUP: Final = "clafoutis.server.commands"


class Extensible(click.Group):
    """A group of commands of its own, which a registered one never replaces."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return every name, sorted."""
        return sorted({*super().list_commands(context), *registered()})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Return a command of this program, or else a registered one, which is loaded only now."""
        own = super().get_command(context, name)
        found = registered().get(name)
        if own is not None or found is None:
            return own
        loaded = found.load()
        return loaded if isinstance(loaded, click.Command) else None


def registered() -> Mapping[str, EntryPoint]:
    """Return what installed packages have registered, by name."""
    return {point.name: point for point in entry_points(group=GROUP)}
