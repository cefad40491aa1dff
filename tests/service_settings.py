"""The service's settings as the tests run it: nothing is written outside a folder of their own."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

if "CLAFOUTIS_SERVER_DATA" not in os.environ:
    os.environ["CLAFOUTIS_SERVER_DATA"] = tempfile.mkdtemp(prefix="clafoutis-test-")
    atexit.register(shutil.rmtree, os.environ["CLAFOUTIS_SERVER_DATA"], ignore_errors=True)

from server_stub.settings import *  # noqa: F403 - Django reads its settings as a module
