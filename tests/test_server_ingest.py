"""Entries come in: what is paid is what a card has proven, exactly once, in whatever order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit import bodies, cbor
from cardkit.entries import sign_entry
from cardkit.signing import ContentType
from server_stub.models import Claim, Finding, StoredEntry, Terminal, TerminalStatus
from server_stub.rules.ledger import Book
from server_stub.services.ingest import ingest
from server_stub.services.rebuild import picture
from tests.service_books import in_book, open_findings, payable_cents, state_of
from tests.service_world import ServiceWorld, Stall, forged

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> ServiceWorld:
    """A caisse with rules and one merchant."""
    return ServiceWorld.make()


# What is paid


def test_a_green_sale_is_owed(world: ServiceWorld) -> None:
    """Promise 1: a sale of a genuine card is paid, to the cent, and nothing is odd about it."""
    card, stall = world.card(), world.stall()
    stall.sell(card, 12_50)
    stall.sell(card, 7_00)
    answer = stall.sync()
    assert payable_cents(world) == 19_50
    assert answer.up_to_seq == len(stall.entries)
    assert answer.accounts[0].payable_cents == 19_50
    assert open_findings() == set()


def test_forged_amount_is_stored_held_and_never_owed(world: ServiceWorld) -> None:
    """Promise 2: an amount raised and signed anew by the real key is kept, held, never owed.

    Red when the TMV is not checked.
    """
    card, stall = world.card(), world.stall()
    stall.sell(card, 12_50)
    *before, intent, sale = stall.entries
    raised = forged(stall, intent, amount_cents=99_00)
    raised_sale = forged(stall, sale, amount_cents=99_00)
    stall.sync([entry.signed.encoded for entry in (*before, raised, raised_sale)])
    assert StoredEntry.objects.filter(digest=raised.digest).exists()
    assert payable_cents(world) == 0
    assert in_book(world, Book.HELD) == 0, "what no card proved is in no book"
    assert state_of(raised.digest) == ("held", "not_genuine")
    assert open_findings() == {"not_genuine", "chain_broken"}


def test_amount_is_that_of_the_rebuilt_tmi(world: ServiceWorld) -> None:
    """Promise 2: a sale entry that says more than the card proved is paid as the card proved.

    Red when the amount is taken from the record and not from the rebuilt TMI.
    """
    card, stall = world.card(), world.stall()
    stall.sell(card, 12_50)
    *before, sale = stall.entries
    raised = forged(stall, sale, amount_cents=99_00)
    stall.sync([entry.signed.encoded for entry in (*before, raised)])
    assert payable_cents(world) == 12_50
    assert open_findings() == {"amount_differs"}


def test_junk_claim_does_not_block_the_honest_one(world: ServiceWorld) -> None:
    """Promise 1: whoever claims a card's transaction first gains nothing and blocks nobody.

    Red when (card, TMC) is unique among claims and not among proofs.
    """
    card, rogue, honest = world.card(), world.stall(3), world.stall(4)
    honest.sell(card, 12_50)
    intent, sale = honest.entries[-2:]
    junk = rogue.append(_restored(intent.body))
    rogue.append(replace(_sale(sale.body), intent_seq=junk.seq, tmv=b"\x01" * 8))
    rogue.sync()
    assert payable_cents(world) == 0
    honest.sync()
    assert payable_cents(world) == 12_50
    assert state_of(junk.digest) == ("held", "not_genuine")
    assert state_of(intent.digest) == ("payable", "")


def test_stolen_proof_pays_nobody_else(world: ServiceWorld) -> None:
    """Promise 2: another terminal's whole record, proof included, signed anew, is not paid."""
    card, honest, rogue = world.card(), world.stall(3), world.stall(4)
    honest.sell(card, 12_50)
    intent, sale = honest.entries[-2:]
    stolen = rogue.append(_restored(intent.body))
    rogue.append(replace(_sale(sale.body), intent_seq=stolen.seq))
    rogue.sync()
    honest.sync()
    assert payable_cents(world) == 12_50
    assert state_of(stolen.digest) == ("held", "not_genuine")


def test_one_transaction_under_two_entries_is_paid_once(world: ServiceWorld) -> None:
    """Promise 1: a cloned journal that signs the same sale twice is paid once."""
    card, stall = world.card(), world.stall()
    seq = stall.sell(card, 12_50)
    intent, sale = stall.entries[-2:]
    twin = stall.sign(_restored(intent.body), seq=seq, prev=bytes(32))
    twin_sale = stall.sign(_sale(sale.body), seq=seq + 1, prev=twin.digest)
    stall.sync([*stall.unsent, twin.signed.encoded, twin_sale.signed.encoded])
    assert payable_cents(world) == 12_50
    assert "seq_fork" in open_findings()


def test_sale_beyond_the_documents_is_held(world: ServiceWorld) -> None:
    """Promise 2: a proven sale above what the terminal's own documents allowed waits for a person.

    The money is in the books, with its reason, and the card's spending is conserved.
    """
    card, stall = world.card(), world.stall()
    stall.sell(card, 120_00)
    stall.sync()
    assert payable_cents(world) == 0
    assert in_book(world, Book.HELD) == 120_00
    assert in_book(world, Book.SPENT, 0) == -120_00
    assert open_findings() == {"held"}


def test_unknown_documents_hold(world: ServiceWorld) -> None:
    """Promise 2: an intent that names documents nobody signed is not paid by itself."""
    card, stall = world.card(), world.stall()
    stall.permit_digest = b"\x05" * 32
    stall.sell(card, 5_00)
    stall.sync()
    assert in_book(world, Book.HELD) == 5_00
    assert state_of(stall.entries[-2].digest) == ("held", "documents_unknown")


def test_wrong_token_is_a_finding_and_no_hold(world: ServiceWorld) -> None:
    """Promise 1: the card's proof and the terminal's signature pay; its token only attributes."""
    card, stall = world.card(), world.stall()
    stall.token_key = b"\x09" * 32
    stall.sell(card, 5_00)
    stall.sync()
    assert payable_cents(world) == 5_00
    assert open_findings() == {"token_wrong"}


def test_wrongly_noted_answer_is_recomputed(world: ServiceWorld) -> None:
    """Promise 1: EncTMRI is the card's word, which the service knows itself."""
    card, stall = world.card(), world.stall()
    stall.sell(card, 5_00)
    *before, intent, sale = stall.entries
    odd = forged(stall, intent, enc_tmri=bytes(16))
    stall.sync([entry.signed.encoded for entry in (*before, odd, sale)])
    assert payable_cents(world) == 5_00
    assert "enc_tmri_wrong" in open_findings()


def test_gap_on_a_card_never_holds_an_honest_sale(world: ServiceWorld) -> None:
    """Promise 1: another stall's missing journal is no reason not to pay this one."""
    card, silent, honest = world.card(), world.stall(3), world.stall(4)
    silent.sell(card, 8_00)
    honest.sell(card, 5_00)
    honest.sync()
    assert payable_cents(world) == 5_00
    assert in_book(world, Book.WAITING, 0) == 8_00
    assert open_findings() == {"gap"}
    silent.sync()
    assert payable_cents(world) == 13_00
    assert in_book(world, Book.WAITING, 0) == 0
    assert open_findings() == set(), "what is explained closes by itself"


# Chain, strangers, repeats


def test_chain_hash_is_checked(world: ServiceWorld) -> None:
    """Promise 6: an entry that does not name its predecessor's hash is kept, not acknowledged."""
    card, stall = world.card(), world.stall()
    stall.sell(card, 5_00)
    odd = stall.sign(bodies.Stopped(), seq=len(stall.entries) + 1, prev=bytes(32))
    answer = stall.sync([*stall.unsent, odd.signed.encoded])
    assert answer.up_to_seq == len(stall.entries)
    assert answer.head == stall.head
    assert open_findings() == {"chain_broken"}


def test_forged_twin_that_came_first_does_not_stop_the_chain(world: ServiceWorld) -> None:
    """Promise 1: what follows the honest entry is acknowledged, whatever else bears its number."""
    card, stall = world.card(), world.stall()
    stall.sell(card, 12_50)
    twin = forged(stall, stall.entries[1], amount_cents=99_00)
    stall.sync([stall.entries[0].signed.encoded, twin.signed.encoded])
    answer = stall.sync([entry.signed.encoded for entry in stall.entries])
    assert answer.up_to_seq == len(stall.entries)
    assert payable_cents(world) == 12_50
    assert "chain_broken" not in open_findings()


def test_missing_entries_are_named_and_close(world: ServiceWorld) -> None:
    """Promise 6: which entries are missing is known, and known no more once they are here."""
    card, stall = world.card(), world.stall()
    for _ in range(3):
        stall.sell(card, 1_00)
    entries = stall.unsent
    answer = stall.sync([entries[0], *entries[3:]])
    assert answer.up_to_seq == 1
    facts = Finding.objects.get(kind="entries_missing", closed_at=None).facts
    assert facts == {"first_seq": 2, "last_seq": 3}
    assert stall.sync().up_to_seq == len(stall.entries)
    assert open_findings() == set()


def test_unknown_kinds_and_fields_are_kept_and_chain(world: ServiceWorld) -> None:
    """Promise 6: what a newer terminal says is stored word for word and stops nothing."""
    stall = world.stall()
    payload = cbor.decode(stall.sign(bodies.Stopped(), seq=2, prev=stall.head).signed.payload)
    assert isinstance(payload, dict)
    strange = stall.key.sign(ContentType.ENTRY, payload | {2: 999, 25: b"new"})
    first = stall.entries[0].signed.encoded
    answer = stall.sync([first, strange.encoded])
    assert (answer.up_to_seq, answer.head) == (2, strange.digest)
    row = StoredEntry.objects.get(digest=strange.digest)
    assert (row.content, row.readable) == (strange.encoded, False)


def test_signed_but_unreadable_is_kept(world: ServiceWorld) -> None:
    """Promise 6: what a terminal has signed is never thrown away, even when it says nothing."""
    stall = world.stall()
    strange = stall.key.sign(ContentType.ENTRY, {1: "nonsense"})
    stall.sync([strange.encoded])
    finding = Finding.objects.get(kind="unreadable")
    assert finding.facts == {"content": strange.encoded.hex()}


def test_training_is_never_money(world: ServiceWorld) -> None:
    """Promise 2: what a terminal did in training is stored, chained and not posted."""
    card, stall = world.card(), world.stall()
    stall.sell(card, 5_00)
    first, *sale = stall.entries
    stall.entries, stall.head = [first], first.digest
    for entry in sale:
        assert entry.body is not None
        envelope = replace(entry.envelope, training=True, prev=stall.head)
        stall.entries.append(sign_entry(stall.key, envelope, entry.body))
        stall.head = stall.entries[-1].digest
    assert stall.sync().up_to_seq == 3
    assert payable_cents(world) == 0
    assert not Claim.objects.exists()


def test_what_nobody_signed_is_not_a_fact(world: ServiceWorld) -> None:
    """Promise 2: an entry of another terminal's key, or of none, is not stored."""
    card, stall, other = world.card(), world.stall(3), world.stall(4)
    other.sell(card, 5_00)
    last = other.entries[-1]
    assert last.body is not None
    under_its_name = sign_entry(other.key, replace(last.envelope, terminal=3), last.body)
    sent = [*other.entries, under_its_name]
    stall.sync([entry.signed.encoded for entry in sent] + [b"\x00garbage"])
    assert not StoredEntry.objects.filter(terminal_id=3).exists()


def test_revoked_terminal_may_still_tell(world: ServiceWorld) -> None:
    """Promise 1: facts are never refused; new documents are."""
    card, stall = world.card(), world.stall()
    stall.sell(card, 5_00)
    Terminal.objects.filter(id=3).update(status=TerminalStatus.REVOKED)
    world.card()
    answer = stall.sync()
    assert payable_cents(world) == 5_00
    assert answer.up_to_seq == len(stall.entries)
    assert (answer.directory, answer.permit) == (None, None)
    assert open_findings() == {"terminal_not_active"}


def test_any_order_and_repetition_gives_the_same_books(world: ServiceWorld) -> None:
    """Promise 1: replays, duplicates, reordered and overlapping batches end in the same books."""
    stalls = _market_day(world)
    sent = [(stall.terminal, entry.signed.encoded) for stall in stalls for entry in stall.entries]
    reference = _books_of(world, [sent])
    assert any("payable" in where for where in reference)
    assert any("returned" in where for where in reference)

    @settings(max_examples=12)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        order = data.draw(st.permutations(sent))
        again = data.draw(st.lists(st.sampled_from(sent), max_size=10))
        size = data.draw(st.integers(1, len(sent)))
        deliveries = [order[at : at + size] for at in range(0, len(order), size)]
        assert _books_of(world, [*deliveries, again]) == reference

    check()


# Helpers


def _market_day(world: ServiceWorld) -> list[Stall]:
    """Two stalls, two cards: sales, a tear, a refund, a forgery, evidence; nothing sent."""
    one, two = world.card(), world.card()
    first, second = world.stall(3), world.stall(4)
    sold = first.sell(one, 12_50)
    torn = first.tear(one, 3_00, executed=True)
    second.sell(one, 4_00)
    second.sell(two, 20_00)
    first.refund(one, sold, 2_50)
    first.append(bodies.Indeterminate(intent_seq=torn, reason=bodies.DoubtReason.DAY_CLOSED))
    second.tear(two, 6_00, executed=False)
    first.sell(two, 7_00)
    second.inspect(one)
    second.entries.append(forged(second, second.entries[2], amount_cents=50_00))
    return [first, second]


def _books_of(world: ServiceWorld, deliveries: list[list[tuple[int, bytes]]]) -> dict[str, str]:
    """Deliver, look at the books, and forget it all.

    Credit is left out: how many versions it took to give money back depends on what came when.
    """
    with transaction.atomic():
        for delivery in deliveries:
            for terminal in (3, 4):
                entries = [data for number, data in delivery if number == terminal]
                if entries:
                    ingest(world.caisse, terminal, entries)
        books = picture(world.caisse.using)
        transaction.set_rollback(True)
    return {
        where: what
        for where, what in books.items()
        if "credit" not in where and not where.startswith("allowance")
    }


def _restored(body: bodies.Body | None) -> bodies.Intent:
    assert isinstance(body, bodies.Intent)
    return body


def _sale(body: bodies.Body | None) -> bodies.Sale:
    assert isinstance(body, bodies.Sale)
    return body
