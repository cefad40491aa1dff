"""A run as a payment file for a bank: ISO 20022 customer credit transfer initiation.

The same run on the same day is the same file, byte for byte: what the library draws at random
(message and batch) is named after the run, and the time is that of its approval. So a file that
was sent can be made again and compared, and never says something else under the same name.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum, unique
from typing import Final
from xml.etree import ElementTree as ET

from sepaxml import SepaTransfer
from sepaxml.validation import try_valid_xml

from server_stub.exports.payout import Debtor, Payout

_NAME_CHARACTERS: Final = 70
_REMITTANCE: Final = "Caisse de l'alimentation {settlement}"
_HEAD: Final = b'<?xml version="1.0" encoding="UTF-8"?>'


@unique
class PainVersion(StrEnum):
    """The versions that French banks take."""

    V03 = "pain.001.001.03"
    V09 = "pain.001.001.09"


def payment_file(
    payout: Payout, debtor: Debtor, *, execution_date: date, version: PainVersion
) -> bytes:
    """Return the file, valid against its schema; text is reduced to the SEPA characters."""
    config = {"name": debtor.name[:_NAME_CHARACTERS], "IBAN": debtor.iban, "currency": "EUR"}
    if debtor.bic:
        config["BIC"] = debtor.bic
    transfer = SepaTransfer(config | {"batch": True}, schema=version.value, clean=True)
    for payee in payout.payees:
        transfer.add_payment(
            {
                "name": payee.holder[:_NAME_CHARACTERS],
                "IBAN": payee.iban,
                "amount": payee.amount_cents,
                "execution_date": execution_date,
                "description": _REMITTANCE.format(settlement=payout.settlement),
                "endtoend_id": payee.end_to_end_id,
            }
        )
    return _named(transfer.export(validate=False), payout, version)


def _named(content: bytes, payout: Payout, version: PainVersion) -> bytes:
    """Name message and batch after the run, and date them with its approval."""
    namespace = f"urn:iso:std:iso:20022:tech:xsd:{version.value}"
    ET.register_namespace("", namespace)
    root = ET.fromstring(content)  # noqa: S314 - made a moment ago, here
    approved_at = payout.approved_at.strftime("%Y-%m-%dT%H:%M:%S")
    for tag, text in (
        ("MsgId", payout.settlement),
        ("PmtInfId", payout.settlement),
        ("CreDtTm", approved_at),
    ):
        for element in root.iter(f"{{{namespace}}}{tag}"):
            element.text = text
    named: bytes = _HEAD + ET.tostring(root, "utf-8")
    try_valid_xml(named, version.value)
    return named
