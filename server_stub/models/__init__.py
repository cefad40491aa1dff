"""What the service keeps, a noun a file."""

from __future__ import annotations

from server_stub.models.act import ActRow, Rule
from server_stub.models.bank import BankDetails, BankDetailsConfirmed, SettlementFile
from server_stub.models.card import Account, Card, CardStatus
from server_stub.models.claim import (
    CardDecision,
    CardTransaction,
    Claim,
    ClaimDecision,
    PublishedKey,
    RecordSeen,
    RefundClaim,
    Sighting,
)
from server_stub.models.commitment import Commitment, CommitmentChange, Contribution
from server_stub.models.directory import DirectoryRow, DirectoryVersion
from server_stub.models.document import AllowanceIssued, PermitIssued
from server_stub.models.finding import Finding
from server_stub.models.journal import Batch, StoredEntry
from server_stub.models.ledger import Posting, PostingLine
from server_stub.models.merchant import Merchant
from server_stub.models.pairing import Pairing, PairingRequest, PairingState
from server_stub.models.person import Erasure, Person
from server_stub.models.settlement import (
    PayoutEvidence,
    SettledTold,
    Settlement,
    SettlementDraft,
    SettlementLine,
    SettlementStep,
)
from server_stub.models.terminal import Terminal, TerminalStatus, TokenKey

__all__ = [
    "Account",
    "ActRow",
    "AllowanceIssued",
    "BankDetails",
    "BankDetailsConfirmed",
    "Batch",
    "Card",
    "CardDecision",
    "CardStatus",
    "CardTransaction",
    "Claim",
    "ClaimDecision",
    "Commitment",
    "CommitmentChange",
    "Contribution",
    "DirectoryRow",
    "DirectoryVersion",
    "Erasure",
    "Finding",
    "Merchant",
    "Pairing",
    "PairingRequest",
    "PairingState",
    "PayoutEvidence",
    "PermitIssued",
    "Person",
    "Posting",
    "PostingLine",
    "PublishedKey",
    "RecordSeen",
    "RefundClaim",
    "Rule",
    "SettledTold",
    "Settlement",
    "SettlementDraft",
    "SettlementFile",
    "SettlementLine",
    "SettlementStep",
    "Sighting",
    "StoredEntry",
    "Terminal",
    "TerminalStatus",
    "TokenKey",
]
