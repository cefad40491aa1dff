"""Programs that tests hold ours against: on a person's machine one may be missing, in CI none."""

from __future__ import annotations

import os
import shutil

import pytest


def need(*programs: str) -> None:
    """Skip a test where a program is missing; in CI, which installs them all, let it fail."""
    missing = [program for program in programs if shutil.which(program) is None]
    if not missing:
        return
    words = f"not installed: {', '.join(missing)} (tools/apt-packages.txt)"
    if os.environ.get("CI"):
        pytest.fail(words)
    pytest.skip(words)
