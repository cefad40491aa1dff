"""What the commands reach the world with, and the options that several of them share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from cardkit.card.connection import CardConnection
from cardkit.card.keys import NXP_ORIGINALITY, Originality
from cardkit.clock import Clock, SystemClock
from cardkit.errors import AmountInvalid, CardLost
from cardkit.keyfiles import CaissePublic, WorkshopKeys
from cardkit.money import parse_amount
from cardkit.reader import Reader, open_reader
from provisioning.client import RequestsTransport, ServiceClient, Transport
from provisioning.language import _
from provisioning.talk import waiting

ACCOUNT_BYTES: Final = 16
CARD_WAIT_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Reader, network, clock, and whose signature makes a chip a good one."""

    open_reader: Callable[[str], Reader] = open_reader
    open_transport: Callable[[], Transport] = RequestsTransport
    clock: Clock = field(default_factory=SystemClock)
    originality: Originality = field(default=NXP_ORIGINALITY, repr=False)
    wait: Callable[[float], None] = time.sleep
    ticks_ns: Callable[[], int] = time.perf_counter_ns

    def client(self, url: str, public: CaissePublic, keys: WorkshopKeys) -> ServiceClient:
        """The service at an address, asked in the workshop's name."""
        return ServiceClient(
            url,
            key=keys.signing_key(public.caisse),
            clock=self.clock,
            transport=self.open_transport(),
        )

    @contextmanager
    def card_on(self, address: str) -> Iterator[CardConnection]:
        """The card that somebody lays on a reader; raises ReaderError, CardLost."""
        reader = self.open_reader(address)
        try:
            with waiting(_("Lay the card on the reader.")):
                connection = reader.wait_for_card(CARD_WAIT_S)
            if connection is None:
                raise CardLost("no card came")
            try:
                yield connection
            finally:
                connection.close()
        finally:
            reader.close()


class AccountType(click.ParamType[bytes]):
    """A member's account, 32 hexadecimal digits."""

    name = "hex"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> bytes:
        """Read the digits; fails as click does."""
        try:
            account = bytes.fromhex(str(value))
        except ValueError:
            account = b""
        if len(account) != ACCOUNT_BYTES:
            self.fail(_("an account is 32 hexadecimal digits"), param, ctx)
        return account


class AmountType(click.ParamType[int]):
    """An amount of euros, as cents."""

    name = "€"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Read the amount; fails as click does."""
        try:
            return parse_amount(str(value))
        except AmountInvalid as error:
            self.fail(str(error), param, ctx)


directory_type = click.Path(path_type=Path, file_okay=False)
service_option = click.option(
    "--service", required=True, envvar="CLAFOUTIS_SERVICE", help=_("Address of the service.")
)
keys_option = click.option(
    "--keys",
    "key_dir",
    type=directory_type,
    default=Path("workshop"),
    envvar="CLAFOUTIS_WORKSHOP_KEYS",
    show_default=True,
    help=_("The workshop's key directory."),
)
root_option = click.option(
    "--root",
    "root_dir",
    type=directory_type,
    default=Path("root"),
    envvar="CLAFOUTIS_ROOT_KEYS",
    show_default=True,
    help=_("The coordinator's key directory."),
)
reader_option = click.option(
    "--reader",
    default="auto",
    envvar="CLAFOUTIS_READER",
    show_default=True,
    help=_("The card reader."),
)
passphrase_option = click.option(
    "--passphrase-fd",
    type=int,
    default=None,
    help=_("Read passphrases from this file descriptor, one a line, and ask nobody."),
)
account_option = click.option(
    "--account", type=AccountType(), required=True, help=_("The member's account.")
)
force_option = click.option("--force", is_flag=True, help=_("Ask nothing."))
quiet_option = click.option("--quiet", is_flag=True, help=_("No bell."))
