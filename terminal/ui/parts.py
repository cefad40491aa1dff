"""What the screens stand on; put together in one place by the program that shows them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from cardkit.entries import OperatorRole
from cardkit.frozen import dataclass
from cardkit.permit import MerchantGrant
from cardkit.reader import Reader
from terminal.backlight import Backlight
from terminal.config import DataDirectory
from terminal.draft import Draft
from terminal.feedback import Feedback
from terminal.mounts import Stick
from terminal.settings import Settings
from terminal.software import Software
from terminal.till import Till
from terminal.watchdog import Watchdog
from terminal.wifi import Wifi


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that is handed to the program at its start."""

    open_till: Callable[[], Till]
    find_reader: Callable[[], Reader]
    settings: Settings
    draft: Draft
    feedback: Feedback
    watchdog: Watchdog
    data: DataDirectory
    software: Software
    wifi: Wifi
    find_stick: Callable[[], Stick | None]
    backlight: Backlight | None = None
    monotonic_ms: Callable[[], int]
    """Milliseconds of this boot: how long a wrong PIN makes wait."""
    merchant: int | None = None
    """Whom to sell for without asking, where the permit names several."""
    settle: Callable[[], None] = lambda: None
    """Called once the till can be used, and everything is loaded that it needs all day."""
    borne: bool = False
    """Only tells balances and refreshes cards; never sells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who sells, and for whom."""

    grant: MerchantGrant
    operator: OperatorRole

    @property
    def merchant(self) -> int:
        """The merchant's number."""
        return self.grant.merchant

    @property
    def is_helper(self) -> bool:
        """Whether it is somebody who only sells."""
        return self.operator is OperatorRole.HELPER


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSale:
    """What stays on the keypad's edge until the next sale."""

    seq: int
    amount_cents: int
    at: datetime
