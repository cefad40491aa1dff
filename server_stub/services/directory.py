"""The directory: published when something changed, sent as what changed since."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cardkit.acts import DocumentHeld
from cardkit.directory import (
    CardRow,
    DirectoryDelta,
    DirectoryHeader,
    content_hash,
    row_digest,
    sign_directory,
)
from cardkit.directory import CardStatus as RowStatus
from server_stub.models import (
    AllowanceIssued,
    Card,
    CardStatus,
    DirectoryRow,
    DirectoryVersion,
    Finding,
    StaleCard,
)
from server_stub.rules.findings import FindingKind
from server_stub.rules.scheme import RuleName
from server_stub.services import acts, bulk, row_digests
from server_stub.services.caisse import Caisse
from server_stub.services.rules_in_force import value

logger = logging.getLogger(__name__)

DELTA_ROWS_MAX: Final = 10_000
"""Rows of one answer: about 2.5 MB, below the bound of a CBOR value."""
STALE_MAX: Final = 5_000
"""Changed cards beyond which all are looked at: one statement names no more of them."""
RENEWED_AFTER: Final = timedelta(hours=12)
"""An unchanged directory is signed anew, so that stalls see how fresh it is."""


@dataclass(frozen=True, slots=True)
class DirectoryUpdate:
    """A signed header and what leads to its rows."""

    version: DirectoryVersion
    delta: DirectoryDelta


def publish(caisse: Caisse) -> DirectoryVersion:
    """Return the directory as it is now: the last one, or a new version when rows changed.

    Between two renewals only cards are looked at of which the database has noted a change.
    """
    with caisse.alone():
        last = DirectoryVersion.objects.using(caisse.using).select_for_update().last()
        epoch, now = acts.epoch(caisse), caisse.now()
        fresh = last is not None and last.epoch == epoch and now - last.issued_at < RENEWED_AFTER
        noted = StaleCard.objects.using(caisse.using)
        stale = list(noted.values_list("uid", flat=True)[: STALE_MAX + 1]) if fresh else None
        if stale is not None and len(stale) > STALE_MAX:
            stale = None
        if last is not None and stale == []:
            return last
        change = _change(caisse, stale)
        (noted if stale is None else noted.filter(uid__in=stale)).delete()
        if last is not None and fresh and not change.rows and not change.gone:
            return last
        version = _sign(caisse, last, change, epoch=epoch)
        manager = DirectoryRow.objects.using(caisse.using)
        manager.filter(pk__in=change.ended).update(until=version)
        bulk.insert(
            manager,
            (
                DirectoryRow(directory=version, uid=uid, encoded=encoded)
                for uid, encoded in change.rows.items()
            ),
        )
        return version


@dataclass(frozen=True, slots=True)
class _Change:
    """What a version has that the one before had not."""

    rows: dict[bytes, bytes]
    gone: frozenset[bytes]
    ended: tuple[int, ...]
    """Ids of rows that are current no more."""


def _change(caisse: Caisse, uids: Sequence[bytes] | None) -> _Change:
    """Compare the rows of these cards, or of all, with those that are current."""
    rows = DirectoryRow.objects.using(caisse.using).filter(until__isnull=True)
    if uids is not None:
        rows = rows.filter(uid__in=uids)
    current = {
        uid: (number, encoded) for number, uid, encoded in rows.values_list("id", "uid", "encoded")
    }
    wanted = _rows(caisse, uids)
    changed = {
        uid: encoded
        for uid, encoded in wanted.items()
        if uid not in current or current[uid][1] != encoded
    }
    gone = frozenset(current.keys() - wanted.keys())
    ended = tuple(current[uid][0] for uid in (*changed, *gone) if uid in current)
    return _Change(changed, gone, ended)


def update_since(caisse: Caisse, epoch: int, version: int) -> DirectoryUpdate | None:
    """Return what a terminal needs that holds this version; None when it holds the last one.

    A base that is not known here, as after a restore, is answered with the whole directory.
    """
    last = publish(caisse)
    if (last.epoch, last.version) == (epoch, version):
        return None
    manager = DirectoryVersion.objects.using(caisse.using)
    base = manager.filter(epoch=epoch, version=version).first()
    current = DirectoryRow.objects.using(caisse.using).filter(until__isnull=True)
    rows = current if base is None else current.filter(directory_id__gt=base.id)
    removed: set[bytes] = set()
    if base is not None:
        ended = DirectoryRow.objects.using(caisse.using).filter(until_id__gt=base.id).order_by()
        spans = ended.values_list("uid", "directory_id")
        removed = {uid for uid, since in spans if since <= base.id}
        removed -= set(current.filter(uid__in=removed).values_list("uid", flat=True))
    if rows.count() > DELTA_ROWS_MAX:
        logger.error("a delta is too large to be sent", extra={"count": rows.count()})
        return None
    encoded = rows.order_by("uid").values_list("encoded", flat=True)
    delta = DirectoryDelta(
        base_epoch=base.epoch if base else 0,
        base_version=base.version if base else 0,
        rows=tuple(bytes(row) for row in encoded),
        removed=tuple(sorted(removed)),
    )
    return DirectoryUpdate(last, delta)


def _rows(caisse: Caisse, uids: Sequence[bytes] | None) -> dict[bytes, bytes]:
    """These cards' rows, or all, by UID; of a card that was made anew, its latest life."""
    lives = Card.objects.using(caisse.using).exclude(status=CardStatus.ISSUING)
    gaps = Finding.objects.using(caisse.using).filter(
        kind=FindingKind.GAP.value, closed_at__isnull=True
    )
    issued = AllowanceIssued.objects.using(caisse.using)
    if uids is not None:
        lives = lives.filter(uid__in=uids)
        gaps = gaps.filter(card__uid__in=uids)
        issued = issued.filter(card__uid__in=uids)
    read = set(gaps.order_by().values_list("card_id", flat=True))
    allowances = dict(issued.order_by("epoch", "version").values_list("card_id", "content"))
    return {
        card.uid: CardRow(
            uid=card.uid,
            generation=card.generation,
            status=RowStatus.BLOCKED if card.status == CardStatus.BLOCKED else RowStatus.ACTIVE,
            allowance=allowances.get(card.id),
            tmc=card.proven_tmc,
            tmv=card.proven_tmv,
            spent_cents=card.proven_spent_cents,
            read_records=card.id in read,
        ).encoded
        for card in lives.order_by("uid", "generation")
    }


def _sign(
    caisse: Caisse, last: DirectoryVersion | None, change: _Change, *, epoch: int
) -> DirectoryVersion:
    digests = row_digests.of(caisse, last).changed(
        {uid: row_digest(encoded) for uid, encoded in change.rows.items()}, change.gone
    )
    header = DirectoryHeader(
        epoch=epoch,
        version=last.version + 1 if last is not None and last.epoch == epoch else 1,
        issued_at=caisse.now(),
        valid_until=caisse.now() + timedelta(days=value(caisse, RuleName.DIRECTORY_DAYS)),
        cards=len(digests),
        content_hash=content_hash(digests),
    )
    signed = sign_directory(caisse.ring.issuer, header)
    acts.record(caisse, DocumentHeld(content=signed.encoded))
    return DirectoryVersion.objects.using(caisse.using).create(
        epoch=header.epoch,
        version=header.version,
        digest=signed.digest,
        content=signed.encoded,
        content_hash=header.content_hash,
        cards=header.cards,
        issued_at=header.issued_at,
        valid_until=header.valid_until,
    )
