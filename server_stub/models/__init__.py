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
from server_stub.models.convention import Convention, ConventionEnd, ConventionTerms
from server_stub.models.directory import DirectoryRow, DirectoryVersion, StaleCard
from server_stub.models.document import AllowanceIssued, PermitIssued
from server_stub.models.finding import Finding
from server_stub.models.fleet import TerminalReport
from server_stub.models.journal import Batch, StoredEntry
from server_stub.models.ledger import Balance, Posting, PostingLine
from server_stub.models.merchant import Merchant, MerchantKind
from server_stub.models.operating import JobRun, LoginFailure
from server_stub.models.pairing import Pairing, PairingRequest, PairingState
from server_stub.models.person import Deputy, Erasure, Person
from server_stub.models.settlement import (
    PayoutEvidence,
    SettledTold,
    Settlement,
    SettlementDraft,
    SettlementLine,
    SettlementStep,
)
from server_stub.models.statement import SettlementPaper, SettlementStatement
from server_stub.models.terminal import Terminal, TerminalStatus, TokenKey

__all__ = [
    "Account",
    "ActRow",
    "AllowanceIssued",
    "Balance",
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
    "Convention",
    "ConventionEnd",
    "ConventionTerms",
    "Deputy",
    "DirectoryRow",
    "DirectoryVersion",
    "Erasure",
    "Finding",
    "JobRun",
    "LoginFailure",
    "Merchant",
    "MerchantKind",
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
    "SettlementPaper",
    "SettlementStatement",
    "SettlementStep",
    "Sighting",
    "StaleCard",
    "StoredEntry",
    "Terminal",
    "TerminalReport",
    "TerminalStatus",
    "TokenKey",
]
