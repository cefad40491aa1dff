"""What a caisse has on its tables besides: a bank statement, letters, paper slips."""

from __future__ import annotations

from cardkit.clock import business_date
from server_stub.models import LetterKind, Merchant, PaperSlip
from server_stub.services import bank_statements, details, letters, paper
from server_stub.services.caisse import Caisse
from server_stub.services.details import NotKept
from server_stub.services.letters import NotPrinted
from tests.bank_world import ANNE, BANK, PROFILE
from tests.letter_world import CONTACT

CARNET = 12
SLIP = 151


def furnish(caisse: Caisse, *, label: str) -> None:
    """Put one of each there; `label` is what the bank writes beside a payment."""
    today = business_date(caisse.now())
    assert bank_statements.save_profile(caisse, BANK, PROFILE, by=ANNE) is None
    rows = (
        "Compte : FR76 3000 1007 9412 3456 7890 185",
        "Date;Libellé;Montant;Solde",
        f"{today:%d/%m/%Y};{label};30,00;1030,00",
    )
    assert bank_statements.keep(caisse, BANK, "\n".join(rows).encode(), by=ANNE) == 1
    kept = details.keep_details(caisse, CONTACT, iban=PROFILE.account, by=ANNE)
    assert not isinstance(kept, NotKept), kept
    for kind in LetterKind:
        letters.prepare(caisse, kind, by=ANNE)
    printed = (letters.print_now(caisse, kind, by=ANNE) for kind in LetterKind)
    assert any(not isinstance(it, NotPrinted) for it in printed), "one kind has left, others wait"
    first = Merchant.objects.using(caisse.using).order_by("id")[0].pk
    paper.hand_out(caisse, CARNET, merchant=first, first_slip=SLIP, last_slip=200, by=ANNE)
    slip = paper.enter(
        caisse,
        CARNET,
        SLIP,
        day=today,
        card_number="",
        amount_cents=12_00,
        is_initialled=True,
        by=ANNE,
    )
    assert isinstance(slip, PaperSlip)
