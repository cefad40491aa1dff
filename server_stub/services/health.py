"""Whether the service can do its work, in numbers and yes or no; no secret and no name."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from cardkit.acts import ActKind
from server_stub.models import ActRow
from server_stub.services.backups import copied_at
from server_stub.services.caisse import Caisse

DISK_FREE_MIN_BYTES: Final = 256 * 1024 * 1024
"""Below this nothing more is taken in before somebody makes room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What was found; ages are None where there is nothing yet."""

    database: bool
    migrated: bool
    keys: bool
    disk_free_bytes: int
    digest_age_s: int | None = None
    backup_age_s: int | None = None

    @property
    def is_ready(self) -> bool:
        """Whether requests can be served; an old digest or copy is for a person, not a proxy."""
        has_room = self.disk_free_bytes >= DISK_FREE_MIN_BYTES
        return self.database and self.migrated and self.keys and has_room

    def as_json(self) -> dict[str, bool | int | None]:
        """Return it as a monitor reads it."""
        return {
            "ready": self.is_ready,
            "database": self.database,
            "migrated": self.migrated,
            "keys": self.keys,
            "disk_free_bytes": self.disk_free_bytes,
            "digest_age_s": self.digest_age_s,
            "backup_age_s": self.backup_age_s,
        }


def look(caisse: Caisse | None, data_dir: Path) -> Health:
    """Look at everything; `caisse` is None where its keys can't be read."""
    using = caisse.using if caisse is not None else DEFAULT_DB_ALIAS
    migrated = _migrated(using)
    disk_free_bytes = shutil.disk_usage(data_dir if data_dir.is_dir() else "/").free
    if caisse is None or not migrated:
        return Health(
            database=migrated is not None,
            migrated=bool(migrated),
            keys=caisse is not None,
            disk_free_bytes=disk_free_bytes,
        )
    copied = copied_at(data_dir / "backups")
    return Health(
        database=True,
        migrated=True,
        keys=True,
        disk_free_bytes=disk_free_bytes,
        digest_age_s=_digest_age_s(caisse),
        backup_age_s=None if copied is None else int((caisse.now() - copied).total_seconds()),
    )


def _migrated(using: str) -> bool | None:
    """Say whether every table is as this program needs it; None when nothing answers."""
    try:
        executor = MigrationExecutor(connections[using])
        return not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return None


def _digest_age_s(caisse: Caisse) -> int | None:
    digests = ActRow.objects.using(caisse.using).filter(kind=ActKind.DIGEST_SIGNED)
    at = digests.order_by("-seq").values_list("at", flat=True).first()
    return None if at is None else int((caisse.now() - at).total_seconds())
