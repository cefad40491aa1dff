"""What a terminal said of its intents afterwards, weighed together whenever more is said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from cardkit.bodies import Body, Indeterminate, Resolution, Sale, Void
from cardkit.entries import Entry, open_entry
from cardkit.signing import PublicKey
from server_stub.models import Claim, Sighting, StoredEntry, Terminal
from server_stub.rules.facts import Outcome
from server_stub.services import bulk
from server_stub.services.caisse import Caisse

_OUTCOMES: Final[dict[type[Body], Outcome]] = {
    Sale: Outcome.SALE,
    Indeterminate: Outcome.INDETERMINATE,
    Void: Outcome.VOID,
}
"""In order of weight, where a terminal says two things of one intent."""

WEIGHED: Final = (
    "outcome",
    "outcome_amount_cents",
    "outcome_tmv",
    "outcome_seq",
    "outcomes_disagree",
    "choice",
)
"""What weighing may change of a claim."""

Stored = tuple[StoredEntry, Entry]


def about(body: Body | None) -> int | None:
    """Return the number of the intent that an entry is about, if any."""
    match body:
        case Sale() | Void() | Indeterminate() | Resolution():
            return body.intent_seq
        case _:
            return None


def weigh_all(
    caisse: Caisse,
    terminal: Terminal,
    claims: Sequence[Claim],
    *,
    at_hand: Mapping[bytes, Stored],
) -> Iterator[Sighting]:
    """Set the outcome of claims of one terminal from all that is stored about them.

    Yields what was seen of their cards; `at_hand` are entries that need not be read again.
    """
    said: dict[int, list[Stored]] = defaultdict(list)
    seqs = {claim.seq for claim in claims}
    held = StoredEntry.objects.using(caisse.using).filter(terminal=terminal)
    about_them = held.filter(bulk.among("about_seq", seqs)).order_by()
    earlier: list[int] = []
    for number, digest, intent_seq in about_them.values_list("id", "digest", "about_seq"):
        if intent_seq not in seqs:
            continue
        if digest in at_hand:
            said[intent_seq].append(at_hand[digest])
        else:
            earlier.append(number)
    for row in held.filter(id__in=earlier) if earlier else ():
        said[row.about_seq or 0].append((row, open_stored(caisse, terminal, row)))
    for claim in claims:
        yield from weigh(claim, said[claim.seq])


def open_stored(caisse: Caisse, terminal: Terminal, row: StoredEntry) -> Entry:
    """Read an entry that was verified when it was stored."""
    key = PublicKey.from_bytes(terminal.journal_key)
    return open_entry(row.content, key, caisse=caisse.name, terminal=terminal.id)


def weigh(claim: Claim, said: Iterable[Stored]) -> Iterable[Sighting]:
    """Set a claim's outcome from all that was said of it; yield what was seen of the card."""
    by_seq = sorted(said, key=lambda one: (one[0].seq, one[0].digest))
    outcomes: dict[Outcome, Stored] = {}
    for row, entry in sorted(by_seq, key=lambda one: _strangeness(claim, one[1].body)):
        match entry.body:
            case Resolution():
                claim.choice = int(entry.body.choice)
            case Sale() | Void() | Indeterminate() as body:
                outcomes.setdefault(_OUTCOMES[type(body)], (row, entry))
                if claim.card_id is not None and body.tmv is not None and body.tmc is not None:
                    yield bulk.made(
                        Sighting,
                        card_id=claim.card_id,
                        tmc=body.tmc,
                        tmv=body.tmv,
                        spent_cents=getattr(body, "spent_cents", None),
                        entry_id=row.id,
                    )
    claim.outcomes_disagree = len(outcomes) > 1
    for outcome in _OUTCOMES.values():
        if outcome in outcomes:
            row, entry = outcomes[outcome]
            claim.outcome, claim.outcome_seq = outcome.value, row.seq
            if isinstance(entry.body, Sale):
                claim.outcome_amount_cents = entry.body.amount_cents
                claim.outcome_tmv = entry.body.tmv
            return


def _strangeness(claim: Claim, body: Body | None) -> int:
    """How ill a sale fits to an intent: of a number that was used twice, each has its own."""
    if not isinstance(body, Sale):
        return 0
    if body.tmv is not None and body.tmv == claim.expected_tmv:
        return 0
    return 1 if body.amount_cents == claim.amount_cents else 2
