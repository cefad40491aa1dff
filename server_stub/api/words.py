"""Short answers for whoever reads logs, and the bound of what is read at all."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse


def words(text: str, *, status: int) -> HttpResponse:
    """A short answer for whoever reads logs."""
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


def too_large(request: HttpRequest, most_bytes: int) -> bool:
    """Whether a request says that it is larger, before any of it is read.

    One that does not say how large it is has no body: Django reads none.
    """
    said = str(request.META.get("CONTENT_LENGTH") or "0")
    return not said.isascii() or not said.isdecimal() or int(said) > most_bytes
