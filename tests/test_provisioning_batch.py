"""A box of cards and a list: one tap each; whatever stops, every card is good or blank."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from cardkit.card.keys import TerminalCardKeys
from cardkit.card.session import PurseSession
from cardkit.card.token import ReaderId
from cardkit.errors import CardCollision, CardForeign, ServerUnreachable
from cardkit.keyfiles import WorkshopKeys
from cardkit.pairing import CardMaster
from provisioning import cli
from provisioning.batch import Notice
from provisioning.batch_book import BatchBook, State
from provisioning.batch_commands import NOT_DONE
from provisioning.card_words import Condition
from provisioning.client import Reply
from provisioning.keystore import new_keys, write_keys
from provisioning.members_file import read_members
from provisioning.wiring import Wiring
from server_stub.models import Account, Card, CardStatus
from server_stub.services.blocks import block_card
from simulator.card import VirtualCard
from simulator.clock import ManualClock
from simulator.field import FieldConnection
from simulator.plastic import Plastic
from simulator.strangers import (
    bank_card,
    desfire_ev1,
    desfire_of_others,
    identity_card,
    mifare_classic_1k,
    ntag216,
    phone,
    random_uid_desfire,
    transit_card,
)
from tests.workshop_world import NOW, URL, InProcess, World, make_world, served

KEYS: Final = new_keys("flers", now=NOW, step_max_cents=300_00)
ACCOUNTS: Final = [bytes([number]) * 16 for number in range(1, 6)]
EXCHANGES: Final = 61
NEWER: Final = replace(
    KEYS.workshop, masters=(*KEYS.workshop.masters, CardMaster(version=2, key=bytes(range(16))))
)


Coming = Plastic | Exception | Callable[[], None]


def uid_of(number: int) -> bytes:
    """The UID of a card of the box."""
    return bytes([4, 0xC0, 0, 0, 0, 0, number])


class Hand:
    """A person who lays cards down one after the other, and takes each away (a `Reader`).

    A card that slips off is laid down again. What stands for a card may be an error that the reader
    raises, or a call that changes the world before the next card.
    """

    name = "a person's hand"

    def __init__(self, world: World, cards: Sequence[Coming]):
        self._world = world
        self._coming = list(cards)
        self.beep = world.field.beep

    def wait_for_card(self, timeout_s: float) -> FieldConnection | None:
        """Lay the next card down, or the last one again if it slipped off."""
        field = self._world.field
        if field.card is None:
            if not self._coming:
                return None
            coming = self._coming.pop(0)
            if isinstance(coming, Exception):
                raise coming
            if callable(coming):
                coming()
                return self.wait_for_card(timeout_s)
            field.place(coming)
        return field.wait_for_card(timeout_s)

    def wait_for_removal(self, timeout_s: float) -> bool:
        """Take it away."""
        self._world.field.lift()
        return self._world.field.wait_for_removal(timeout_s)

    def close(self) -> None:
        """Take the last card away; the table stays."""
        self._world.field.lift()


class Table:
    """A workshop with a list, at which commands are typed."""

    def __init__(self, world: World, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.world, self.folder, self._capsys = world, folder, capsys
        self.list = folder / "members.csv"
        write_keys(folder / "keys", KEYS, passphrases=None)
        for account in ACCOUNTS:
            Account.objects.get_or_create(number=account)
        self.writes("account;label", *(f"{it.hex()};envelope {it[0]}" for it in ACCOUNTS))

    def writes(self, *lines: str) -> None:
        """Write the list."""
        self.list.write_text("\n".join(lines) + "\n", "utf-8")

    def cards(self, count: int = len(ACCOUNTS)) -> list[VirtualCard]:
        """Blank cards from a box."""
        return [self.world.maker.blank_card(uid_of(number)) for number in range(1, count + 1)]

    def types(
        self,
        verb: str,
        *words: str,
        cards: Sequence[Coming] = (),
        keys: WorkshopKeys | None = None,
        line: InProcess | None = None,
    ) -> tuple[int, str]:
        """Type `card VERB` while a hand lays cards down; its status, and all that was said."""
        wiring = Wiring(
            open_reader=lambda _: Hand(self.world, cards),
            open_transport=lambda: line or self.world.line,
            clock=self.world.clock,
            originality=self.world.maker.originality,
        )
        where = self.folder / ("keys" if keys is None else "newer")
        if keys is not None and not where.exists():
            write_keys(where, replace(KEYS, workshop=keys), passphrases=None)
        status = cli.run(
            ["card", verb, *words, "--service", URL, "--keys", str(where / "workshop")], wiring
        )
        said = self._capsys.readouterr()
        return status, said.out + said.err

    def issues(self, *cards: Coming, more: Sequence[str] = ()) -> tuple[int, str]:
        """`card issue --batch`."""
        return self.types("issue", "--batch", str(self.list), "--force", *more, cards=cards)

    def condition(self, card: Plastic) -> Condition:
        """What the workshop says of a card."""
        self.world.field.place(card)
        try:
            return self.world.cards.inspect(self.world.laid()).condition
        finally:
            self.world.field.lift()

    def buys(self, card: VirtualCard) -> bool:
        """Whether a till could sell to it offline: its key, and an allowance in a slot."""
        self.world.field.place(card)
        try:
            purse = PurseSession.open(self.world.laid(), till_keys(KEYS.workshop))
            return purse.tmac().tmc == 1 and any(purse.allowance_slots())
        finally:
            self.world.field.lift()

    def states(self) -> dict[bytes, State]:
        """Where the book says that each account stands."""
        with BatchBook.open(self.list.with_name("members.csv.cards")) as book:
            return {account: book.entry(account).state for account in ACCOUNTS}


def till_keys(keys: WorkshopKeys) -> TerminalCardKeys:
    """What a till of this workshop has."""
    masters = {master.version: master.key for master in keys.masters}
    return TerminalCardKeys(KEYS.public.system_id, masters)


@pytest.fixture
def table(db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Table]:
    """A caisse served in this process, and a workshop's table."""
    tmp_path.chmod(0o700)
    with served(make_world(KEYS, ManualClock(NOW))) as world:
        yield Table(world, tmp_path, capsys)


def test_a_box_becomes_cards_in_the_lists_order(table: Table) -> None:
    """Promise: one tap each; the table says which card is whose, and no spreadsheet computes it."""
    table.writes("account;label", *(f"{it.hex()};=1+{it[0]}" for it in ACCOUNTS))
    cards = table.cards()
    status, said = table.issues(*cards)
    assert status == 0
    assert all(table.buys(card) for card in cards)
    owners = dict(Card.objects.values_list("uid", "account__number"))
    assert owners == {uid_of(account[0]): account for account in ACCOUNTS}
    rows = (table.folder / "members-cards.csv").read_text("utf-8-sig").splitlines()
    first = f"{ACCOUNTS[0].hex()};'=1+1;{uid_of(1).hex().upper()};1;issued;"
    assert (rows[1], len(rows)) == (first, 1 + len(ACCOUNTS))
    assert (table.folder / "members-cards.pdf").read_bytes().startswith(b"%PDF")
    left = [path for path in table.folder.iterdir() if path.is_file() and path != table.list]
    assert all(path.stat().st_mode & 0o077 == 0 for path in left)
    assert said.count("\a") == len(ACCOUNTS)
    assert "\a" not in table.issues(more=["--quiet"])[1]


@pytest.mark.parametrize("verb", ["tear_before", "tear_after"])
def test_a_card_torn_anywhere_is_finished_by_laying_it_down_again(table: Table, verb: str) -> None:
    """Promise: whatever slips, the batch goes on with the same account and ends well."""
    moments = range(3, EXCHANGES + 1, 12)
    table.writes("account", *(it.hex() for it in ACCOUNTS))
    cards = table.cards()
    coming: list[Coming] = []
    for card, moment in zip(cards, moments, strict=True):
        coming += [lambda it=moment: getattr(table.world.field, verb)(it), card, card]  # type: ignore[misc]
    status, _ = table.issues(*coming)
    assert status == 0
    assert all(table.buys(card) for card in cards)
    assert set(table.states().values()) == {State.ISSUED}


class Dies(InProcess):
    """A line whose program is killed at a POST: before it leaves, or before its answer counts."""

    def __init__(self, at: int, *, delivered: bool) -> None:
        super().__init__()
        self._at, self._delivered = at, delivered

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Deliver, or die as a process does: with no word to anybody."""
        self._at -= 1
        if not self._at and not self._delivered:
            raise SystemExit
        reply = super().post(url, body, headers)
        if not self._at:
            raise SystemExit
        return reply


@pytest.mark.parametrize("delivered", [True, False])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_batch_that_died_goes_on(table: Table, at: int, delivered: bool) -> None:
    """Promise: after a death at any question to the service, the same command ends the box."""
    cards = table.cards()
    with pytest.raises(SystemExit):
        table.types(
            "issue",
            "--batch",
            str(table.list),
            cards=cards,
            line=Dies(at, delivered=delivered),
        )
    table.world.field.lift()
    status, _ = table.issues(*cards)
    assert status == 0
    assert all(table.buys(card) for card in cards)
    assert Card.objects.filter(status=CardStatus.ACTIVE).count() == len(ACCOUNTS)
    assert not Card.objects.filter(status=CardStatus.ISSUING).exists()


def test_what_is_no_blank_card_is_named_and_left(table: Table) -> None:
    """Promise: wrong chip, issued, foreign, phone, two at once: each is said, and none is lost."""
    good = table.cards()
    assert table.issues(good[0])[0] == NOT_DONE
    status, said = table.issues(
        good[0],
        phone(),
        bank_card(),
        ntag216(),
        mifare_classic_1k(),
        desfire_ev1(),
        desfire_of_others(),
        transit_card(),
        identity_card(),
        random_uid_desfire(),
        CardCollision("2 cards lie in the field"),
        CardForeign("no UID"),
        *good[1:],
    )
    assert status == 0
    for words in (
        "Cette carte est déjà faite.",
        "Un téléphone",
        "Une carte bancaire",
        "Une étiquette NFC",
        "MIFARE Classic",
        "EV1",
        "Deux cartes sont sur le lecteur",
    ):
        assert words in said
    assert set(table.states().values()) == {State.ISSUED}


def test_a_card_from_before_the_batch_is_left_as_it_is(table: Table) -> None:
    """Promise: a member's card that got into the box loses nothing."""
    (other,) = table.cards(1)
    table.world.field.place(other)
    account = Account.objects.create(number=bytes(range(100, 116)))
    table.world.cards.issue(table.world.laid(), table.world.client, account=account.number)
    table.world.field.lift()
    before = other.history
    status, said = table.issues(other)
    assert (status, other.history) == (NOT_DONE, before)
    assert "déjà émise" in said


def test_bad_lines_are_named_and_lose_nothing(table: Table) -> None:
    """Promise: each bad line says what is wrong with it, the others get their cards."""
    good, twin = ACCOUNTS[0].hex(), ACCOUNTS[0].hex().upper()
    stranger = "ab" * 16
    table.writes("Compte,repère", good, "abc,1", f"{twin},2", "", f"{stranger},3", f"{'00' * 16},")
    status, said = table.issues(*table.cards(3))
    assert status == 1
    assert "ligne 3 : un compte" in said
    assert "ligne 4 : le même compte qu’à la ligne 2" in said
    assert said.count("ne connaît pas ce compte") == 2
    rows = (table.folder / "members-cards.csv").read_text("utf-8-sig")
    assert rows.count(";refused;") == 2
    assert rows.count(";bad;") == 2
    Account.objects.create(number=bytes.fromhex(stranger))
    assert table.issues(*table.cards(4)[2:])[0] == 1
    assert Card.objects.filter(status=CardStatus.ACTIVE).count() == 2


@pytest.mark.parametrize("text", ["", "a;b\n1;2\n", "\xff\xfe", "account\n" + "x\n" * 6000])
def test_what_is_no_list_is_refused(table: Table, text: str) -> None:
    """Promise: a wrong file issues no card."""
    table.list.write_bytes(text.encode("latin-1"))
    status, _ = table.issues(*table.cards())
    assert (status, Card.objects.count()) == (3, 0)


def test_labels_stay_on_the_table(table: Table) -> None:
    """Promise: what the table calls a card is told to no service and stands in no book."""
    table.writes("account;label", f"{ACCOUNTS[0].hex()};Marthe")
    asked: list[bytes] = []

    class Listening(InProcess):
        def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
            asked.append(body)
            return super().post(url, body, headers)

    words = ("--batch", str(table.list))
    assert table.types("issue", *words, cards=table.cards(1), line=Listening())[0] == 0
    assert asked
    assert not any(b"Marthe" in body for body in asked)
    assert b"Marthe" not in (table.folder / "members.csv.cards").read_bytes()


class Away(InProcess):
    """A line that works for so many questions, and then no more."""

    def __init__(self, questions: int) -> None:
        super().__init__()
        self._left = questions

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Deliver, or raise ServerUnreachable."""
        if not self._left:
            raise ServerUnreachable("no network in this hall")
        self._left -= 1
        return super().post(url, body, headers)


def test_a_first_pass_needs_no_line_while_cards_are_made(table: Table) -> None:
    """Promise: keys are asked for at once; births are kept, and told when the line is back."""
    cards = table.cards()
    words = ("--batch", str(table.list), "--first-pass")
    line = Away(len(ACCOUNTS))
    status, said = table.types("issue", *words, cards=[*cards, *cards], line=line)
    assert status == NOT_DONE
    assert set(table.states().values()) == {State.BORN}
    assert said.count(" Faite ; ") == len(ACCOUNTS)
    assert not Card.objects.filter(status=CardStatus.ACTIVE).exists()
    assert table.issues()[0] == NOT_DONE
    assert Card.objects.filter(status=CardStatus.ACTIVE).count() == len(ACCOUNTS)
    assert not any(table.buys(card) for card in cards), "their credit is still to be written"
    assert table.issues(*cards)[0] == 0
    assert all(table.buys(card) for card in cards)


def test_a_batch_without_a_line_stops_at_once(table: Table) -> None:
    """Promise: where the service is away, no card is half made for nothing."""
    cards = table.cards()
    words = ("--batch", str(table.list))
    status, said = table.types("issue", *words, cards=cards, line=Away(0))
    assert (status, table.condition(cards[0])) == (6, Condition.BLANK)
    assert "injoignable" in said


def test_new_cards_have_the_newest_key_1(table: Table) -> None:
    """Promise: after key 1 has leaked, no new card is handed out that the thief can open."""
    cards = table.cards(1)
    table.writes("account", ACCOUNTS[0].hex())
    words = ("--batch", str(table.list))
    assert table.types("issue", *words, cards=cards, keys=NEWER)[0] == 0
    table.world.field.place(cards[0])
    assert PurseSession.open(table.world.laid(), till_keys(NEWER)).key_version == 2
    with pytest.raises(CardForeign):
        PurseSession.open(table.world.laid(), till_keys(KEYS.workshop))


def test_re_keying_says_how_many_are_left(table: Table) -> None:
    """Promise: after key 1 has leaked, every card in use is brought to the new one, and no more."""
    cards = table.cards()
    table.issues(*cards)
    block_card(table.world.caisse, Card.objects.get(uid=uid_of(5)))
    status, said = table.types("rekey", "--all", cards=[*cards[:2], phone()], keys=NEWER)
    assert (status, "2 cartes ont la nouvelle clé, il en reste 2" in said) == (NOT_DONE, True)
    status, said = table.types("rekey", "--all", cards=cards[1:], keys=NEWER)
    assert (status, "il en reste 0" in said) == (0, True)
    assert table.types("rekey", "--all", keys=NEWER)[0] == 0
    for card in cards[:4]:
        table.world.field.place(card)
        with pytest.raises(CardForeign):
            PurseSession.open(table.world.laid(), till_keys(KEYS.workshop))
        assert PurseSession.open(table.world.laid(), till_keys(NEWER)).key_version == 2
        table.world.field.lift()


def test_verify_reads_a_card_back(table: Table) -> None:
    """Promise: `card verify` holds a card to the layout and to the service, and changes nothing."""
    (card,) = table.cards(1)
    table.issues(card)
    before = card.history
    status, said = table.types("verify", cards=[card])
    assert (status, card.history) == (0, before)
    assert "comme il faut" in said
    assert "celle que le service a vérifiée" in said
    Card.objects.update(birth_tmv=bytes(8))
    status, said = table.types("verify", cards=[card])
    assert (status, "une autre émission" in said) == (4, True)
    table.world.field.place(card)
    purse = PurseSession.open(table.world.laid(), till_keys(KEYS.workshop))
    purse.spent_cents()
    purse.commit_reader_id(ReaderId(terminal=1, seq=1, token=bytes(8)))
    purse.commit()
    table.world.field.lift()
    assert "elle a payé depuis" in table.types("verify", cards=[card])[1]
    assert table.types("verify", cards=[phone()])[0] == 4


def test_a_card_in_use_is_not_wiped(table: Table) -> None:
    """Promise: nobody's credit is wiped away; a blocked or half-made card comes back blank."""
    card, torn, *_ = table.cards()
    table.issues(card)
    words = ("--account", ACCOUNTS[0].hex(), "--force")
    status, _ = table.types("wipe", *words, cards=[card])
    assert (status, table.condition(card)) == (4, Condition.ISSUED)
    block_card(table.world.caisse, Card.objects.get(uid=uid_of(1)))
    assert table.types("wipe", *words, cards=[card])[0] == 0
    assert table.condition(card) is Condition.BLANK
    table.issues(lambda: table.world.field.tear_after(36), torn)
    assert table.condition(torn) is Condition.TORN
    words = ("--account", ACCOUNTS[1].hex(), "--force")
    assert table.types("wipe", *words, cards=[torn])[0] == 0
    assert table.condition(torn) is Condition.BLANK


def test_a_card_lost_on_a_saturday_has_a_successor_on_monday(table: Table) -> None:
    """Promise: the lost card is refused, and its account's new card buys the months to come."""
    lost, new, *_ = table.cards()
    words = ("--account", ACCOUNTS[0].hex())
    assert table.types("issue", *words, cards=[lost])[0] == 0
    block_card(table.world.caisse, Card.objects.get(uid=lost.uid))
    assert table.types("issue", *words, cards=[new])[0] == 0
    assert Card.objects.get(uid=lost.uid).status == CardStatus.BLOCKED
    assert Card.objects.get(uid=new.uid).status == CardStatus.ACTIVE
    others = ("--account", ACCOUNTS[1].hex())
    assert table.types("issue", *others, cards=[lost])[0] == 6, "it never changes its member"
    assert table.types("reissue", *words, "--force", cards=[lost])[0] == 0
    assert [it.status for it in Card.objects.filter(uid=lost.uid)] == [
        CardStatus.BLOCKED,
        CardStatus.ACTIVE,
    ]


def test_a_book_says_no_key_and_survives_its_own_list(table: Table) -> None:
    """Promise: who leaves the list is not made a card; who comes to it is."""
    cards = table.cards()
    table.issues(cards[0])
    kept = [ACCOUNTS[0], ACCOUNTS[3]]
    table.writes("account", *(it.hex() for it in kept))
    assert table.issues(*cards[1:])[0] == 0
    owners = set(Card.objects.values_list("account__number", flat=True))
    assert owners == set(kept)
    assert [row.account for row in read_members(table.list).rows] == kept


def test_every_notice_is_said_of_some_card() -> None:
    """Promise: words that no card can bring about are not kept."""
    source = Path(cli.__file__).with_name("batch.py").read_text("utf-8")
    assert all(f"Notice.{name}" in source for name in Notice.__members__)
