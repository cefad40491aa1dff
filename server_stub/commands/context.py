"""What a command begins with: the caisse that it is about, and the person who acts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from server_stub.services.caisse import Caisse

acting = click.option("--by", required=True, metavar="NAME", help="Who does it: a console user.")


def opened() -> Caisse:
    """Return the caisse of this process's settings; raises KeyStoreError without its keys."""
    from server_stub.wiring import caisse

    return caisse()


def person_of(caisse: Caisse, name: str) -> int:
    """Return the number of a console user who may still log in."""
    from django.contrib.auth.models import User
    from django.utils.translation import gettext as _

    users = User.objects.using(caisse.using).filter(username=name, is_active=True)
    number = users.values_list("id", flat=True).first()
    if number is None:
        raise click.BadParameter(_("personne ne s’appelle « %(name)s » ici") % {"name": name})
    return number
