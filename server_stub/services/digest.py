"""The day's digest: made once a business day, kept in the log, given to every terminal.

The same day publishes the keys of card proofs that can do no harm any more, so that it covers them.
"""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.acts import ActKind, DigestSigned, open_act
from cardkit.certificates import Role
from cardkit.clock import business_date
from cardkit.digest import NO_DIGEST, Digest, HeldDigest, JournalHead, accept_digest, sign_digest
from cardkit.errors import must
from server_stub.models import ActRow, Terminal
from server_stub.services import acts, proof_keys
from server_stub.services.caisse import Caisse


@dataclass(frozen=True, slots=True)
class OfDay:
    """A digest as it was signed, and what it says."""

    content: bytes
    digest: Digest


def todays(caisse: Caisse) -> OfDay:
    """Return the newest digest, made now when the last one is of an earlier day."""
    must(not caisse.replaying, "nothing is signed while the books are recomputed")
    with caisse.alone():
        last = _last(caisse)
        today, epoch = business_date(caisse.now()), acts.epoch(caisse)
        if last is not None:
            held = _held(caisse, last)
            if held.digest.order >= (epoch, today):
                return OfDay(last, held.digest)
        proof_keys.publish_due(caisse)
        end = ActRow.objects.using(caisse.using).order_by("-seq").first()
        digest = Digest(
            epoch=epoch,
            day=today,
            made_at=caisse.now(),
            acts_seq=end.seq if end else 0,
            acts_head=end.digest if end else caisse.ring.service.public.digest,
            previous=_held(caisse, last).hash if last is not None else NO_DIGEST,
            journals=tuple(_heads(caisse)),
        )
        content = sign_digest(caisse.ring.service, digest).encoded
        acts.record(caisse, DigestSigned(content=content))
        return OfDay(content, digest)


def _heads(caisse: Caisse) -> list[JournalHead]:
    terminals = Terminal.objects.using(caisse.using).order_by("id")
    return [
        JournalHead(terminal=one.id, up_to_seq=one.cursor_seq, head=one.cursor_head)
        for one in terminals
    ]


def _last(caisse: Caisse) -> bytes | None:
    rows = ActRow.objects.using(caisse.using).filter(kind=ActKind.DIGEST_SIGNED)
    row = rows.order_by("-seq").first()
    if row is None:
        return None
    keys = list(caisse.ring.trust.keys(Role.SERVICE))
    act = open_act(row.content, keys, caisse=caisse.name)
    must(isinstance(act.body, DigestSigned), "an act of this kind holds a digest")
    return act.body.content if isinstance(act.body, DigestSigned) else None


def _held(caisse: Caisse, content: bytes) -> HeldDigest:
    return accept_digest(content, caisse.ring.trust, held=None)
