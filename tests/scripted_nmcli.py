"""A program in nmcli's place: it answers as it was told, and keeps what it was asked."""

from __future__ import annotations

import json
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from terminal.nmcli import Nmcli
from terminal.wifi import Wifi

UUID: Final = uuid.UUID(int=7)
"""The name of every new profile."""
SCRIPT: Final = """\
#!{python}
import json, sys
from pathlib import Path
folder = Path({folder!r})
asked = sys.argv[1:]
stdin = sys.stdin.buffer.read().decode()
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps([asked, stdin]) + "\\n")
answers = json.loads((folder / "answers").read_text())
for key, (status, out, err) in answers.items():
    if key in " ".join(asked):
        sys.stdout.write(out)
        sys.stderr.write(err)
        sys.exit(status)
sys.exit("nobody expected this: " + " ".join(asked))
"""


@dataclass
class Scripted:
    """A program in nmcli's place, and what it was asked."""

    folder: Path

    def wifi(self, **answers: tuple[int, str, str]) -> Wifi:
        """Answer by the words of the command, underscores for blanks."""
        told = {key.replace("_", " "): answer for key, answer in answers.items()}
        (self.folder / "answers").write_text(json.dumps(told))
        program = self.folder / "nmcli"
        program.write_text(SCRIPT.format(python=sys.executable, folder=str(self.folder)))
        program.chmod(0o755)
        return Wifi(Nmcli(str(program)), new_uuid=lambda: UUID)

    @property
    def calls(self) -> list[tuple[list[str], str]]:
        """Arguments and standard input of each call."""
        lines = (self.folder / "calls").read_text().splitlines()
        return [(arguments, stdin) for arguments, stdin in map(json.loads, lines)]
