"""Whether a SQLite file is whole: pages, column types and indexes held against each other.

SQLite has no checksums, so bits that rot in a page are read as they are.
"""

from __future__ import annotations

import re
import sqlite3

_FAILED_READ = re.compile(r"error code=(\d+)")
_PRIMARY = 0xFF
_IOERR = 10
"""SQLite's documentation, "Result and Error Codes"."""


def find_damage(db: sqlite3.Connection) -> str | None:
    """Return what is wrong with a database, None when it is whole; raises sqlite3.Error.

    A page that could not be read is no damage but an OperationalError: it may be read next time.
    """
    ((found,),) = db.execute("PRAGMA integrity_check(1)").fetchall()
    if found == "ok":
        return None
    failed = _FAILED_READ.search(found)
    if failed is not None and int(failed[1]) & _PRIMARY == _IOERR:
        raise sqlite3.OperationalError(found)
    return str(found)
