"""Files that a page hands out."""

from __future__ import annotations

from django.http import HttpResponse

_TYPES = {
    "cbor": "application/cbor",
    "csv": "text/csv; charset=utf-8",
    "pdf": "application/pdf",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "xml": "application/xml",
    "json": "application/json",
}


def download(content: bytes, name: str) -> HttpResponse:
    """Return a file that the browser saves under a plain ASCII name; its ending says its type."""
    answer = HttpResponse(content, content_type=_TYPES[name.rpartition(".")[2]])
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
