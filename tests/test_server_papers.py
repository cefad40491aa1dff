"""Papers: sums that are written out, bordereaux that add up, PDFs that stay the same."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from cardkit.errors import PaperFailed
from server_stub.commands.bank import PAPERS
from server_stub.console.words import REASONS
from server_stub.exports import french
from server_stub.exports.bordereau import TEMPLATE, bordereau_csv, bordereau_data
from server_stub.exports.paper import paper
from server_stub.exports.papers import Letterhead, PaperForm, paper_of, papers_of
from server_stub.exports.payout import Payee, Payout
from server_stub.exports.runs import Exported, NotExported
from server_stub.exports.sheet import sheet
from server_stub.models import Merchant, PaperSlip, SettlementDraft, SettlementFile, SettlementPaper
from server_stub.rules.facts import State
from server_stub.rules.paper import WAS_SELLING
from server_stub.rules.settle import Refusal
from server_stub.rules.statement import DayRow, KeptRow, PayeeStatement, RunStatement
from server_stub.services import paper as paper_slips
from server_stub.services import settlement
from server_stub.services.deciding import Done
from server_stub.services.statements import statement_of
from tests.payout_world import ANNE, BOOKS, BRUNO, IBANS, PayoutWorld, open_accounts
from tests.service_world import MERCHANT

APPROVED = datetime(2026, 10, 31, 17, 30, tzinfo=UTC)
HEAD = Letterhead(debtor_name="CCAS de Flers", reasons=REASONS, own=None)


def day_row(number: int, **changes: int) -> DayRow:
    """One day at terminal 3, of which two cents were late."""
    row = {"sales": 2, "sold_cents": 19_50, "refunds": 0, "refunded_cents": 0, "corrected_cents": 0}
    on = date(2026, 10, 1) + timedelta(days=number)
    return DayRow(day=on, terminal=3, is_late=False, **row | changes)


def payout(name: str = "Ferme des Trois Chênes", *, days: int = 3, payees: int = 1) -> Payout:
    """A run that is paid, out of the air."""
    rows = tuple(day_row(number) for number in range(days))
    kept = KeptRow(
        day=date(2026, 10, 2),
        terminal=3,
        state=State.HELD,
        reason="documents_unknown",
        sales=1,
        amount_cents=5_00,
    )
    parts = [
        PayeeStatement(
            merchant=number,
            name=name,
            amount_cents=19_50 * days,
            carried_cents=0,
            carried_runs=(),
            days=rows,
            kept=(kept,),
        )
        for number in range(1, payees + 1)
    ]
    lines = tuple(
        Payee(
            merchant=part.merchant,
            name=part.name,
            holder="Anne L.",
            iban=IBANS[MERCHANT],
            amount_cents=part.amount_cents,
            end_to_end_id=f"R1-0001-M{part.merchant}",
        )
        for part in parts
    )
    statement = RunStatement(
        settlement="R1-0001",
        counted_at=APPROVED,
        counted_since=None,
        payees=tuple(parts),
        rules=("Crédit par mois : 100,00 €",),
    )
    return Payout(settlement="R1-0001", approved_at=APPROVED, payees=lines, statement=statement)


def pdf(run: Payout, own: Path | None = None) -> bytes:
    """The first creditor's bordereau."""
    data = bordereau_data(run, 1, debtor_name="CCAS de Flers", reasons=REASONS)
    return paper(TEMPLATE, data, at=run.approved_at, own=own)


# Sums


@pytest.mark.parametrize(
    ("cents", "words"),
    [
        (0, "zéro euro"),
        (1, "un centime"),
        (80, "quatre-vingts centimes"),
        (1_00, "un euro"),
        (1_01, "un euro et un centime"),
        (71_99, "soixante et onze euros et quatre-vingt-dix-neuf centimes"),
        (80_00, "quatre-vingts euros"),
        (81_00, "quatre-vingt-un euros"),
        (200_00, "deux cents euros"),
        (201_17, "deux cent un euros et dix-sept centimes"),
        (80_000_00, "quatre-vingt mille euros"),
        (1_000_000_00, "un million d’euros"),
        (1_000_001_00, "un million un euros"),
        (2_000_000_50, "deux millions d’euros et cinquante centimes"),
    ],
)
def test_a_sum_is_written_out(cents: int, words: str) -> None:
    """Promise: what closes an account reads as a French accountant writes it."""
    assert french.euros_in_words(cents) == words


def test_amounts_and_accounts_as_the_french_write_them() -> None:
    """Promise: thousands, a real minus, and an account in fours; nothing breaks a line."""
    assert french.euros(-1_234_567_05) == "\u22121\u202f234\u202f567,05\u00a0€"
    assert french.account("FR7630006000011234567890189") == "FR76 3000 6000 0112 3456 7890 189"
    assert french.minute(APPROVED) == "31/10/2026 à 18\u00a0h\u00a030"


@pytest.mark.parametrize("cell", ["=1+1", "-2+3", "+33612345678", "-1,2,3", "@SUM(A1)"])
def test_a_negative_amount_is_a_number_and_a_formula_is_not(cell: str) -> None:
    """Promise: a spreadsheet adds up refunds, and computes nothing that somebody typed."""
    assert sheet([["-12,50", cell]]).decode("utf-8-sig") == f"-12,50;'{cell}\r\n"


# PDFs


def test_the_same_paper_is_the_same_bytes() -> None:
    """Promise: a paper can be made again and compared; another day is another paper."""
    assert pdf(payout()) == pdf(payout())
    assert pdf(payout()) != pdf(payout(days=4))


def test_a_paper_can_be_archived_and_read_aloud() -> None:
    """Promise: PDF/A-2a and PDF/UA-1, in French, as ten years and a screen reader need it."""
    content = pdf(payout())
    assert content.startswith(b"%PDF-1.7")
    assert b"<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in content
    assert b"<pdfuaid:part>1</pdfuaid:part>" in content
    assert b"/Lang(fr-FR)" in content


@pytest.mark.parametrize(
    "name",
    ['#panic("x")', '"); #panic("x")', "#", "*_`$", "]", "\\", '#read("/etc/passwd")', "€œ’"],
)
def test_no_name_is_a_command(name: str) -> None:
    """Promise: a stall may be called anything: what it is called is printed, and never run."""
    assert pdf(payout(name)).startswith(b"%PDF")


def test_many_creditors_and_many_days(tmp_path: Path) -> None:
    """Promise: no run is too small or too large for its papers."""
    for days, payees in ((1, 1), (31, 15), (120, 60)):
        run = payout(days=days, payees=payees)
        assert len(pdf(run)) > 10_000


def test_a_template_of_the_caisse_wins(tmp_path: Path) -> None:
    """Promise: a coordinator changes what a paper says by a file, and nothing else by it."""
    (tmp_path / "bordereau.typ").write_text(
        '#import "common.typ": data\n#set document(title: "x")\n#data.amount-in-words', "utf-8"
    )
    assert pdf(payout(), tmp_path) != pdf(payout())
    assert pdf(payout(), tmp_path / "none") == pdf(payout())


@pytest.mark.parametrize(
    "text", ["#unknown", "#data.nothing", '#read("/etc/hostname")', '#read("../../etc/hostname")']
)
def test_a_wrong_template_is_said_so(tmp_path: Path, text: str) -> None:
    """Promise: a template that is wrong, or looks beyond its folder, makes no paper."""
    (tmp_path / "bordereau.typ").write_text(f'#set document(title: "x")\n{text}', "utf-8")
    with pytest.raises(PaperFailed, match=r"bordereau\.typ"):
        pdf(payout(), tmp_path)


def test_commands_and_papers_have_the_same_names() -> None:
    """What a person may ask for by a command is what there is."""
    assert tuple(form.value for form in PaperForm) == PAPERS


# Of real runs


@pytest.fixture
def paying(kept: sqlite3.Connection, django_db_blocker: DjangoDbBlocker) -> Iterator[PayoutWorld]:
    """A caisse that owes 19.50 to one merchant and 3.20 to another, with their accounts."""
    with django_db_blocker.unblock():
        paying = PayoutWorld.make(kept)
        open_accounts(paying.world)
        paying.trade(12_50, 3_20, 7_00)
        yield paying


def approved(paying: PayoutWorld) -> str:
    """Approve a run."""
    name = paying.draw_up()
    paying.approve(name)
    return name


def part(paying: PayoutWorld, name: str) -> PayeeStatement:
    """What a run says of the first merchant."""
    statement = statement_of(paying.world.caisse, name)
    assert statement is not None
    found = statement.of(MERCHANT)
    assert found is not None
    return found


def made(paying: PayoutWorld, name: str, form: PaperForm, merchant: int | None = None) -> bytes:
    """One paper."""
    done = paper_of(paying.world.caisse, name, form, HEAD, by=ANNE, merchant=merchant)
    assert isinstance(done, Exported), done
    return done.content


def test_a_run_says_which_sales_it_pays(paying: PayoutWorld) -> None:
    """Promise 1: each creditor reads which days and terminals the sum is made of."""
    stall = paying.stalls[0]
    stall.refund(paying.card, stall.sell(paying.card, 4_00), 1_50)
    stall.sync()
    found = part(paying, approved(paying))
    (day,) = found.days
    assert (day.day, day.terminal, day.is_late) == (date(2026, 10, 1), stall.terminal, False)
    assert (day.sales, day.sold_cents, day.refunds, day.refunded_cents) == (3, 23_50, 1, -1_50)
    assert (found.carried_cents, found.amount_cents) == (0, 22_00)


def test_what_was_sold_before_and_came_after_is_marked(paying: PayoutWorld) -> None:
    """Promise 1: a late sale is in the next run, under the day it was made on."""
    stall = paying.stalls[0]
    paying.sell(1_00)
    paying.world.clock.pass_time(timedelta(days=1))
    paying.send(approved(paying))
    paying.sell(2_00)
    stall.sync()
    late, fresh = part(paying, approved(paying)).days
    assert (late.day, late.sold_cents, late.is_late) == (date(2026, 10, 1), 1_00, True)
    assert (fresh.day, fresh.sold_cents, fresh.is_late) == (date(2026, 10, 2), 2_00, False)


def test_a_revoked_run_is_told_again_in_full(paying: PayoutWorld) -> None:
    """Promise 1: what a revoked run would have paid stands in the next one, day by day."""
    settlement.revoke(paying.world.caisse, approved(paying), by=ANNE)
    found = part(paying, approved(paying))
    assert (found.carried_cents, found.amount_cents) == (0, 19_50)
    assert sum(row.sales for row in found.days) == 2


def test_a_run_that_is_revoked_late_is_carried_by_name(paying: PayoutWorld) -> None:
    """Promise 1: of two open runs the older one may be revoked: the third one names it."""
    first = approved(paying)
    paying.trade(5_00)
    second = approved(paying)
    settlement.revoke(paying.world.caisse, first, by=ANNE)
    paying.trade(1_00)
    assert part(paying, second).amount_cents == 5_00
    third = part(paying, approved(paying))
    assert (third.amount_cents, third.carried_cents, third.carried_runs) == (20_50, 19_50, (first,))


def test_a_debt_from_before_is_carried(paying: PayoutWorld) -> None:
    """Promise 1: a refund after payment lessens the next run, and the paper says by how much."""
    stall = paying.stalls[0]
    paying.send(approved(paying))
    sale = next(entry.seq for entry in stall.entries if entry.envelope.kind == 20)
    stall.refund(paying.card, sale, 12_50)
    stall.sync()
    paying.trade(1_00, 2_00)
    name = approved(paying)
    statement = statement_of(paying.world.caisse, name)
    assert statement is not None
    assert [one.merchant for one in statement.payees] == [MERCHANT + 1]
    paying.trade(20_00)
    found = part(paying, approved(paying))
    assert (found.amount_cents, found.carried_cents) == (8_50, -11_50)


def test_a_slip_of_paper_stands_there_as_one(paying: PayoutWorld) -> None:
    """Promise 8: a sale that no terminal made, and two people pay, says that it is of paper."""
    caisse = paying.world.caisse
    paper_slips.hand_out(caisse, 4, merchant=MERCHANT, first_slip=1, last_slip=50, by=ANNE)
    paying.world.clock.pass_time(timedelta(days=1))
    slip = paper_slips.enter(
        caisse,
        4,
        1,
        day=paying.world.now.date(),
        card_number=paying.card.uid.hex(),
        amount_cents=6_00,
        is_initialled=True,
        by=ANNE,
    )
    assert isinstance(slip, PaperSlip), slip
    done = paper_slips.confirm(caisse, 4, 1, amount_cents=6_00, doubts=WAS_SELLING, by=BRUNO)
    assert isinstance(done, Done), done
    name = approved(paying)
    paying.send(name)
    found = part(paying, name)
    assert [(row.terminal, row.sold_cents) for row in found.days] == [(3, 19_50), (0, 6_00)]
    text = made(paying, name, PaperForm.BORDEREAU, MERCHANT).decode()
    assert "2026-10-02;papier;1;6,00" in text


def test_a_draft_that_was_touched_has_no_reasons(paying: PayoutWorld) -> None:
    """Promise 2: a draft whose amounts the books do not come to is refused."""
    name = paying.draw_up()
    drafts = SettlementDraft.objects.using(BOOKS)
    drafts.update(up_to_posting=0)
    refused = settlement.approve(paying.world.caisse, name, by=BRUNO)
    assert refused is Refusal.DRAFT_CHANGED


def test_papers_name_no_member_no_card_and_no_counter(paying: PayoutWorld) -> None:
    """Promise 7: what a creditor and a trésorier are given tells nothing of any member."""
    name = approved(paying)
    paying.send(name)
    (uid,) = paying.world.cards
    text = b"".join(
        made(paying, name, form, merchant)
        for form, merchant in papers_of(paying.world.caisse, name)
        if not form.value.endswith("pdf")
    ).decode()
    statement = statement_of(paying.world.caisse, name)
    assert statement is not None
    text += json.dumps(statement.as_json())
    for secret in (uid.hex(), (1).to_bytes(16).hex(), "tmc", "account"):
        assert secret not in text.lower()
    assert "Crédit par mois" in text


def test_a_bordereau_adds_up_in_a_spreadsheet(paying: PayoutWorld) -> None:
    """Promise: the rows of a bordereau's CSV come to its total, which is what is paid."""
    name = approved(paying)
    paying.send(name)
    content = made(paying, name, PaperForm.BORDEREAU, MERCHANT)
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    days = [row for row in rows if row and row[0].startswith("2026-")]
    total = next(row for row in rows if row and row[0].startswith("Total"))
    assert sum(float(row[7].replace(",", ".")) for row in days) == 19.5
    assert (total[2], total[7]) == ("2", "19,50")
    assert ["En toutes lettres", "dix-neuf euros et cinquante centimes"] in rows


def test_a_paper_that_left_stays_as_it_left(paying: PayoutWorld) -> None:
    """Promise: under its name a paper never says anything else, whatever changes later."""
    caisse, name = paying.world.caisse, approved(paying)
    paying.send(name)
    papers = {
        (form, merchant): made(paying, name, form, merchant)
        for form, merchant in papers_of(caisse, name)
    }
    assert len(papers) == 6
    assert SettlementFile.objects.using(BOOKS).count() == 6
    Merchant.objects.using(BOOKS).update(name="Un autre nom")
    paying.world.clock.pass_time(timedelta(days=40))
    paying.trade(3_00, 4_00)
    for (form, merchant), content in papers.items():
        assert made(paying, name, form, merchant) == content
    assert SettlementPaper.objects.using(BOOKS).count() == 6


def test_a_paper_made_again_is_what_was_approved(paying: PayoutWorld) -> None:
    """Promise: even a paper of which nobody kept a copy says what the second person approved."""
    name = approved(paying)
    paying.send(name)
    Merchant.objects.using(BOOKS).update(name="Un autre nom")
    text = made(paying, name, PaperForm.BORDEREAU, MERCHANT).decode()
    assert f"Ferme {MERCHANT}" in text
    assert "Un autre nom" not in text


def test_no_paper_before_money_leaves_and_none_for_strangers(paying: PayoutWorld) -> None:
    """Promise: a trésorier gets no paper of a run that no backup holds, nor of a revoked one."""
    caisse, name = paying.world.caisse, approved(paying)
    form = PaperForm.BORDEREAU
    early = paper_of(caisse, name, form, HEAD, by=ANNE, merchant=MERCHANT)
    assert early is NotExported.NOT_SENT
    paying.send(name)
    stranger = paper_of(caisse, name, form, HEAD, by=ANNE, merchant=99)
    assert stranger is NotExported.NOT_A_PAYEE
    made(paying, name, form, MERCHANT)
    settlement.revoke(caisse, name, by=ANNE)
    assert paper_of(caisse, name, form, HEAD, by=ANNE, merchant=MERCHANT) is NotExported.REVOKED
    assert papers_of(caisse, "R1-0099") == []


def test_a_bordereau_of_a_card_is_read_by_a_person() -> None:
    """Promise 8: each sale that is not paid yet stands there with its reason in words."""
    text = bordereau_csv(payout(), 1, debtor_name="CCAS", reasons=REASONS).decode("utf-8-sig")
    assert "retenue;documents inconnus;5,00" in text
