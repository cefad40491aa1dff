"""`clafoutis-server stick`: what stalls without a network send by stick."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from server_stub.services.stick import Left


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
def stick(directory: Path) -> None:
    """Take in what terminals left on the stick at DIRECTORY, and leave them their answers."""
    from django.utils.translation import gettext as _

    from server_stub.services.stick import serve_stick
    from server_stub.wiring import caisse

    done = serve_stick(caisse(), directory)
    for folder in done:
        if folder.requests:
            click.echo(
                _("%(name)s : %(requests)s envois pris, réponse déposée")
                % {"name": folder.name, "requests": folder.requests}
            )
        for name, why in folder.left:
            click.echo(f"{name}: {_because(why)}", err=True)
    if not any(folder.requests for folder in done):
        click.echo(_("Rien sur cette clé n’a pu être pris."), err=True)
        sys.exit(1)


def _because(why: Left) -> str:
    from django.utils.translation import gettext as _

    from server_stub.services.stick import Left

    return {
        Left.ANOTHER_CAISSE: _("n’est pas d’un terminal de cette caisse, laissé"),
        Left.UNKNOWN_TERMINAL: _("terminal inconnu ici, laissé"),
        Left.NOT_GENUINE: _("pas signé par ce terminal, laissé"),
    }[why]
