"""One request of somebody who is known: what every view of the console is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from cardkit.clock import business_date
from server_stub.models import ConsoleRole
from server_stub.services.caisse import Caisse
from server_stub.services.roles import Holdings


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Who asks, for what caisse, and what they may do here."""

    request: HttpRequest
    caisse: Caisse
    holdings: Holdings

    @property
    def user(self) -> int:
        """The number that acts are signed with."""
        return self.holdings.user

    @property
    def today(self) -> date:
        """The business date."""
        return business_date(self.caisse.now())

    @property
    def is_post(self) -> bool:
        """Whether something is to be done, and not only shown."""
        return self.request.method == "POST"

    @property
    def may_search(self) -> bool:
        """Whether the field in the head is of use to the visitor."""
        return self.has(ConsoleRole.COORDINATOR, ConsoleRole.TREASURER, ConsoleRole.AUDITOR)

    def has(self, *roles: ConsoleRole) -> bool:
        """Say whether the visitor has one of these roles."""
        return not self.holdings.roles.isdisjoint(roles)

    def page(
        self, template: str, context: Mapping[str, Any] | None = None, *, status: int = 200
    ) -> HttpResponse:
        """Return a page; its template finds `visit`, and the frame finds the menu."""
        return render(self.request, template, {**(context or {}), "visit": self}, status=status)

    def done(self, words: str, name: str, **arguments: Any) -> HttpResponse:
        """Say what was done on the page of that name: after a POST, so that nothing repeats it."""
        messages.success(self.request, words)
        return HttpResponseRedirect(reverse(name, kwargs=arguments or None))

    def refused(self, words: str, name: str, **arguments: Any) -> HttpResponse:
        """Say why nothing was done on the page of that name."""
        messages.error(self.request, words)
        return HttpResponseRedirect(reverse(name, kwargs=arguments or None))
