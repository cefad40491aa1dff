"""Where outgoing mail goes, from one address: `smtp://user:password@host:port?from=caisse@…`.

`smtp` asks for TLS after the greeting (RFC 3207) unless the server is this machine itself; `smtps`
speaks TLS from the first byte (RFC 8314). Nothing is sent in the clear over a network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

VARIABLE: Final = "CLAFOUTIS_SMTP_URL"
_PORTS: Final = {"smtp": 587, "smtps": 465}
_LOCAL: Final = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """A mail server as Django's settings want it."""

    host: str = ""
    """Empty: no mail is sent."""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    starts_tls: bool = False
    is_tls: bool = False
    sender: str = ""


def mail_server(address: str | None) -> MailServer:
    """Read the address; raises ImproperlyConfigured, which never repeats it."""
    if not address:
        return MailServer()
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError):
        raise ImproperlyConfigured(f"{VARIABLE}: smtp://… or smtps://…") from None
    sender = "".join(parse_qs(parts.query).get("from", [])[:1]) or unquote(parts.username or "")
    if not host or "@" not in sender:
        raise ImproperlyConfigured(f"{VARIABLE}: a host, and ?from=… with an address of e-mail")
    return MailServer(
        host=host,
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        starts_tls=parts.scheme == "smtp" and host not in _LOCAL,
        is_tls=parts.scheme == "smtps",
        sender=sender,
    )
