"""What every test stands on: reproducible examples, and the fixtures shared by several files."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import settings

pytest_plugins = [
    f"tests.{plugin}"
    for plugin in ("pcscd_fixture", "postgres_fixture")
    if (Path(__file__).parent / f"{plugin}.py").exists()
]

# `ci` is the default everywhere, so that a red test is red for everybody; `explore` looks further.
settings.register_profile("ci", derandomize=True, deadline=None, database=None, print_blob=True)
settings.register_profile("explore", max_examples=2_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
