"""A log level below DEBUG for what goes over the air, so that DEBUG stays readable."""

from __future__ import annotations

import logging

TRAFFIC = 5

logging.addLevelName(TRAFFIC, "TRAFFIC")
