"""The state of a terminal in lines that a person can read to the coordinator on the phone."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.bodies import DocumentRefused, EntryKind
from cardkit.clock import ClockTrust
from terminal.till import Till
from terminal.words import Words


def lines(till: Till, words: Words) -> Iterator[str]:
    """Return one fact a line."""
    _, euros, journal, store = words.gettext, words.euros, till.journal, till.store
    permit, directory, answer = store.permit.permit, store.directory, store.answer
    yield _("Terminal {terminal} of {caisse}").format(
        terminal=journal.terminal, caisse=journal.caisse
    )
    for grant in permit.merchants:
        yield _("Sells for {merchant} {name}").format(merchant=grant.merchant, name=grant.name)
    yield _("Permit {version} until {day}").format(
        version=permit.version, day=words.day(permit.valid_until)
    )
    if directory is None:
        yield _("No list of cards: sync first")
    else:
        header = directory.header
        yield _("List of cards {version} of {day}, {cards} cards").format(
            version=header.version, day=words.day(header.issued_at), cards=header.cards
        )
    now = till.clock.now()
    yield _("Time {day}, {trust}").format(day=words.day(now.at), trust=trust(words, now.trust))
    yield _("Journal: {seq} entries, {total} ever").format(
        seq=journal.head.seq, total=euros(journal.head.perpetual_cents)
    )
    yield _("Not acknowledged: {entries} entries, sales of {amount}").format(
        entries=journal.head.seq - journal.acknowledged_seq, amount=euros(journal.unsent_cents())
    )
    for held in journal.open_intents():
        yield _("Sale {seq} of {amount} is waiting.").format(
            seq=held.seq, amount=euros(held.intent.amount_cents)
        )
    refused = journal.last(EntryKind.DOCUMENT_REFUSED)
    if refused is not None and isinstance(refused.body, DocumentRefused):
        yield _("Last document refused: {content_type}, {reason}").format(
            content_type=refused.body.content_type, reason=refused.body.reason
        )
    for account in answer.accounts if answer is not None else ():
        yield _("The caisse owes merchant {merchant} {amount}").format(
            merchant=account.merchant, amount=euros(account.payable_cents)
        )


def trust(words: Words, what: ClockTrust) -> str:
    """Say why the clock may be believed."""
    _ = words.gettext
    return {
        ClockTrust.UNTRUSTED: _("which nothing vouches for"),
        ClockTrust.DECLARED: _("as it was typed here"),
        ClockTrust.RTC: _("kept by the computer’s battery"),
        ClockTrust.SYNCHRONISED: _("set by the network"),
    }[what]
