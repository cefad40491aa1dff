"""`clafoutis-server pin-code`: what a producer is told who has forgotten the PIN."""

from __future__ import annotations

import sys

import click

from cardkit.pin import is_challenge, reset_code


@click.command("pin-code")
@click.argument("terminal", type=int)
@click.argument("digits")
def pin_code(terminal: int, digits: str) -> None:
    """Answer the DIGITS that TERMINAL shows for a forgotten PIN.

    For whoever runs the service, and only after calling the producer back at the number that the
    caisse has: who is told the code chooses the PIN of refunds, closures and settings.
    """
    from django.utils.translation import gettext as _

    from server_stub.services.card_keys import token_key
    from server_stub.wiring import caisse

    asked = "".join(digits.split())
    if not is_challenge(asked):
        click.echo(_("Ce sont les six chiffres affichés par le terminal qu’il faut."), err=True)
        sys.exit(1)
    key = token_key(caisse(), terminal)
    if key is None:
        click.echo(_("Il n’y a pas de terminal %(id)s ici.") % {"id": terminal}, err=True)
        sys.exit(1)
    code = reset_code(key, asked)
    click.echo(f"{code[:4]} {code[4:]}")
