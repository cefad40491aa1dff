"""Carries the till's requests to the service and the service's answers back, as a process apart.

It reads the outbox, the transport key and who this terminal is; it writes the inbox. It can
neither read the journal nor write it, so whatever the network does to this process, no sale is
in its hands (docs/protocol.md, "Sync"). Requests stay in the outbox: only the till knows when
an acknowledgement is good.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
import requests

from cardkit import cbor
from cardkit.clock import Clock, SystemClock
from cardkit.errors import (
    AnswerInvalid,
    ClafoutisError,
    DocumentMalformed,
    ServerRefused,
    ServerUnreachable,
    StoreError,
    SyncError,
)
from cardkit.httpsig import sign_post
from cardkit.signing import SigningKey, parse
from cardkit.sync import PATH, terminal_key_id
from terminal.config import DATA_DEFAULT, DATA_VARIABLE, DataDirectory
from terminal.documents import Documents, Identity
from terminal.files import write_atomically
from terminal.keyring import read_transport_key

logger = logging.getLogger(__name__)

ANSWER_BYTES_MAX: Final = cbor.BYTES_MAX
INBOX_MAX: Final = 32
"""Answers that may wait: an idle till takes none in, and its requests stay what they are."""
CONNECT_TIMEOUT_S: Final = 10.0
READ_TIMEOUT_S: Final = 60.0
"""Between two packets: a whole directory on a poor line comes slowly, but it comes."""
FAILED: Final = 7
_CHUNK_BYTES: Final = 64 * 1024
_REASON_BYTES: Final = 200


class Sync:
    """One terminal's way to the service, over any `requests.Session`."""

    def __init__(
        self,
        data: DataDirectory,
        identity: Identity,
        *,
        key: SigningKey,
        session: requests.Session,
        clock: Clock,
        url: str | None = None,
    ) -> None:
        """Take the transport key; `url` replaces the address that pairing gave."""
        self._data = data
        self._key = key
        self._key_id = terminal_key_id(identity.terminal)
        self._session = session
        self._clock = clock
        self._url = (url or identity.service_url).rstrip("/") + PATH
        self.answered = 0
        """Requests that were answered so far: what stands when `run` breaks off."""

    def run(self) -> int:
        """Send every request in the outbox, in order, and return how many were answered.

        Raises SyncError at the first that was not; those before it are done. With INBOX_MAX
        answers in the inbox nothing is sent: the till has to take some in first.
        """
        self.answered = 0
        with _alone(self._data.outbox):
            for path in sorted(self._data.outbox.glob("*.cbor")):
                if len(list(self._data.inbox.glob("*.cbor"))) >= INBOX_MAX:
                    logger.info("the inbox is full")
                    break
                try:
                    body = path.read_bytes()
                except FileNotFoundError:
                    continue  # acknowledged meanwhile
                except OSError as error:
                    raise StoreError(f"outbox: {error.strerror}") from error
                self._keep(self._post(body))
                self.answered += 1
        return self.answered

    def _post(self, body: bytes) -> bytes:
        """Send one request and return the answer, which is signed by somebody at least."""
        headers = sign_post(
            self._url, body, key=self._key, key_id=self._key_id, created=self._clock.now().at
        )
        answer = post(self._session, self._url, body, headers)
        try:
            parse(answer)
        except DocumentMalformed as error:
            raise AnswerInvalid(f"{self._url}: {error}") from error
        return answer

    def _keep(self, answer: bytes) -> None:
        """Leave an answer in the inbox, behind those that are there; raises StoreError."""
        names = (path.stem for path in self._data.inbox.glob("*.cbor"))
        number = max((int(name) for name in names if name.isdecimal()), default=0) + 1
        try:
            write_atomically(self._data.inbox / f"{number:010}.cbor", answer)
        except OSError as error:
            raise StoreError(f"inbox: {error.strerror}") from error


def post(
    session: requests.Session,
    url: str,
    body: bytes,
    headers: dict[str, str],
    *,
    read_timeout_s: float = READ_TIMEOUT_S,
) -> bytes:
    """Send a request and return its answer of at most ANSWER_BYTES_MAX bytes.

    Raises ServerUnreachable, ServerRefused for every status but 200, or AnswerInvalid.
    """
    try:
        with session.post(
            url,
            data=body,
            headers=headers,
            timeout=(CONNECT_TIMEOUT_S, read_timeout_s),
            allow_redirects=False,
            stream=True,
        ) as response:
            content = _read(response)
    except requests.RequestException as error:
        raise ServerUnreachable(f"{url}: {type(error).__name__}") from error
    if response.status_code != requests.codes.ok:
        reason = content[:_REASON_BYTES].decode("utf-8", "replace")
        raise ServerRefused(response.status_code, reason)
    return content


def _read(response: requests.Response) -> bytes:
    """Read a body without trusting what it says about its length."""
    content = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        content += chunk
        if len(content) > ANSWER_BYTES_MAX:
            raise AnswerInvalid(f"an answer of more than {ANSWER_BYTES_MAX} bytes")
    return bytes(content)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process works on this outbox."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=DATA_DEFAULT,
    envvar=DATA_VARIABLE,
    show_default=True,
)
@click.option("--url", default=None, help="another address than the one that pairing gave")
def main(data: Path, url: str | None) -> None:
    """Send what waits in the outbox."""
    directory = DataDirectory(data)
    try:
        identity = Documents(directory.documents).identity
        key = read_transport_key(directory.keys, caisse=identity.caisse)
        with requests.Session() as session:
            sync = Sync(directory, identity, key=key, session=session, clock=SystemClock(), url=url)
            answered = sync.run()
    except SyncError as error:
        click.echo(f"{type(error).__name__}: {error}; everything stays in the outbox", err=True)
        sys.exit(FAILED)
    except ClafoutisError as error:
        click.echo(f"{type(error).__name__}: {error}", err=True)
        sys.exit(1)
    click.echo(answered)


if __name__ == "__main__":
    main()
