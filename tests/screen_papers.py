"""What a caisse hands to a stall before a story begins: another permit, another answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from cardkit.permit import sign_permit
from cardkit.sync import MerchantAccount, SyncAnswer
from terminal.store import Store
from tests.terminal_world import MERCHANT, World


def enrol(world: World, *, merchants: tuple[int, ...] = (MERCHANT,), **changes: Any) -> None:
    """Enrol a stall whose permit is another one in some of its fields."""
    world.enrol(merchants=merchants)
    with _store(world) as store:
        held = store.permit.permit
        permit = replace(held, version=held.version + 1, **changes)
        store.accept_permit(sign_permit(world.issuer, permit).encoded)


def tell_accounts(world: World, *accounts: MerchantAccount, answered_at: datetime) -> None:
    """Let the service have answered once, and said how accounts stand."""
    with _store(world) as store:
        answer = SyncAnswer(
            terminal=store.terminal,
            up_to_seq=0,
            head=bytes(32),
            epoch=world.epoch,
            answered_at=answered_at,
            accounts=accounts,
        )
        store.keep_answer(answer)


@contextmanager
def _store(world: World) -> Iterator[Store]:
    store = Store.open(world.data())
    try:
        yield store
    finally:
        store.close()
