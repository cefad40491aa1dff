"""Keys by which anybody can check a card's proof, published once it can do no harm any more.

Whoever has the key of a transaction could make a twin of its proof. So none leaves before
terminals bear witness to the transaction: a terminal's journal tells that it was given a digest,
and that digest covers a directory in which the card had come that far.
"""

from __future__ import annotations

from collections import defaultdict

from django.db.models import Exists, OuterRef

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
from cardkit.signing import ContentType, parse
from server_stub.models import (
    ActRow,
    Card,
    CardTransaction,
    DirectoryVersion,
    PublishedKey,
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
        count = 0
        for card, tmcs in _unpublished(caisse).items():
            row = row_at(caisse, shown, card.uid)
            if row is None or row.generation < card.generation:
                continue
            told_tmc = row.tmc if row.generation == card.generation else card.proven_tmc
            due = [tmc for tmc in tmcs if tmc <= told_tmc]
            for start in range(0, len(due), PROOF_KEYS_MAX):
                acts.record(caisse, _act(caisse, card, due[start : start + PROOF_KEYS_MAX]))
            count += len(due)
        return count


def _unpublished(caisse: Caisse) -> dict[Card, list[int]]:
    """Every proven transaction whose key nobody has yet, by card and in order."""
    known = PublishedKey.objects.using(caisse.using).filter(
        card=OuterRef("card"), tmc=OuterRef("tmc")
    )
    sales = CardTransaction.objects.using(caisse.using).exclude(Exists(known))
    unpublished: dict[Card, list[int]] = defaultdict(list)
    order = "card__uid", "card__generation", "tmc"
    for sale in sales.select_related("card").order_by(*order):
        unpublished[sale.card].append(sale.tmc)
    return unpublished


def _act(caisse: Caisse, card: Card, tmcs: list[int]) -> ProofKeysPublished:
    secret = card_key(caisse, card).tmac_key
    return ProofKeysPublished(
        uid=card.uid,
        generation=card.generation,
        keys=tuple(
            ProofKey(tmc=tmc, key=session_mac_key(secret, uid=card.uid, tmc=tmc)) for tmc in tmcs
        ),
    )


def _witnessed_directory(caisse: Caisse) -> DirectoryVersion | None:
    """The newest directory that stands in the log before an act that a terminal was told of."""
    seq = max((_told_seq(caisse, one) for one in Terminal.objects.using(caisse.using)), default=0)
    held = ActRow.objects.using(caisse.using).filter(kind=ActKind.DOCUMENT_HELD, seq__lte=seq)
    keys = list(caisse.ring.trust.keys(Role.SERVICE))
    for act_row in held.order_by("-seq"):
        act = open_act(act_row.content, keys, caisse=caisse.name)
        signed = parse(act.body.content) if isinstance(act.body, DocumentHeld) else None
        if signed is not None and signed.content_type is ContentType.DIRECTORY:
            return DirectoryVersion.objects.using(caisse.using).filter(digest=signed.digest).first()
    return None


def _told_seq(caisse: Caisse, terminal: Terminal) -> int:
    """Return the act that a terminal was last told of; 0 unless it names the one in our log.

    A thief's terminal signs any number, and knows no head that it was not given.
    """
    told = StoredEntry.objects.using(caisse.using).filter(
        terminal=terminal, kind=EntryKind.ACKNOWLEDGED
    )
    row = told.order_by("-seq").first()
    body = None if row is None else open_stored(caisse, terminal, row).body
    if not isinstance(body, Acknowledged) or body.acts_seq is None or body.acts_head is None:
        return 0
    acted = ActRow.objects.using(caisse.using).filter(seq=body.acts_seq, digest=body.acts_head)
    return body.acts_seq if acted.exists() else 0
