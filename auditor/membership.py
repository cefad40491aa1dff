"""Whether waves are what their order makes of the list, and only a leaver's credit is taken.

Anybody can repeat a draw: SHA-256 of its seed and of each account that waited. That the seed was
published after the list, no log can show; the minutes have to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from auditor.evidence import Evidence
from auditor.findings import Class, Finding
from cardkit.acts import Act, CardIssued, CardStatusSet, RuleSet
from cardkit.clock import business_date
from cardkit.directory import CardStatus
from cardkit.membership import AdmissionOrder, CreditLapsed, MemberLeft, WaveAdmitted

Life = tuple[bytes, int]
ADMISSION_ORDER = "admission_order"


@dataclass(slots=True)
class _Members:
    admitted: set[bytes] = field(default_factory=set)
    left: set[bytes] = field(default_factory=set)
    waves: set[int] = field(default_factory=set)
    accounts: dict[Life, bytes] = field(default_factory=dict)
    blocked: set[Life] = field(default_factory=set)
    orders: dict[date, int] = field(default_factory=dict)
    """What was voted, by the day from which it counts."""


def check_membership(found: Evidence) -> None:
    """Add every act about members that breaks a rule to the findings."""
    members = _Members()
    for act in found.acts:
        for words, cents in _broken(act, members):
            place = f"act {act.envelope.seq}"
            found.findings.append(Finding(Class.MEMBERSHIP, place, words, cents))


def _broken(act: Act, members: _Members) -> Iterator[tuple[str, int]]:
    """Yield what is wrong with one act, and let it take effect."""
    match act.body:
        case RuleSet(name=name) as rule if name == ADMISSION_ORDER:
            members.orders[rule.from_day] = rule.value
        case CardIssued() as born:
            members.accounts[born.uid, born.generation] = born.account
        case CardStatusSet() as status:
            life = status.uid, status.generation
            if status.status is CardStatus.BLOCKED:
                members.blocked.add(life)
            else:
                members.blocked.discard(life)
        case WaveAdmitted() as wave:
            yield from _wave(wave, business_date(act.envelope.at), members)
        case MemberLeft(account=account):
            if account in members.left:
                yield f"account {account.hex()} leaves a second time", 0
            members.left.add(account)
        case CreditLapsed() as lapsed:
            yield from _lapsed(lapsed, members)


def _wave(wave: WaveAdmitted, day: date, members: _Members) -> Iterator[tuple[str, int]]:
    name, chosen = f"wave {wave.wave}", wave.candidates[: wave.places]
    if wave.wave in members.waves:
        yield f"{name} is admitted a second time", 0
    if len(set(wave.candidates)) != len(wave.candidates) or len(chosen) < wave.places:
        yield f"{name} does not name each of its places once", 0
    if wave.order != _order_on(day, members):
        yield f"{name} is not in the order that is voted", 0
    if wave.order is AdmissionOrder.DRAW and list(wave.candidates) != _drawn(wave):
        yield f"{name} is not what its seed draws", 0
    for account in wave.candidates:
        if account in members.admitted:
            yield f"{name} has account {account.hex()}, which is a member's already", 0
    members.waves.add(wave.wave)
    members.admitted.update(chosen)


def _lapsed(lapsed: CreditLapsed, members: _Members) -> Iterator[tuple[str, int]]:
    life = lapsed.uid, lapsed.generation
    if members.accounts.get(life) not in members.left:
        yield f"takes credit from card {lapsed.uid.hex()}, whose member stays", lapsed.amount_cents
    elif life not in members.blocked:
        yield f"takes credit from card {lapsed.uid.hex()}, which still buys", lapsed.amount_cents


def _order_on(day: date, members: _Members) -> int:
    """Return the order that is voted; a caisse that never voted goes by the application."""
    begun = [since for since in members.orders if since <= day]
    return members.orders[max(begun)] if begun else AdmissionOrder.APPLICATION


def _drawn(wave: WaveAdmitted) -> list[bytes]:
    salt = wave.seed.encode("utf-8")
    return sorted(wave.candidates, key=lambda it: hashlib.sha256(salt + it).digest())
