"""The digests of a directory's rows, kept by each process so that a change costs a change.

A directory's hash is over the digests of all its rows. What a process remembers of the last
version is brought up to the one that is asked for by the rows that began and ended since; it is
believed only while the version that it was true of stands in the database word for word, so that
a transaction that was taken back, another process or another database can't mislead it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cardkit.directory import row_digest
from server_stub.models import DirectoryRow, DirectoryVersion
from server_stub.services.caisse import Caisse


@dataclass(slots=True)
class Digests:
    """The rows' digests of one version, by UID in order."""

    version: int = 0
    """The id of the version; 0 before the first."""
    signed: bytes = b""
    """Its digest."""
    by_uid: dict[bytes, bytes] = field(default_factory=dict)
    uids: list[bytes] = field(default_factory=list)

    def put(self, uid: bytes, digest: bytes) -> None:
        """Take a row in, or another one for the same card."""
        if uid not in self.by_uid:
            insort(self.uids, uid)
        self.by_uid[uid] = digest

    def drop(self, uid: bytes) -> None:
        """Leave a row out."""
        if self.by_uid.pop(uid, None) is not None:
            del self.uids[bisect_left(self.uids, uid)]

    def changed(self, rows: Mapping[bytes, bytes], gone: Iterable[bytes]) -> list[bytes]:
        """Return the digests by UID in order with these rows instead; nothing of it is kept."""
        by_uid = {**self.by_uid, **rows}
        for uid in gone:
            by_uid.pop(uid, None)
        if by_uid.keys() == self.by_uid.keys():
            return [by_uid[uid] for uid in self.uids]
        return [by_uid[uid] for uid in sorted(by_uid)]


_kept: dict[str, Digests] = {}
"""By database; only whoever is alone in it looks here."""


def of(caisse: Caisse, version: DirectoryVersion | None) -> Digests:
    """Return the digests of the last version, from what this process knows and what changed."""
    if version is None:
        return Digests()
    kept = _kept.get(caisse.using)
    versions = DirectoryVersion.objects.using(caisse.using)
    if kept is None or not versions.filter(id=kept.version, digest=kept.signed).exists():
        kept = Digests()
    rows = DirectoryRow.objects.using(caisse.using).order_by()
    ended = rows.filter(directory_id__lte=kept.version, until_id__gt=kept.version)
    for uid in ended.values_list("uid", flat=True):
        kept.drop(bytes(uid))
    began = rows.filter(directory_id__gt=kept.version, until__isnull=True).order_by("uid")
    for uid, encoded in began.values_list("uid", "encoded"):
        kept.put(bytes(uid), row_digest(bytes(encoded)))
    kept.version, kept.signed = version.id, version.digest
    _kept[caisse.using] = kept
    return kept
