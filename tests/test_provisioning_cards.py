"""The card table: whatever tears, the same call makes the card good; nothing secret is said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cardkit.allowance import accept_allowance
from cardkit.card.issuing import OneCardKeys, Step, personalise
from cardkit.card.keys import TerminalCardKeys
from cardkit.card.layout import CLAF_PURSE_1
from cardkit.card.session import PurseSession
from cardkit.card.token import ReaderId
from cardkit.errors import (
    AnswerInvalid,
    CardLost,
    CardNotIssuable,
    KeyStoreError,
    ServerUnreachable,
)
from cardkit.logging import TRAFFIC
from cardkit.pairing import CardMaster
from provisioning.card_words import AlreadyIssued, Condition, Issued, Stage
from provisioning.client import ATTEMPTS
from provisioning.keystore import new_keys
from server_stub.models import Account, Card, CardStatus
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from simulator.maker import Maker
from tests.workshop_world import ACCOUNT, NOW, UID, World, make_world, served

KEYS = new_keys("flers", now=NOW, step_max_cents=300_00)
EXCHANGES_OF_AN_ISSUE = 61


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """A fresh caisse, served in this process."""
    with served(make_world(KEYS, ManualClock(NOW))) as made:
        yield made


def issue(world: World, *, account: bytes = ACCOUNT, again: bool = False) -> Issued | AlreadyIssued:
    """Issue the card on the reader, and let go of it."""
    connection = world.laid()
    try:
        return world.cards.issue(connection, world.client, account=account, again=again)
    finally:
        connection.close()


def condition(world: World) -> Condition:
    """What the workshop says of the card on the reader."""
    connection = world.laid()
    try:
        return world.cards.inspect(connection).condition
    finally:
        connection.close()


def placed(world: World, uid: bytes = UID) -> VirtualCard:
    """A blank card on the reader."""
    card = world.maker.blank_card(uid)
    world.field.place(card)
    return card


def terminal_keys() -> TerminalCardKeys:
    """What a till has."""
    masters = {master.version: master.key for master in KEYS.workshop.masters}
    return TerminalCardKeys(KEYS.public.system_id, masters)


def test_a_blank_card_becomes_a_members(world: World) -> None:
    """Promise: after one call a till can sell to the card, offline, from its first slot."""
    placed(world)
    assert condition(world) is Condition.BLANK
    assert issue(world) == Issued(UID, 1, has_allowance=True)
    assert condition(world) is Condition.ISSUED
    purse = PurseSession.open(world.laid(), terminal_keys())
    assert (purse.tmac().tmc, purse.spent_cents(), purse.key_version) == (1, 0, 1)
    first, second = purse.allowance_slots()
    assert first is not None
    assert second is None
    allowance = accept_allowance(first, KEYS.public.trust())
    assert allowance.available_cents(NOW, spent_cents=0, refunded_cents=0) == 100_00


def test_progress_tells_every_step_in_order(world: World) -> None:
    """Promise: whoever waits for a card sees it go on."""
    placed(world)
    seen: list[Stage | Step] = []
    world.cards.issue(world.laid(), world.client, account=ACCOUNT, progress=seen.append)
    steps = [step for step in Step if step is not Step.ALLOWANCE]
    assert seen == [Stage.LOOK, Stage.BEGIN, *steps, Stage.FINISH, Stage.ALLOWANCE]
    assert world.field.exchanges == EXCHANGES_OF_AN_ISSUE


@pytest.mark.parametrize("moment", ["before", "after"])
def test_torn_anywhere_an_issue_can_be_run_again(world: World, moment: str) -> None:
    """Promise: a card that slips off at any exchange is made good by laying it down again."""
    for number in range(1, EXCHANGES_OF_AN_ISSUE + 1):
        uid = bytes([4, 0, 0, 0, 0, 0, number])
        account = Account.objects.create(number=bytes([number]) * 16).number
        card = placed(world, uid)
        tear = world.field.tear_before if moment == "before" else world.field.tear_after
        tear(number)
        try:
            torn: Issued | AlreadyIssued | None = issue(world, account=account)
        except CardLost:
            torn = None
        assert torn is None or torn == Issued(uid, 1, has_allowance=False)
        world.field.place(card)
        done = issue(world, account=account)
        assert done == (AlreadyIssued(uid, 1) if torn else Issued(uid, 1, has_allowance=True))
        assert condition(world) is Condition.ISSUED
        world.field.lift()
        row = Card.objects.get(uid=uid)
        assert (row.status, row.generation) == (CardStatus.ACTIVE, 1)
        assert card.history[-1].tmc == 1


def test_a_dropped_answer_is_asked_for_again(world: World) -> None:
    """Promise: a poor line costs a repetition, not a card."""
    placed(world)
    world.line.drop_answers = 2
    assert issue(world) == Issued(UID, 1, has_allowance=True)
    assert len(world.line.asked) == 2 + 2


def test_a_service_that_went_away_leaves_a_card_that_can_be_issued(world: World) -> None:
    """Promise: when the birth was heard but never answered, the card counts as issued."""
    placed(world)

    def cut_at_the_end(step: Stage | Step) -> None:
        if step is Stage.FINISH:
            world.line.drop_answers = ATTEMPTS

    with pytest.raises(ServerUnreachable):
        world.cards.issue(world.laid(), world.client, account=ACCOUNT, progress=cut_at_the_end)
    assert issue(world) == AlreadyIssued(UID, 1)


def test_an_issued_card_is_not_touched(world: World) -> None:
    """Promise: a card laid down twice by mistake loses nothing."""
    card = placed(world)
    issue(world)
    before = card.history
    slots = PurseSession.open(world.laid(), terminal_keys()).allowance_slots()
    assert issue(world) == AlreadyIssued(UID, 1)
    assert card.history == before
    assert PurseSession.open(world.laid(), terminal_keys()).allowance_slots() == slots


def test_a_new_life_on_purpose_counts_from_zero(world: World) -> None:
    """Promise: a card made anew has a new TMAC key and counter, and the service knows it."""
    card = placed(world)
    issue(world)
    old = card.history[-1].tmv
    assert issue(world, again=True) == Issued(UID, 2, has_allowance=False)
    assert card.history[-1].tmc == 1
    assert card.history[-1].tmv != old


def test_a_card_that_has_paid_is_not_emptied_by_a_service_that_forgot_it(world: World) -> None:
    """Promise: a restored service does not make the workshop wipe the proof of a sale."""
    placed(world)
    issue(world)
    purse = PurseSession.open(world.laid(), terminal_keys())
    purse.spent_cents()
    purse.commit_reader_id(ReaderId(terminal=1, seq=1, token=bytes(8)))
    assert purse.commit().tmc == 2
    Card.objects.all().update(status=CardStatus.ISSUING)
    with pytest.raises(CardNotIssuable, match="elle a payé"):
        issue(world)
    assert condition(world) is Condition.ISSUED


def test_a_chip_of_an_unknown_maker_is_put_aside(world: World) -> None:
    """Promise: a copy of a chip is neither issued nor emptied, and its keys are not wasted."""
    world.field.place(Maker(scalar=0xBAD).blank_card(UID))
    assert condition(world) is Condition.NOT_ORIGINAL
    with pytest.raises(CardNotIssuable, match="signature d’origine"):
        issue(world)


def test_the_workshop_trusts_nxp_unless_it_is_told_otherwise(world: World) -> None:
    """Promise: no flag and no setting makes the workshop take a virtual card."""
    placed(world)
    as_shipped = type(world.cards)(public=KEYS.public, keys=KEYS.workshop)
    assert as_shipped.inspect(world.laid()).condition is Condition.NOT_ORIGINAL
    with pytest.raises(CardNotIssuable):
        as_shipped.issue(world.laid(), world.client, account=ACCOUNT)


def test_another_caisses_card_is_neither_opened_nor_emptied(world: World) -> None:
    """Promise: a neighbour's card is told apart and left as it is."""
    neighbours = new_keys("flers", now=NOW, step_max_cents=300_00)
    masters = neighbours.service.newest()
    theirs = masters.card_keys(
        uid=UID, generation=1, system_id=neighbours.public.system_id, profile=CLAF_PURSE_1
    )
    placed(world)
    personalise(
        world.laid(),
        OneCardKeys(
            picc_master=theirs.picc_master,
            app_master=theirs.app_master,
            terminal=bytes(range(16)),
            closed=theirs.closed,
            tmac=theirs.tmac,
        ),
        originality=world.maker.originality,
    )
    assert condition(world) is Condition.FOREIGN
    with pytest.raises(CardNotIssuable, match="quelqu’un d’autre"):
        issue(world)
    assert PurseSession.open_with_key(world.laid(), bytes(range(16))).tmac().tmc == 1


def test_a_service_of_another_version_or_profile_is_not_obeyed(world: World) -> None:
    """Promise: a card is never written with half of two generations of keys."""
    placed(world)
    newer = replace(KEYS.workshop, masters=(CardMaster(version=2, key=bytes(16)),))
    table = type(world.cards)(public=KEYS.public, keys=newer, originality=world.maker.originality)
    with pytest.raises(KeyStoreError, match="version 1"):
        table.issue(world.laid(), world.client, account=ACCOUNT)
    other = replace(world.cards, profile=replace(CLAF_PURSE_1, name="claf-purse/2"))
    with pytest.raises(AnswerInvalid, match="claf-purse/1"):
        other.issue(world.laid(), world.client, account=ACCOUNT)
    assert condition(world) is Condition.BLANK


def test_a_torn_card_says_so(world: World) -> None:
    """Promise: whoever finds a card in a drawer learns what to do with it."""
    found = []
    for number in (16, 26, 36, 46):
        card = placed(world, bytes([4, 0, 0, 0, 0, 0, number]))
        world.field.tear_after(number)
        with pytest.raises(CardLost):
            issue(world)
        world.field.place(card)
        found.append(condition(world))
        world.field.lift()
    assert found == [Condition.BLANK, Condition.TORN, Condition.TORN, Condition.TORN]


def test_no_key_is_ever_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Promise: logs at the most talkative level give no key away, old or new."""
    placed(world)
    with caplog.at_level(TRAFFIC):
        issue(world)
    masters = KEYS.service.newest()
    card_keys = masters.card_keys(
        uid=UID, generation=1, system_id=KEYS.public.system_id, profile=CLAF_PURSE_1
    )
    ((_, key_1),) = terminal_keys().newest_first(uid=UID, aid=CLAF_PURSE_1.aid)
    secrets = [
        *(masters.picc, masters.application, masters.closed, masters.tmac),
        *(card_keys.picc_master, card_keys.app_master, card_keys.closed, card_keys.tmac),
        *(KEYS.workshop.masters[0].key, key_1),
    ]
    assert "900" in caplog.text, "the traffic was logged"
    for secret in secrets:
        assert secret.hex() not in caplog.text.lower()
        assert repr(secret) not in caplog.text
    shown = repr([world.cards, card_keys, KEYS])
    assert not any(repr(secret)[2:-1] in shown for secret in secrets)
