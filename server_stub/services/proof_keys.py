"""Keys by which anybody can check a card's proof, published once it can do no harm any more.

Whoever has the key of a transaction could make a twin of its proof. So none leaves before
terminals bear witness to the transaction: a terminal's journal tells that it was given a digest,
and that digest covers a directory in which the card had come that far.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from cardkit.acts import (
    PROOF_KEYS_MAX,
    ActKind,
    DocumentHeld,
    ProofKey,
    ProofKeysPublished,
    open_act,
)
from cardkit.bodies import Acknowledged, EntryKind
from cardkit.card.tmac import session_mac_key
from cardkit.certificates import Role
from cardkit.signing import ContentType, PublicKey, parse
from server_stub.models import (
    ActRow,
    Card,
    CardTransaction,
    DirectoryVersion,
    StoredEntry,
    Terminal,
)
from server_stub.services import acts
from server_stub.services.caisse import Caisse
from server_stub.services.card_keys import card_key
from server_stub.services.documents import row_at
from server_stub.services.outcomes import open_stored


def publish_due(caisse: Caisse) -> int:
    """Publish the keys that are due; returns how many transactions anybody can check from now."""
    with caisse.alone():
        shown = _witnessed_directory(caisse)
        if shown is None:
            return 0
        published = _published(caisse)
        count = 0
        for card in Card.objects.using(caisse.using).order_by("uid", "generation"):
            row = row_at(caisse, shown, card.uid)
            if row is None or row.generation < card.generation:
                continue
            told_tmc = row.tmc if row.generation == card.generation else card.proven_tmc
            known = published[card.uid, card.generation]
            due = CardTransaction.objects.using(caisse.using).filter(card=card, tmc__lte=told_tmc)
            tmcs = [tmc for tmc in due.values_list("tmc", flat=True) if tmc not in known]
            for start in range(0, len(tmcs), PROOF_KEYS_MAX):
                some = tmcs[start : start + PROOF_KEYS_MAX]
                acts.record(caisse, _act(caisse, card, some))
                count += len(some)
        return count


def _act(caisse: Caisse, card: Card, tmcs: list[int]) -> ProofKeysPublished:
    secret = card_key(caisse, card).tmac_key
    return ProofKeysPublished(
        uid=card.uid,
        generation=card.generation,
        keys=tuple(
            ProofKey(tmc=tmc, key=session_mac_key(secret, uid=card.uid, tmc=tmc)) for tmc in tmcs
        ),
    )


def _published(caisse: Caisse) -> dict[tuple[bytes, int], set[int]]:
    known: dict[tuple[bytes, int], set[int]] = defaultdict(set)
    for body in _bodies(caisse, ActKind.PROOF_KEYS_PUBLISHED):
        if isinstance(body, ProofKeysPublished):
            known[body.uid, body.generation].update(one.tmc for one in body.keys)
    return known


def _witnessed_directory(caisse: Caisse) -> DirectoryVersion | None:
    """The newest directory that stands in the log before an act that a terminal was told of."""
    told = StoredEntry.objects.using(caisse.using).filter(kind=EntryKind.ACKNOWLEDGED)
    seqs = [
        body.acts_seq
        for terminal in Terminal.objects.using(caisse.using)
        if (row := told.filter(terminal=terminal).order_by("-seq").first()) is not None
        and isinstance(body := open_stored(caisse, terminal, row).body, Acknowledged)
        and body.acts_seq is not None
    ]
    held = ActRow.objects.using(caisse.using).filter(
        kind=ActKind.DOCUMENT_HELD, seq__lte=max(seqs, default=0)
    )
    for act_row in held.order_by("-seq"):
        act = open_act(act_row.content, _keys(caisse), caisse=caisse.name)
        signed = parse(act.body.content) if isinstance(act.body, DocumentHeld) else None
        if signed is not None and signed.content_type is ContentType.DIRECTORY:
            return DirectoryVersion.objects.using(caisse.using).filter(digest=signed.digest).first()
    return None


def _bodies(caisse: Caisse, kind: ActKind) -> Iterator[object]:
    keys = _keys(caisse)
    for row in ActRow.objects.using(caisse.using).filter(kind=kind).order_by("seq"):
        yield open_act(row.content, keys, caisse=caisse.name).body


def _keys(caisse: Caisse) -> list[PublicKey]:
    return list(caisse.ring.trust.keys(Role.SERVICE))
