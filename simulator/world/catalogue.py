"""Everything that can go wrong in a world without anybody meaning it, by where it happens."""

from __future__ import annotations

from enum import Enum, unique


@unique
class Boundary(Enum):
    """Where something goes wrong."""

    AIR = "between card and till"
    DISK = "between till and disk"
    PROCESS = "the till's own life"
    CLOCK = "the till's time"
    LINE = "between till and service"
    SERVICE = "the service's own life"
    PEOPLE = "between people and everything"


@unique
class Kind(Enum):
    """One kind of fault; its name is part of every fault's id, and is for ever."""

    AIR_LOST_BEFORE = Boundary.AIR, "the card is lifted before it gets a command"
    AIR_LOST_AFTER = Boundary.AIR, "the card obeys and is lifted before it answers"
    AIR_ANSWER_LOST = Boundary.AIR, "the card obeys and stays, and its answer is lost"
    AIR_GARBLED = Boundary.AIR, "a bit of an answer is another one"
    AIR_STATUS = Boundary.AIR, "a bare status word stands in the place of an answer"
    AIR_LATE = Boundary.AIR, "an exchange takes half a minute"
    AIR_SWAPPED = Boundary.AIR, "another card is laid down in the middle of a sale"
    AIR_UNPLUGGED = Boundary.AIR, "the reader is gone"
    AIR_CARD_TORN = Boundary.AIR, "the card loses its field while it writes its memory"
    AIR_TWO_CARDS = Boundary.AIR, "two cards lie on the reader"

    DISK_CUT = Boundary.DISK, "the power goes, and what was not synced is lost"
    DISK_CUT_TORN = Boundary.DISK, "the power goes, and the last write is there in part"
    DISK_CUT_SHUFFLED = Boundary.DISK, "the power goes, and any unsynced sectors are there"
    DISK_CUT_IN_WRITE = Boundary.DISK, "the power goes while the till writes"
    DISK_IO_ONCE = Boundary.DISK, "one operation fails"
    DISK_IO_FOR_EVER = Boundary.DISK, "every operation fails until the till is opened anew"
    DISK_FULL_ONCE = Boundary.DISK, "one write finds no room"
    DISK_FULL_FOR_EVER = Boundary.DISK, "no write finds room until somebody makes some"
    DISK_SYNC_FAILS = Boundary.DISK, "a sync fails, and the pages count as clean"
    DISK_READ_FAILS = Boundary.DISK, "a read fails"
    DISK_BIT_ROT = Boundary.DISK, "one bit of a file is another one"
    DISK_STORE_GONE = Boundary.DISK, "the file with the directory's rows is gone"
    DISK_INBOX_GARBAGE = Boundary.DISK, "half a file lies in the inbox"
    DISK_OLD_IMAGE = Boundary.DISK, "a helper puts back a copy of the disk from before"

    PROCESS_KILLED_BEFORE = Boundary.PROCESS, "the till is killed before it sends a command"
    PROCESS_KILLED_AFTER = Boundary.PROCESS, "the till is killed when the card has obeyed"
    PROCESS_KILLED_BEFORE_GREEN = Boundary.PROCESS, "killed between the sale on disk and green"
    PROCESS_KILLED_AFTER_GREEN = Boundary.PROCESS, "killed when somebody has seen green"
    PROCESS_KILLED_AT_REST = Boundary.PROCESS, "the till is killed while nothing happens"
    PROCESS_LOOPS = Boundary.PROCESS, "the till is started and killed, over and over"
    PROCESS_SECOND = Boundary.PROCESS, "a second till is started on the same journal"

    CLOCK_BACK = Boundary.CLOCK, "the clock is put back"
    CLOCK_FORWARD = Boundary.CLOCK, "the clock is put forward"
    CLOCK_LOST = Boundary.CLOCK, "the till boots in 1970"
    CLOCK_DRIFTS = Boundary.CLOCK, "the clock runs too fast or too slow"
    CLOCK_YEARS = Boundary.CLOCK, "the clock is years ahead"

    LINE_REFUSED = Boundary.LINE, "nobody answers at the address"
    LINE_REQUEST_LOST = Boundary.LINE, "a request is lost on its way"
    LINE_ANSWER_LOST = Boundary.LINE, "an answer is lost on its way back"
    LINE_HALF_ANSWER = Boundary.LINE, "half of an answer arrives"
    LINE_DOUBLED = Boundary.LINE, "a request arrives twice"
    LINE_DELAYED = Boundary.LINE, "a request arrives days later, and nobody waits for the answer"
    LINE_REQUEST_GARBLED = Boundary.LINE, "a byte of a request is another one"
    LINE_ANSWER_GARBLED = Boundary.LINE, "a byte of an answer is another one"
    LINE_TRUNCATED = Boundary.LINE, "a request is cut short"
    LINE_BROKEN = Boundary.LINE, "a server on the way says 500"
    LINE_BUSY = Boundary.LINE, "a server on the way says 429"
    LINE_REDIRECT = Boundary.LINE, "a server on the way sends somewhere else"
    LINE_PORTAL = Boundary.LINE, "a hotspot answers 200 with its own page"
    LINE_OTHER_ANSWER = Boundary.LINE, "another terminal's answer arrives"
    LINE_OLD_ANSWER = Boundary.LINE, "an answer from before arrives again"

    SERVICE_CRASHED_INSIDE = Boundary.SERVICE, "the service dies in the middle of a transaction"
    SERVICE_CRASHED_AFTER = Boundary.SERVICE, "the service dies when it has committed"
    SERVICE_LOCKED = Boundary.SERVICE, "the database is locked for too long"
    SERVICE_RESTORED = Boundary.SERVICE, "the service is put back to a backup"
    SERVICE_PUBLISHES = Boundary.SERVICE, "a directory is published in the middle of everything"
    SERVICE_PERMITS = Boundary.SERVICE, "permits are renewed in the middle of everything"

    PEOPLE_DOUBLE_CLICK = Boundary.PEOPLE, "the coordinator clicks twice"
    PEOPLE_CARD_BLOCKED = Boundary.PEOPLE, "a card is blocked while it is used"
    PEOPLE_CARD_FREED = Boundary.PEOPLE, "a blocked card is found again"
    PEOPLE_TILL_BURNS = Boundary.PEOPLE, "a till burns and is declared lost"
    PEOPLE_LOST_TOO_SOON = Boundary.PEOPLE, "a till is declared lost, and turns up again"
    PEOPLE_PAID_OTHERWISE = Boundary.PEOPLE, "an amber sale was paid another way"
    PEOPLE_CLIENT_LEFT = Boundary.PEOPLE, "the client of an amber sale is gone"
    PEOPLE_GOODS_HANDED_OVER = Boundary.PEOPLE, "the goods of an amber sale are gone"
    PEOPLE_CLOSED_OVER_AMBER = Boundary.PEOPLE, "the day is closed over an amber sale"
    PEOPLE_REFUND_TOO_LARGE = Boundary.PEOPLE, "somebody wants to refund more than was paid"
    PEOPLE_REFUND_TWICE = Boundary.PEOPLE, "somebody refunds the same sale twice"
    PEOPLE_APPROVES_OWN = Boundary.PEOPLE, "somebody approves the run that he drew up"
    PEOPLE_APPROVE_TWICE = Boundary.PEOPLE, "two people approve at once"
    PEOPLE_RUN_REVOKED = Boundary.PEOPLE, "a run is revoked before it is sent"
    PEOPLE_CONFIRM_LATE = Boundary.PEOPLE, "the bank's statement comes late"
    PEOPLE_MISTYPES = Boundary.PEOPLE, "two people misread the statement of the bank"
    PEOPLE_DISPUTES = Boundary.PEOPLE, "a sale is disputed"
    PEOPLE_PAPER_SLIP = Boundary.PEOPLE, "a sale is written on a slip of paper"
    PEOPLE_TILL_STOLEN = Boundary.PEOPLE, "a terminal is stolen, and somebody says so"

    @property
    def boundary(self) -> Boundary:
        """Where it happens."""
        return self.value[0]

    @property
    def words(self) -> str:
        """What happens."""
        return self.value[1]
