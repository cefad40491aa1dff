"""What a page says after a decision: done, kept for a second person, or refused and why."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from server_stub.console.visit import Visit
from server_stub.services.deciding import Done, NeedsSecond, Result
from server_stub.services.work_words import NOT_DONE


def answered(visit: Visit, result: Result, name: str, **arguments: Any) -> HttpResponse:
    """Say what became of a decision on the page of that name."""
    if isinstance(result, Done):
        words = _("C’est fait et signé : acte n° %(act)s.") % {"act": result.act}
        return visit.done(words, name, **arguments)
    if isinstance(result, NeedsSecond):
        words = _(
            "Votre décision est gardée et attend une deuxième personne, qui doit décider la même "
            "chose. Rien n’a bougé encore."
        )
        return visit.done(words, name, **arguments)
    return visit.refused(str(NOT_DONE[result]), name, **arguments)
