"""The real service in this process: Django prepared for a data directory of this run's own."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command


def prepare(data: Path) -> None:
    """Configure Django for a data directory, and make its tables; once per process."""
    configure(data)
    call_command("migrate", verbosity=0, interactive=False)


def configure(data: Path) -> None:
    """Configure Django for a data directory whose database nobody asks; once per process."""
    data.mkdir(mode=0o700, parents=True)
    os.environ["DJANGO_SETTINGS_MODULE"] = "server_stub.settings"
    os.environ["CLAFOUTIS_SERVER_DATA"] = str(data)
    os.environ.pop("DATABASE_URL", None)
    django.setup()
    settings.LOGGING_CONFIG = None  # a second set-up, by the WSGI application, leaves logging alone
    logging.getLogger().setLevel(logging.ERROR)
