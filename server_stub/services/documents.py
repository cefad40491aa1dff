"""The documents that entries name by their digests, as the terminals held them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from cardkit import cbor
from cardkit.allowance import Allowance, accept_allowance
from cardkit.bodies import Intent
from cardkit.certificates import Trust
from cardkit.directory import CardRow, DirectoryHeader, read_row
from cardkit.errors import DocumentError
from cardkit.permit import Permit
from cardkit.schema import unpack
from cardkit.signing import parse
from server_stub.models import AllowanceIssued, Card, DirectoryRow, DirectoryVersion, PermitIssued
from server_stub.rules.verdict import Documents
from server_stub.services.caisse import Caisse

_ALLOWANCES_KEPT: Final = 4_096


class _Stretch(NamedTuple):
    """A card's row, and the versions of the directory, by id, in which it stood."""

    since: int
    until: int | None
    encoded: bytes


class Shelf:
    """What the intents of one delivery name, fetched together and read once."""

    def __init__(self, caisse: Caisse, intents: Iterable[Intent], *, terminal: int) -> None:
        """Fetch; a permit counts only if it is this terminal's."""
        wanted = list(intents)
        self._caisse = caisse
        self._permits = {
            row.digest: permit_of(row.content)
            for row in PermitIssued.objects.using(caisse.using).filter(
                terminal_id=terminal, digest__in={intent.permit for intent in wanted}
            )
        }
        self._directories = {
            row.digest: row
            for row in DirectoryVersion.objects.using(caisse.using).filter(
                digest__in={intent.directory for intent in wanted}
            )
        }
        self._headers = {
            digest: header_of(row.content) for digest, row in self._directories.items()
        }
        allowances = AllowanceIssued.objects.using(caisse.using).filter(
            digest__in={intent.allowance for intent in wanted}
        )
        self._allowances = {
            digest: allowance_of(content, caisse.ring.trust)
            for digest, content in allowances.order_by().values_list("digest", "content")
        }
        self._rows = self._fetch_rows({intent.uid for intent in wanted})

    def of(self, intent: Intent) -> Documents:
        """Return what one intent names."""
        version = self._directories.get(intent.directory)
        return Documents(
            permit=self._permits.get(intent.permit),
            directory=self._headers.get(intent.directory),
            row=self._row(version.id, intent.uid) if version else None,
            allowance=self._allowances.get(intent.allowance),
        )

    def _fetch_rows(self, uids: set[bytes]) -> dict[bytes, list[_Stretch]]:
        """Return each card's rows in the directories that are named, oldest first."""
        numbers = [version.id for version in self._directories.values()]
        rows: dict[bytes, list[_Stretch]] = {uid: [] for uid in uids}
        if numbers:
            held = DirectoryRow.objects.using(self._caisse.using).filter(
                uid__in=uids, directory_id__lte=max(numbers)
            )
            asked = held.exclude(until_id__lte=min(numbers)).order_by("directory_id")
            columns = ("uid", "directory_id", "until_id", "encoded")
            for uid, since, until, encoded in asked.values_list(*columns):
                rows[uid].append(_Stretch(since, until, encoded))
        return rows

    def _row(self, number: int, uid: bytes) -> CardRow | None:
        for row in self._rows[uid]:
            if row.since <= number and (row.until is None or row.until > number):
                return read_row(row.encoded)
        return None


@lru_cache(maxsize=_ALLOWANCES_KEPT)
def allowance_of(content: bytes, trust: Trust) -> Allowance:
    """Read an allowance, once per process: a card's is named by every sale of its month."""
    return accept_allowance(content, trust)


def permit_of(content: bytes) -> Permit:
    """Read a permit that this service signed itself."""
    return unpack(Permit, cbor.decode(parse(content).payload))


def header_of(content: bytes) -> DirectoryHeader:
    """Read a directory header that this service signed itself."""
    return unpack(DirectoryHeader, cbor.decode(parse(content).payload))


def row_at(caisse: Caisse, version: DirectoryVersion, uid: bytes) -> CardRow | None:
    """Return a card's row in one version of the directory."""
    rows = DirectoryRow.objects.using(caisse.using).filter(uid=uid, directory_id__lte=version.id)
    row = rows.exclude(until_id__lte=version.id).first()
    return read_row(row.encoded) if row is not None else None


def keep_seen(caisse: Caisse, content: bytes) -> bool:
    """Keep an allowance that came back from a card and that a restore had lost.

    Says whether it is new here; anything that our issuer did not sign is not kept.
    """
    try:
        allowance: Allowance = accept_allowance(content, caisse.ring.trust)
    except DocumentError:
        return False
    card = (
        Card.objects.using(caisse.using)
        .filter(uid=allowance.uid, generation=allowance.generation)
        .first()
    )
    if card is None:
        return False
    _, is_new = AllowanceIssued.objects.using(caisse.using).get_or_create(
        digest=allowance.digest,
        defaults={
            "card": card,
            "epoch": allowance.epoch,
            "version": allowance.version,
            "content": content,
            "issued_at": allowance.issued_at,
            "cumulative_cents": allowance.steps[-1].cumulative_cents,
            "refunds": [[ref.terminal, ref.seq] for ref in allowance.refunds],
            "issued_here": False,
        },
    )
    return is_new
