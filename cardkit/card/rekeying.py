"""A new key 1 for an issued card: the one key of a card that all terminals share a master of.

Only key 1 moves. The purse, its counter, its records and the TMAC key stay what they are, so that
the card's history goes on being proven under the same keys. ChangeKey sets key and version in one
step: a card that was torn answers to the old key or to the new one, and the same call, which finds
out by authenticating and never by the version byte, finishes it (docs/protocol.md, section 8).
"""

from __future__ import annotations

import os

from cardkit.card.apdu import AuthenticationRefused
from cardkit.card.connection import CardConnection
from cardkit.card.desfire import Desfire, RandomBytes
from cardkit.card.keys import TerminalCardKeys
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.profile import CardProfile
from cardkit.card.session import PurseSession
from cardkit.card.tmac import TmacState
from cardkit.errors import Bug, CardForeign, CardNotIssuable
from cardkit.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rekeyed:
    """A card that answers to the newest key 1; both versions are equal when it already did."""

    uid: bytes
    version_before: int
    version: int
    tmac: TmacState
    spent_cents: int


def rekey(
    connection: CardConnection,
    *,
    app_master: bytes,
    terminal_keys: TerminalCardKeys,
    profile: CardProfile = CLAF_PURSE_1,
    random: RandomBytes = os.urandom,
) -> Rekeyed:
    """Bring key 1 of an issued card to the newest of `terminal_keys`, with the card's own key 0.

    Raises CardForeign when the card is not ours or has another key 0, CardNotIssuable when it is
    not what it should be when read back, and other CardErrors; after any of them the card works
    under its old key 1 or its new one, and the same call finishes it.
    """
    purse = PurseSession.open(connection, terminal_keys, profile=profile, random=random)
    before = purse.tmac(), purse.spent_cents()
    by_version = dict(terminal_keys.newest_first(uid=purse.uid, aid=profile.aid))
    newest, version_before = max(by_version), purse.key_version
    if version_before is None:
        raise Bug("a card that was opened with one of several keys answered to a known version")
    _change(
        Desfire(connection),
        app_master,
        old=by_version[version_before],
        new=by_version[newest],
        version=newest,
        profile=profile,
        random=random,
    )
    after = _read_back(connection, by_version[newest], profile, random)
    if after != before:
        raise CardNotIssuable("the purse is not what it was before its key was changed")
    tmac, spent_cents = after
    return Rekeyed(
        uid=connection.uid,
        version_before=version_before,
        version=newest,
        tmac=tmac,
        spent_cents=spent_cents,
    )


def _change(
    card: Desfire,
    app_master: bytes,
    *,
    old: bytes,
    new: bytes,
    version: int,
    profile: CardProfile,
    random: RandomBytes,
) -> None:
    """Change key and version byte together, unless both are already what they should be."""
    try:
        card.authenticate_ev2_first(profile.app_master_key_no, app_master, random=random)
    except AuthenticationRefused as refused:
        raise CardForeign("the card has another key 0") from refused
    key_no = profile.terminal_key_no
    if old == new and card.get_key_version(key_no) == version:
        return
    card.change_other_key(key_no, old=old, new=new, version=version)
    found = card.get_key_version(key_no)
    if found != version:
        raise CardNotIssuable(f"key {key_no} has version {found}")


def _read_back(
    connection: CardConnection, key: bytes, profile: CardProfile, random: RandomBytes
) -> tuple[TmacState, int]:
    """Return counter, proof and spent cents of a card that answers to its new key."""
    try:
        purse = PurseSession.open_with_key(connection, key, profile=profile, random=random)
    except AuthenticationRefused as refused:
        raise CardNotIssuable("the card does not answer to its new key") from refused
    return purse.tmac(), purse.spent_cents()
