"""The way between a till's sync process and the service, with everything that happens on it."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from simulator.world.catalogue import Kind
from simulator.world.centre import Centre, Crashed
from simulator.world.chance import Chance
from simulator.world.marks import Mark, Marks

PORTAL: Final = b"<!doctype html><title>Wifi gratuit</title><p>Acceptez les conditions.</p>"
_DELAY_DAYS_MAX: Final = 20
_OK: Final = requests.codes.ok

_Response: TypeAlias = tuple[int, bytes, dict[str, str]]
"""Status, body, and headers beyond the length."""

_STRANGERS: Final[Mapping[Kind, _Response]] = {
    Kind.LINE_PORTAL: (200, PORTAL, {"Content-Type": "text/html"}),
    Kind.LINE_BROKEN: (500, b"Internal Server Error", {}),
    Kind.LINE_BUSY: (429, b"Too Many Requests", {"Retry-After": "60"}),
    Kind.LINE_REDIRECT: (302, b"", {"Location": "http://elsewhere.example/v1/sync"}),
}
"""Who answers in the place of the service."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A request on its way."""

    terminal: int
    headers: dict[str, str]
    body: bytes
    due_at: datetime


class Line(HTTPAdapter):
    """One till's way to the service."""

    def __init__(
        self,
        terminal: int,
        centre: Centre,
        chance: Chance,
        *,
        committed: Callable[[int, bytes], None],
        delayed: list[Parcel],
        answers: dict[int, list[bytes]],
        marks: Marks,
    ) -> None:
        """`committed` hears of every request that the service has taken in for good."""
        super().__init__()
        self.is_down = False
        self._terminal = terminal
        self._centre = centre
        self._chance = chance
        self._committed = committed
        self._delayed = delayed
        self._answers = answers
        self._marks = marks

    def send(  # noqa: PLR0917 - the signature of requests
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002 - see above
        timeout: Any = None,  # noqa: ARG002 - see above
        verify: bool | str = True,  # noqa: ARG002 - see above
        cert: Any = None,  # noqa: ARG002 - see above
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002 - see above
    ) -> requests.Response:
        """Carry a request, or do to it what the line does today."""
        body = request.body or b""
        sent = body.encode() if isinstance(body, str) else bytes(body)
        headers = {str(name): str(value) for name, value in request.headers.items()}
        status, answer, extra = self._carry(headers, sent)
        content = self._spoilt(answer)
        raw = HTTPResponse(
            body=io.BytesIO(content),
            status=status,
            headers={"Content-Length": str(len(answer)), **extra},
            preload_content=False,
            enforce_content_length=True,
        )
        return self.build_response(request, raw)

    def _carry(self, headers: dict[str, str], body: bytes) -> _Response:
        """Let a request come as far as it comes; raises ConnectionError."""
        met = self._met_on_the_way()
        if met is not None:
            return met
        delay = self._chance.strikes(Kind.LINE_DELAYED)
        if delay is not None:
            hours = delay.randrange(1, 24 * _DELAY_DAYS_MAX)
            due_at = self._centre.caisse.now() + timedelta(hours=hours)
            self._delayed.append(Parcel(self._terminal, headers, body, due_at))
            raise requests.ConnectionError("no answer came")
        stale = self._stale_answer()
        if stale is not None:
            return _OK, stale, {}
        doubled = self._chance.strikes(Kind.LINE_DOUBLED) is not None
        if doubled and self.deliver(headers, body)[0] == _OK:
            self._marks.hit(Mark.DELIVERED_TWICE)
        garbled = self._garbled(body)
        status, answer = self.deliver(headers, garbled)
        if garbled != body and status != _OK:
            self._marks.hit(Mark.REQUEST_REFUSED)
        if self._chance.strikes(Kind.LINE_ANSWER_LOST) is not None:
            raise requests.ConnectionError("the answer is lost")
        if status == _OK:
            self._answers.setdefault(self._terminal, []).append(answer)
        return status, answer, {}

    def _met_on_the_way(self) -> _Response | None:
        """Meet nobody (raises ConnectionError), somebody else, or go on (None)."""
        strikes = self._chance.strikes
        if self.is_down or strikes(Kind.LINE_REFUSED) is not None:
            raise requests.ConnectionError("nobody answers")
        if strikes(Kind.LINE_REQUEST_LOST) is not None:
            raise requests.ConnectionError("lost on the way")
        for kind, response in _STRANGERS.items():
            if strikes(kind) is not None:
                return response
        return None

    def _stale_answer(self) -> bytes | None:
        """Return an answer of before, or another terminal's, where one arrives instead."""
        old = self._chance.strikes(Kind.LINE_OLD_ANSWER)
        mine = self._answers.get(self._terminal, [])
        if old is not None and mine:
            return old.choice(mine)
        other = self._chance.strikes(Kind.LINE_OTHER_ANSWER)
        others = [self._answers[it][-1] for it in sorted(self._answers) if it != self._terminal]
        return other.choice(others) if other is not None and others else None

    def deliver(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Hand a request to the service; raises ConnectionError when it dies of it."""
        try:
            status, answer = self._centre.answer(headers, body)
        except Crashed as crashed:
            died = Mark.SERVICE_DIED_AFTER if crashed.committed else Mark.SERVICE_DIED_INSIDE
            self._marks.hit(died)
            if crashed.committed:
                self._committed(self._terminal, body)
            raise requests.ConnectionError("the connection was reset") from crashed
        if status == _OK:
            self._committed(self._terminal, body)
        return status, answer

    def _garbled(self, body: bytes) -> bytes:
        garbled = self._chance.strikes(Kind.LINE_REQUEST_GARBLED)
        if garbled is not None and body:
            at = garbled.randrange(8 * len(body))
            changed = bytearray(body)
            changed[at // 8] ^= 1 << at % 8
            body = bytes(changed)
        cut = self._chance.strikes(Kind.LINE_TRUNCATED)
        if cut is not None and body:
            body = body[: cut.randrange(len(body))]
        return body

    def _spoilt(self, answer: bytes) -> bytes:
        garbled = self._chance.strikes(Kind.LINE_ANSWER_GARBLED)
        if garbled is not None and answer:
            at = garbled.randrange(8 * len(answer))
            changed = bytearray(answer)
            changed[at // 8] ^= 1 << at % 8
            answer = bytes(changed)
        half = self._chance.strikes(Kind.LINE_HALF_ANSWER)
        if half is not None and answer:
            answer = answer[: half.randrange(len(answer))]
        return answer


def session_over(line: Line) -> requests.Session:
    """Return a session whose every request goes that way."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", line)
    session.mount("https://", line)
    return session
