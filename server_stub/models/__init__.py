"""What the service keeps, a noun a file."""

from __future__ import annotations

from server_stub.models.access import (
    AccessEvent,
    AccessEventKind,
    AccessLink,
    AccessLinkEnd,
    CacheRow,
    FactorExemption,
    LinkEndKind,
)
from server_stub.models.act import ActRow, Rule
from server_stub.models.application import Application
from server_stub.models.bank import BankDetails, BankDetailsConfirmed, SettlementFile
from server_stub.models.bank_statement import (
    BankImport,
    BankLine,
    BankLineOutcome,
    BankLineText,
    StatementProfile,
)
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
from server_stub.models.details import CaisseDetails, MerchantDetails
from server_stub.models.directory import DirectoryRow, DirectoryVersion, StaleCard
from server_stub.models.document import AllowanceIssued, PermitIssued
from server_stub.models.finding import Finding
from server_stub.models.fleet import TerminalReport
from server_stub.models.handover import HandoverNote
from server_stub.models.helper import Helper, HelperRole
from server_stub.models.journal import Batch, StoredEntry
from server_stub.models.ledger import Balance, Posting, PostingLine
from server_stub.models.letter import Letter, LetterKind, LetterState, LetterText
from server_stub.models.membership import Admission, Departure, Wave
from server_stub.models.merchant import Merchant, MerchantKind
from server_stub.models.operating import JobRun, LoginFailure
from server_stub.models.pairing import Pairing, PairingRequest, PairingState
from server_stub.models.payment import (
    CashCount,
    DepositedCheque,
    MoneyDeposit,
    PaymentMeans,
    QuittancePrint,
)
from server_stub.models.person import Deputy, Erasure, Person
from server_stub.models.public_figures import PublicFigures
from server_stub.models.resolution import (
    ActReversal,
    ActText,
    Carnet,
    Dispute,
    DisputeStep,
    FindingHandling,
    PaperClaim,
    PaperPaid,
    PaperSlip,
    Proposal,
)
from server_stub.models.role import ConsoleRole, RoleEnd, RoleGrant
from server_stub.models.settlement import (
    PayoutEvidence,
    PayoutProven,
    PayoutReturn,
    SettledTold,
    Settlement,
    SettlementDraft,
    SettlementLine,
    SettlementStep,
)
from server_stub.models.statement import SettlementPaper, SettlementStatement
from server_stub.models.terminal import Terminal, TerminalStatus, TokenKey

__all__ = [
    "AccessEvent",
    "AccessEventKind",
    "AccessLink",
    "AccessLinkEnd",
    "Account",
    "ActReversal",
    "ActRow",
    "ActText",
    "Admission",
    "AllowanceIssued",
    "Application",
    "Balance",
    "BankDetails",
    "BankDetailsConfirmed",
    "BankImport",
    "BankLine",
    "BankLineOutcome",
    "BankLineText",
    "Batch",
    "CacheRow",
    "CaisseDetails",
    "Card",
    "CardDecision",
    "CardStatus",
    "CardTransaction",
    "Carnet",
    "CashCount",
    "Claim",
    "ClaimDecision",
    "Commitment",
    "CommitmentChange",
    "ConsoleRole",
    "Contribution",
    "Convention",
    "ConventionEnd",
    "ConventionTerms",
    "Departure",
    "DepositedCheque",
    "Deputy",
    "DirectoryRow",
    "DirectoryVersion",
    "Dispute",
    "DisputeStep",
    "Erasure",
    "FactorExemption",
    "Finding",
    "FindingHandling",
    "HandoverNote",
    "Helper",
    "HelperRole",
    "JobRun",
    "Letter",
    "LetterKind",
    "LetterState",
    "LetterText",
    "LinkEndKind",
    "LoginFailure",
    "Merchant",
    "MerchantDetails",
    "MerchantKind",
    "MoneyDeposit",
    "Pairing",
    "PairingRequest",
    "PairingState",
    "PaperClaim",
    "PaperPaid",
    "PaperSlip",
    "PaymentMeans",
    "PayoutEvidence",
    "PayoutProven",
    "PayoutReturn",
    "PermitIssued",
    "Person",
    "Posting",
    "PostingLine",
    "Proposal",
    "PublicFigures",
    "PublishedKey",
    "QuittancePrint",
    "RecordSeen",
    "RefundClaim",
    "RoleEnd",
    "RoleGrant",
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
    "StatementProfile",
    "StoredEntry",
    "Terminal",
    "TerminalReport",
    "TerminalStatus",
    "TokenKey",
    "Wave",
]
