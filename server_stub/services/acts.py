"""What the service decides becomes an act, signed and chained, before it becomes anything else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.db.models import QuerySet

from cardkit.acts import Act, ActBody, ActKind, EpochRaised, open_act, sign_act
from cardkit.certificates import Role
from cardkit.errors import DocumentMalformed, must
from server_stub.models import ActRow
from server_stub.services.caisse import Caisse
from server_stub.services.effects import apply

FIRST_EPOCH = 1
_REMEMBERED: Final = frozenset({ActKind.EPOCH_RAISED, ActKind.RULE_SET})
"""What changes something that `Caisse.once` keeps."""


def record(caisse: Caisse, body: ActBody, *, by: int = 0) -> ActRow:
    """Sign an act, append it to the log, and let it take effect; `by` is a console user."""
    must(not caisse.replaying, "nothing is decided while the books are recomputed")
    with caisse.alone():
        last = ActRow.objects.using(caisse.using).select_for_update().order_by("-seq").first()
        act = sign_act(
            caisse.ring.service,
            body,
            seq=last.seq + 1 if last else 1,
            prev=last.digest if last else caisse.ring.service.public.digest,
            at=caisse.now(),
            by=by,
        )
        return keep(caisse, act)


def keep(caisse: Caisse, act: Act) -> ActRow:
    """Store an act that follows the last one, and let it take effect."""
    row = ActRow.objects.using(caisse.using).create(
        seq=act.envelope.seq,
        digest=act.signed.digest,
        kind=act.envelope.kind,
        at=act.envelope.at,
        content=act.signed.encoded,
    )
    if act.body is not None:
        apply(caisse, row, act.body)
    if act.envelope.kind in _REMEMBERED:
        caisse.forget()
    return row


def log(caisse: Caisse, *, using: str) -> Iterator[Act]:
    """Yield every act of a database in order; raises DocumentError where the chain breaks."""
    keys = list(caisse.ring.trust.keys(Role.SERVICE))
    seq, prev = 0, b""
    for row in ActRow.objects.using(using).order_by("seq").iterator():
        act = open_act(row.content, keys, caisse=caisse.name)
        first = seq == 0 and any(act.envelope.prev == key.digest for key in keys)
        if act.envelope.seq != seq + 1 or not (first or act.envelope.prev == prev):
            raise DocumentMalformed(f"act {row.seq} does not follow act {seq}")
        seq, prev = act.envelope.seq, act.signed.digest
        yield act


def epoch(caisse: Caisse) -> int:
    """Return the epoch of everything that is signed now; a restore raises it."""
    return caisse.once("epoch", lambda: _epoch(caisse))


def acts_of_epoch(caisse: Caisse, epoch: int) -> tuple[int, int | None] | None:
    """Return the act that began an epoch, and the one that ended it; None: there was no such one.

    The first epoch begins with 0; the one that lasts is ended by None.
    """
    rows = list(_raised(caisse))
    begun = {FIRST_EPOCH: 0} | {_raised_to(caisse, row): row.seq for row in rows}
    if epoch not in begun:
        return None
    return begun[epoch], next((row.seq for row in rows if row.seq > begun[epoch]), None)


def _epoch(caisse: Caisse) -> int:
    row = _raised(caisse).last()
    return FIRST_EPOCH if row is None else _raised_to(caisse, row)


def _raised(caisse: Caisse) -> QuerySet[ActRow]:
    return ActRow.objects.using(caisse.using).filter(kind=ActKind.EPOCH_RAISED).order_by("seq")


def _raised_to(caisse: Caisse, row: ActRow) -> int:
    act = open_act(row.content, list(caisse.ring.trust.keys(Role.SERVICE)), caisse=caisse.name)
    return act.body.epoch if isinstance(act.body, EpochRaised) else FIRST_EPOCH
