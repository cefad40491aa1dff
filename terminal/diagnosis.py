"""Why the service can't be reached, by name: what a person can do about it depends on the cause."""

from __future__ import annotations

from enum import Enum, unique
from typing import Final

from cardkit.frozen import dataclass


@unique
class Cause(Enum):
    """What stands between terminal and service, from the nearest to the farthest."""

    WELL = "well"
    """Nothing: the service answers this terminal."""
    NO_INTERFACE = "no-interface"
    """No Wi-Fi, cable or telephone is connected."""
    NO_ADDRESS = "no-address"
    """Something is connected, and gave this computer no address (DHCP)."""
    DNS = "dns"
    """The service's name leads to no address."""
    CONNECT = "connect"
    """The service's address refuses, or lies out of reach."""
    SILENT = "silent"
    """Somebody takes the connection and says nothing."""
    PORTAL = "portal"
    """Another page answers in the service's place, as hotels and shops have one."""
    CLOCK_BEHIND = "clock-behind"
    """The service's certificate is not valid yet: this computer's clock is behind."""
    CERTIFICATE_EXPIRED = "certificate-expired"
    """The certificate has run out: the service's fault, or this computer's clock is ahead."""
    CERTIFICATE_UNKNOWN = "certificate-unknown"
    """Nobody that this computer trusts vouches for the certificate, or it names another host."""
    TLS = "tls"
    """The two find no secure way to speak."""
    ANOTHER_SERVICE = "another-service"
    """What answers at this address is not the service."""
    SERVICE_DOWN = "service-down"
    """The service, or the proxy before it, says that it can't work (HTTP 5xx)."""
    REFUSED = "refused"
    """The service does not know this terminal's key."""
    INTERRUPTED = "interrupted"
    """The line dropped during the exchange, and works now."""
    ANSWER_INVALID = "answer-invalid"
    """The service answers, and what it sent can't be used."""
    DISK = "disk"
    """The answer could not be written down here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """A cause, and what was seen of it: for whoever reads logs, in English, without secrets."""

    cause: Cause
    detail: str = ""


WELL: Final = Diagnosis(cause=Cause.WELL)
