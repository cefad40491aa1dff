"""A mail server for tests: it speaks enough of SMTP (RFC 5321), and can fail where servers fail."""

from __future__ import annotations

import email.policy
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from enum import Enum, unique
from typing import cast


@unique
class Mood(Enum):
    """How the server behaves."""

    TAKES = "takes every mail"
    KNOWS_NOBODY = "refuses every recipient"
    REFUSES = "refuses every mail once it has read it"
    HANGS_UP = "takes a mail, and the line breaks before it says so"


@dataclass
class Inbox:
    """What a server took, and for whom."""

    port: int
    mood: Mood = Mood.TAKES
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    inbox: Inbox


class _Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """Answer until the client quits or the line breaks."""
        inbox = cast("_Server", self.server).inbox
        self._say(b"220 test")
        while line := self.rfile.readline():
            verb = line.split(b":")[0].strip().upper()
            if verb == b"RCPT TO" and inbox.mood is Mood.KNOWS_NOBODY:
                self._say(b"550 no such user")
            elif verb == b"RCPT TO":
                inbox.recipients.append(line.split(b"<")[1].split(b">")[0].decode())
                self._say(b"250 ok")
            elif verb == b"DATA":
                self._say(b"354 go on")
                content = b"".join(iter(self.rfile.readline, b".\r\n"))
                if inbox.mood is Mood.REFUSES:
                    self._say(b"554 no")
                    continue
                mail = message_from_bytes(content, policy=email.policy.default)
                inbox.mails.append(mail)
                if inbox.mood is Mood.HANGS_UP:
                    return
                self._say(b"250 ok")
            elif verb == b"QUIT":
                self._say(b"221 bye")
                return
            else:
                self._say(b"250 ok")

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")


@contextmanager
def smtp_server() -> Iterator[Inbox]:
    """A server on a port of its own, until the end of the block."""
    with _Server(("127.0.0.1", 0), _Talk) as server:
        server.inbox = Inbox(port=server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server.inbox
        finally:
            server.shutdown()
            thread.join()
