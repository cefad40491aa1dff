"""The exchange: entries in, one signed answer out."""

from __future__ import annotations

from cardkit.errors import DocumentForeign
from cardkit.sync import SyncAnswer, SyncRequest, sign_answer
from server_stub.models import PermitIssued, Terminal, TerminalStatus
from server_stub.services import acts, digest, directory, disputes, issue, unclaimed
from server_stub.services.behind import Lock, lock, notice_request
from server_stub.services.caisse import Caisse
from server_stub.services.documents import permit_of
from server_stub.services.fleet import keep_report
from server_stub.services.ingest import ingest
from server_stub.services.owed import merchant_accounts, settled_to


def sync(caisse: Caisse, request: SyncRequest) -> bytes:
    """Take a request of an authenticated terminal; returns the answer as it travels.

    Raises DocumentForeign for a terminal that was never enrolled. One that was revoked or lost
    may still tell what it knows, and is acknowledged; it gets nothing to sell with.
    """
    with caisse.alone():
        terminal = Terminal.objects.using(caisse.using).filter(id=request.terminal).first()
        if terminal is None:
            raise DocumentForeign(f"no terminal {request.terminal}")
        notice_request(caisse, terminal, request)
        _note(caisse, terminal, request)
        keep_report(caisse, terminal, request)
        taken = ingest(caisse, request.terminal, request.entries)
        locked = lock(caisse)
        if locked is None:
            unclaimed.settle(caisse, reported=terminal.id)
            disputes.settle_due(caisse)
        # A service that has forgotten would sign other content under a number that is held.
        active = terminal.status == TerminalStatus.ACTIVE and locked is not Lock.SUSPECTED
        permit = issue.current_permit(caisse, terminal) if active else None
        update = (
            directory.update_since(caisse, request.directory_epoch, request.directory_version)
            if active
            else None
        )
        of_day = digest.todays(caisse) if locked is not Lock.SUSPECTED else None
        answer = SyncAnswer(
            terminal=terminal.id,
            up_to_seq=taken.up_to_seq,
            head=taken.head,
            epoch=acts.epoch(caisse),
            answered_at=caisse.now(),
            directory=update.version.content if update else None,
            delta=update.delta if update else None,
            permit=_newer(permit, request),
            certificates=caisse.ring.public.certificates,
            accounts=merchant_accounts(caisse, _merchants(permit)),
            settled=settled_to(caisse, terminal, _merchants(permit)),
            acts_seq=None if of_day is None else of_day.digest.acts_seq,
            acts_head=None if of_day is None else of_day.digest.acts_head,
            digest=None if of_day is None else of_day.content,
        )
        return sign_answer(caisse.ring.service, answer).encoded


def _note(caisse: Caisse, terminal: Terminal, request: SyncRequest) -> None:
    """Note what the terminal holds: its entries were made with no less."""
    terminal.last_seen_at = caisse.now()
    terminal.head_seq = request.head_seq
    terminal.epoch_seen = request.epoch
    terminal.directory_epoch = request.directory_epoch
    terminal.directory_version = request.directory_version
    if request.health is not None:
        terminal.software_version = request.health.software_version
    terminal.save(
        using=caisse.using,
        update_fields=[
            "last_seen_at",
            "head_seq",
            "epoch_seen",
            "directory_epoch",
            "directory_version",
            "software_version",
        ],
    )


def _newer(permit: PermitIssued | None, request: SyncRequest) -> bytes | None:
    if permit is None or (permit.epoch, permit.version) == (
        request.permit_epoch,
        request.permit_version,
    ):
        return None
    return permit.content


def _merchants(permit: PermitIssued | None) -> frozenset[int]:
    """Whose accounts a terminal is told: those of its own permit, and nobody's while it is lent."""
    said = permit_of(permit.content) if permit is not None else None
    if said is None or said.loan:
        return frozenset()
    return frozenset(grant.merchant for grant in said.merchants)
