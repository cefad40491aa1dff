"""One JSON object a line, made of named numbers and words, and of nothing that is about a person.

A line has the fields below and no others. What libraries say in free text is kept to the name of
the logger: an exception's words may quote a row, a path or a form.
"""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any, Final

FIELDS: Final = frozenset(
    {
        *("request", "route", "method", "status", "ms", "terminal"),
        *("entries", "new", "refused", "acknowledged"),
        *("job", "outcome", "count", "card", "cents", "what", "number", "merchants"),
    }
)
"""What a line may say beside when, how grave, and where in the program: ids, counts, and names
out of the program itself. `terminal`, `card` and `merchants` are numbers of rows."""
_OURS: Final = "server_stub"


class JsonLines(logging.Formatter):
    """Writes records as JSON; of an exception its kind and its place, not its words."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if record.name.partition(".")[0] == _OURS:
            line["event"] = str(record.msg)  # without its arguments: those are fields, or nothing
            line |= {name: value for name, value in vars(record).items() if name in FIELDS}
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            line["frames"] = [
                f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames
            ]
        return json.dumps(line, ensure_ascii=False, default=str)


LOGGED: Final[dict[str, Any]] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "server_stub.log_lines.JsonLines"}},
    "handlers": {"talk": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["talk"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        "gunicorn.error": {"handlers": [], "level": "WARNING", "propagate": True},
    },
}
"""For Django and for gunicorn alike (`logging.config`)."""
