"""`clafoutis-provision terminal image`: a stock card becomes a terminal's."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from cardkit.errors import KeyStoreError
from cardkit.keyfiles import PUBLIC_NAME
from provisioning.image import CardSettings, CardUnfit, SettingInvalid, Unfit, Wifi, write_card
from provisioning.language import _
from provisioning.release_commands import opened
from provisioning.talk import PassphraseReader
from provisioning.wiring import directory_type, keys_option, passphrase_option

READER_DEFAULT: Final = "auto"


@click.command("image", help=_("Make a stock Raspberry Pi OS Lite card a terminal's."))
@click.option("--boot", type=directory_type, required=True, help=_("Where its boot partition is."))
@click.option("--release", type=directory_type, required=True, help=_("A signed release."))
@click.option("--name", default="clafoutis", show_default=True, help=_("Its name in a network."))
@click.option("--country", default="FR", show_default=True, help=_("For Wi-Fi and keyboard."))
@click.option("--time-zone", default="Europe/Paris", show_default=True)
@click.option("--wifi", "ssid", default=None, help=_("A network; its passphrase is asked."))
@click.option("--panel", default="800x480", show_default=True, help=_("Size of its HDMI screen."))
@click.option("--reader", default=READER_DEFAULT, show_default=True, help=_("Its card reader."))
@click.option("--contact", default="", help=_("Whom to call, for the page of troubles."))
@click.option("--language", type=click.Choice(["fr", "en"]), default="fr", show_default=True)
@click.option("--no-clock", is_flag=True, help=_("It has no DS3231 clock: not for a stall."))
@click.option("--debs", type=directory_type, help=_("Debian packages for a start without network."))
@keys_option
@passphrase_option
def image_command(
    *,
    boot: Path,
    release: Path,
    name: str,
    country: str,
    time_zone: str,
    ssid: str | None,
    panel: str,
    reader: str,
    contact: str,
    language: str,
    no_clock: bool,
    debs: Path | None,
    key_dir: Path,
    passphrase_fd: int | None,
) -> int:
    """Write the card, and say what was written."""
    held = opened(release, key_dir)
    try:
        settings = CardSettings(
            name=name,
            country=country,
            time_zone=time_zone,
            panel=panel,
            reader=reader,
            contact=contact,
            language=language,
            has_rtc=not no_clock,
            wifi=_wifi(ssid, passphrase_fd),
        )
        public = (key_dir / PUBLIC_NAME).read_bytes()
        written = write_card(boot, settings, release=release, held=held, public=public, debs=debs)
    except SettingInvalid as error:
        words = _("This can't be: {error}. Nothing was written.")
        raise click.ClickException(words.format(error=error)) from None
    except CardUnfit as error:
        words = f"{boot}: {_why_not(error.reason)} {_('Nothing was written.')}"
        raise click.ClickException(words) from None
    except OSError as error:
        words = _("{error}. Write the card again: what is there stays.")
        raise KeyStoreError(words.format(error=error)) from error
    for it in written:
        click.echo(it)
    if not written:
        click.echo(_("The card is a terminal's already: nothing was changed."), err=True)
        return 0
    click.echo(
        _("Done. Eject the card, put it in, and switch on: set-up takes ten minutes."), err=True
    )
    return 0


def _why_not(reason: Unfit) -> str:
    return {
        Unfit.NO_FOLDER: _("This folder is not there: put the card in again."),
        Unfit.NO_BOOT_PARTITION: _("This is no boot partition of a Raspberry Pi's card."),
        Unfit.NO_CLOUD_INIT: _("Take the image Raspberry Pi OS Lite (64-bit) of Debian 13."),
        Unfit.NO_ROOM: _("There is no room on this card: write the image again."),
    }[reason]


def _wifi(ssid: str | None, passphrase_fd: int | None) -> Wifi | None:
    if ssid is None:
        return None
    asked = PassphraseReader(passphrase_fd).ask(_("Passphrase of {ssid}").format(ssid=ssid))
    try:
        return Wifi(ssid=ssid, passphrase=asked.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise SettingInvalid("a Wi-Fi passphrase has 8 to 63 characters") from error
