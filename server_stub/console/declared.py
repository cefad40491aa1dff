"""A page of the console, declared with who may see it; there is no page that is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, unique
from functools import wraps
from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.functional import Promise

from cardkit.errors import must
from server_stub.console.access.gate import held_back
from server_stub.console.visit import Visit
from server_stub.models import ConsoleRole
from server_stub.services.caisse import Caisse
from server_stub.services.roles import holdings

View = Callable[..., HttpResponseBase]
"""Takes a `Visit`, then what stands in the address by its name."""

COORDINATOR: Final = ConsoleRole.COORDINATOR
TREASURER: Final = ConsoleRole.TREASURER
COMMITTEE: Final = ConsoleRole.COMMITTEE
MERCHANT: Final = ConsoleRole.MERCHANT
AUDITOR: Final = ConsoleRole.AUDITOR
ADMINISTRATOR: Final = ConsoleRole.ADMINISTRATOR

OFFICE: Final = frozenset({COORDINATOR, TREASURER})
"""Those who see members."""
BOOKS: Final = frozenset({COORDINATOR, TREASURER, AUDITOR})
"""Those who see every sum and no name."""
SCHEME: Final = frozenset({COORDINATOR, TREASURER, COMMITTEE, AUDITOR})
"""Those who see what the committee decides on."""
EVERYBODY: Final = frozenset(ConsoleRole)

READ: Final = frozenset({"GET"})
DO: Final = frozenset({"POST"})
"""Methods of pages that only show, and of those that only do."""


@unique
class Group(Enum):
    """Where a page stands in the menu."""

    DAY = "day"
    PEOPLE = "people"
    TRADE = "trade"
    MONEY = "money"
    CAISSE = "caisse"
    MINE = "mine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An address, what answers there, and who may call it.

    An argument called `merchant` is a merchant's number: whoever is there only as a merchant
    finds their own, and no other.
    """

    path: str
    name: str
    view: View
    who: frozenset[ConsoleRole]
    methods: frozenset[str] = frozenset({"GET", "POST"})
    needs_fresh_login: bool = False
    """A POST moves money or rights: whoever sends it has shown lately who they are."""
    menu: tuple[Group, Promise] | None = None
    """Where it stands in the menu, and under which words; None: reached from another page."""


def addresses(pages: list[Page], serving: Callable[[], Caisse]) -> list[URLPattern]:
    """Return the addresses of pages, each behind its guard."""
    must(len({page.name for page in pages}) == len(pages), "every page has a name of its own")
    return [path(page.path, guarded(page, serving), name=page.name) for page in pages]


def guarded(page: Page, serving: Callable[[], Caisse]) -> Callable[..., HttpResponseBase]:
    """Return a page's view behind its guard: logged in, in a role, with what that role needs."""
    must(bool(page.who), "somebody may call every page")

    @wraps(page.view)
    def view(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        caisse = serving()
        visit = Visit(
            request=request, caisse=caisse, holdings=holdings(caisse, int(request.user.pk or 0))
        )
        _check(page, visit, arguments)
        elsewhere = held_back(visit, page.name, needs_fresh=page.needs_fresh_login)
        if elsewhere is not None:
            return elsewhere
        method = "GET" if request.method == "HEAD" else request.method
        if method not in page.methods:
            return HttpResponseNotAllowed(sorted(page.methods))
        return page.view(visit, **arguments)

    return login_required(view)


def _check(page: Page, visit: Visit, arguments: Mapping[str, Any]) -> None:
    """Let nobody through who has none of the roles, nor a merchant to another's pages."""
    has = visit.holdings.roles & page.who
    if not has:
        raise PermissionDenied
    if has != {MERCHANT} or "merchant" not in arguments:
        return
    if arguments["merchant"] not in visit.holdings.merchants:
        raise Http404
