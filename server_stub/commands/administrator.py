"""`clafoutis-server administrator`: the first way into the console, and the last resort."""

from __future__ import annotations

import click

from server_stub.commands.context import opened

_name = click.option("--name", required=True, metavar="NAME", help="Under which they enter.")
_address = click.option(
    "--address", metavar="URL", help="Of the console, where the settings do not tell it."
)


@click.group()
def administrator() -> None:
    """Let somebody in who lets the others in."""


@administrator.command()
@_name
@_address
def invite(name: str, address: str | None) -> None:
    """Print a link, once, by which a new administrator chooses a password."""
    from django.utils.translation import gettext as _

    from server_stub.models import ConsoleRole
    from server_stub.services.invitations import Invited, NotInvited, Wish
    from server_stub.services.invitations import invite as let_in

    made = let_in(opened(), name, "", [Wish(role=ConsoleRole.ADMINISTRATOR)], by=0)
    if made is NotInvited.NAME_TAKEN:
        words = _("« %(name)s » entre déjà : « administrator recover » lui fait un nouveau lien")
        raise click.BadParameter(words % {"name": name})
    if not isinstance(made, Invited):
        raise click.BadParameter(str(made))
    _tell(made.token, address)


@administrator.command()
@_name
@_address
def recover(name: str, address: str | None) -> None:
    """Take somebody's second factors away and print a link to a new password.

    For the only administrator, whose telephone is lost; others are helped in the console, by
    another administrator.
    """
    from django.utils.translation import gettext as _

    from server_stub.commands.context import person_of
    from server_stub.services import second_factor
    from server_stub.services.invitations import NotInvited, renew

    caisse = opened()
    user = person_of(caisse, name)
    made = renew(caisse, user, by=0)
    if isinstance(made, NotInvited):
        raise click.BadParameter(str(made))
    second_factor.reset(caisse, user, by=0)
    click.echo(_("Ses seconds facteurs sont retirés, et ses sessions fermées."), err=True)
    _tell(made.token, address)


def _tell(token: str, address: str | None) -> None:
    from django.conf import settings
    from django.urls import reverse
    from django.utils.translation import gettext as _

    from server_stub.services.invitations import LASTING

    local = "http://localhost:8765"
    console = address or (f"https://{settings.ALLOWED_HOSTS[0]}" if settings.HTTPS else local)
    words = _("À ouvrir dans les %(hours)d heures, une seule fois ; ce lien n’est plus jamais dit.")
    click.echo(words % {"hours": LASTING.total_seconds() // 3600}, err=True)
    click.echo(console.rstrip("/") + reverse("invitation", args=[token]))
