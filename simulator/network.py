"""The network's verbs: be away, lose a request on its way, lose the answer on its way back."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, unique
from typing import Any

import requests
from requests.adapters import HTTPAdapter


@unique
class Weather(Enum):
    """What happens to the next exchange."""

    FAIR = "fair"
    NO_NETWORK = "no network"
    ANSWER_LOST = "the answer is lost"


class StallNetwork(HTTPAdapter):
    """One stall's way to the service, over real sockets, with the world's hand on the cable."""

    def __init__(self) -> None:
        super().__init__()
        self.weather = Weather.FAIR
        self.lost_answers = 0

    def send(  # noqa: PLR0917 - the signature of requests
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request unless there is no network; the service may act and not be heard."""
        if self.weather is Weather.NO_NETWORK:
            raise requests.ConnectionError("no network here")
        options: dict[str, Any] = {"stream": stream, "timeout": timeout, "verify": verify}
        response = super().send(request, cert=cert, proxies=proxies, **options)
        if self.weather is Weather.ANSWER_LOST:
            self.weather = Weather.FAIR
            self.lost_answers += 1
            response.close()
            raise requests.ConnectionError("the line dropped before the answer arrived")
        return response


def session_over(network: StallNetwork) -> requests.Session:
    """Return a session whose every request goes that way."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", network)
    session.mount("https://", network)
    return session
