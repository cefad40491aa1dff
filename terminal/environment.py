"""A slot as an environment of its own: the release's wheels, and what only Debian compiles.

pyscard and lgpio have no wheel for Debian 13's Python on a Raspberry Pi. Both are Debian packages;
a link to each is all that the environment sees of the system's own Python packages.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from cardkit.errors import DocumentMalformed

SYSTEM_PACKAGES: Final = Path("/usr/lib/python3/dist-packages")
LINKED: Final = ("smartcard", "pyscard-*", "lgpio.py", "_lgpio*", "lgpio-*")
"""Of Debian's python3-pyscard and python3-lgpio."""
WHEELS: Final = "wheels"
_DIGEST: Final = (
    "import sys; from terminal.software import hash_of, installed_sources;"
    "sys.stdout.write(hash_of(installed_sources()).hex())"
)
_QUIET: Final = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", "PIP_NO_INPUT": "1"}


class PipEnvironment:
    """Environments that pip fills from wheels alone: no index, no compiler, no cache."""

    def __init__(self, *, system: Path = SYSTEM_PACKAGES, python: str | None = None) -> None:
        """Take where Debian's packages lie, and the interpreter to build on."""
        self._system = system
        self._python = python or sys._base_executable  # type: ignore[attr-defined]  # noqa: SLF001 - venv(3) itself asks it

    def build(self, files: Path, slot: Path) -> None:
        """Fill an empty slot; raises OSError or DocumentMalformed."""
        wheels = sorted((files / WHEELS).glob("*.whl"))
        self._run([self._python, "-I", "-m", "venv", str(slot)])
        options = ["--quiet", "--no-index", "--no-deps", "--no-cache-dir"]
        pip = [str(slot / "bin/python"), "-I", "-m", "pip", "install"]
        self._run([*pip, *options, *map(str, wheels)])
        for packages in (slot / "lib").glob("python3*/site-packages"):
            self._link(packages)

    def digest_of(self, slot: Path) -> bytes:
        """Return the hash of the program in a slot, as that slot's own interpreter computes it."""
        told = self._run([str(slot / "bin/python"), "-I", "-c", _DIGEST])
        try:
            return bytes.fromhex(told)
        except ValueError as error:
            raise DocumentMalformed("the new program does not say what it is") from error

    def _link(self, packages: Path) -> None:
        for pattern in LINKED:
            for found in self._system.glob(pattern):
                if not (packages / found.name).exists():
                    (packages / found.name).symlink_to(found)

    @staticmethod
    def _run(command: list[str]) -> str:
        done = subprocess.run(  # noqa: S603 - our own interpreters, by their path
            command, check=False, capture_output=True, text=True, env=_QUIET
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no word"])[-1]
            raise DocumentMalformed(f"the new program could not be installed: {last}")
        return done.stdout.strip()
