"""The digests of a directory's rows, kept by each process so that a change costs a change.

A directory's hash is over the digests of all its rows. What a process remembers of the last
version is brought up to the one that is asked for by the rows that began and ended since; it is
believed only while the version that it was true of stands in the database word for word, so that
a transaction that was taken back, another process or another database can't mislead it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cardkit.directory import row_digest
from server_stub.models import DirectoryRow, DirectoryVersion
from server_stub.services.caisse import Caisse


@dataclass(slots=True)
class Digests:
    """The rows' digests of one version."""

    version: int = 0
    """The id of the version; 0 before the first."""
    signed: bytes = b""
    """Its digest."""
    uids: list[bytes] = field(default_factory=list)
    """In order."""
    digests: list[bytes] = field(default_factory=list)
    """Each at the place of its UID."""

    def put(self, uid: bytes, digest: bytes) -> None:
        """Take a row in, or another one for the same card."""
        place = bisect_left(self.uids, uid)
        if self.uids[place : place + 1] == [uid]:
            self.digests[place] = digest
        else:
            self.uids.insert(place, uid)
            self.digests.insert(place, digest)

    def drop(self, uid: bytes) -> None:
        """Leave a row out."""
        place = bisect_left(self.uids, uid)
        if self.uids[place : place + 1] == [uid]:
            del self.uids[place], self.digests[place]

    def changed(self, rows: Mapping[bytes, bytes], gone: Iterable[bytes]) -> list[bytes]:
        """Return the digests by UID in order with these rows instead; nothing of it is kept."""
        other = Digests(uids=self.uids.copy(), digests=self.digests.copy())
        for uid, digest in rows.items():
            other.put(uid, digest)
        for uid in gone:
            other.drop(uid)
        return other.digests


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
    ended = rows.filter(until_id__gt=kept.version)
    for uid in ended.values_list("uid", flat=True):
        kept.drop(bytes(uid))
    began = rows.filter(directory_id__gt=kept.version, until__isnull=True).order_by("uid")
    for uid, encoded in began.values_list("uid", "encoded"):
        kept.put(bytes(uid), row_digest(bytes(encoded)))
    kept.version, kept.signed = version.id, version.digest
    _kept[caisse.using] = kept
    return kept
