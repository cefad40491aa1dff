"""`clafoutis-server` for tests: each command is a process of its own, forked from one that waits.

Starting Python, Django and the service takes a second or two; a test types dozens of commands. So
one process a data directory loads the program, touches no database, and forks for each command.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

from cardkit.keyfiles import write_bundle, write_public
from tests.service_world import ceremony

TREE: Final = Path(__file__).parent.parent
_WAITS: Final = """
import importlib, json, os, pkgutil, sys, traceback
import django
django.setup()
import server_stub
for module in pkgutil.walk_packages(server_stub.__path__, "server_stub."):
    if "migrations" not in module.name and not module.name.endswith("wsgi"):
        importlib.import_module(module.name)
program = importlib.import_module("server_stub.__main__")

def become(arguments, files):
    for number, path in enumerate(files):
        os.dup2(os.open(path, os.O_RDWR), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)
    status = 0
    try:
        program.main(arguments)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        become(**json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def environment(data: Path) -> dict[str, str]:
    """A process's environment, with the service's own settings and this directory."""
    return {
        **os.environ,
        "CLAFOUTIS_SERVER_DATA": str(data),
        "DJANGO_SETTINGS_MODULE": "server_stub.settings",
        "PYTHONPATH": str(TREE),
    }


def with_keys(data: Path) -> Path:
    """Give a data directory the service's keys, and return it."""
    keys = data / "keys"
    keys.mkdir(mode=0o700)
    write_public(keys, ceremony().public)
    write_bundle(keys, ceremony().service, caisse="flers", passphrase=None)
    return data


def python(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python to its end, with the service's settings on this directory."""
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment(data),
        cwd=data,
        capture_output=True,
        text=True,
        check=False,
    )


def server(data: Path, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command of the service to its end; `answer` is what a person types meanwhile."""
    files = [data / f".{name}" for name in ("stdin", "stdout", "stderr")]
    for file, text in zip(files, (answer, "", ""), strict=True):
        file.write_text(text, "utf-8")
    asked = {"arguments": arguments, "files": [str(file) for file in files]}
    waiting = _waiting(data)
    assert waiting.stdin is not None
    assert waiting.stdout is not None
    waiting.stdin.write(json.dumps(asked) + "\n")
    waiting.stdin.flush()
    status = int(waiting.stdout.readline())
    _, said, complained = (file.read_text("utf-8") for file in files)
    for file in files:
        file.unlink()
    return subprocess.CompletedProcess(arguments, status, said, complained)


@cache
def _waiting(data: Path) -> subprocess.Popen[str]:
    """The process of one data directory; it ends with the tests."""
    command = [sys.executable, "-c", _WAITS]
    waiting = subprocess.Popen(
        command,
        env=environment(data),
        cwd=data,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(waiting.communicate)
    return waiting
