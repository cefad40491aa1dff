"""Draws the guides' pictures: of the till and, from a browser, of the console.

    python -m tools.guide_pictures [--console FOLDER]

Every page of the till is kept as an SVG under tests/snapshots/screens; here those of the small
screen by day, and a few others, become PNGs that any reader shows. `make pictures TO=FOLDER` leaves
the console's pages under FOLDER/fr and FOLDER/en; a few of them are cut and made small. Needs
rsvg-convert and Fira Code: both stand in tools/apt-packages.txt.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import click
from PIL import Image

ROOT: Final = Path(__file__).parent.parent
SCREENS: Final = ROOT / "tests" / "snapshots" / "screens"
GUIDES: Final = ROOT / "docs" / "guide"
LANGUAGES: Final = ("fr", "en")
WIDTH_PX: Final = 960
SMALL_BY_DAY: Final = "day-60x18"
OTHERS: Final = {"fr": ("keypad-fr-night-60x18", "keypad-fr-day-100x30"), "en": ()}
"""What a guide shows besides."""
CONSOLE: Final = "console"
"""The folder of the console's pictures, beside the till's."""
CONSOLE_PAGES: Final = {
    "console-1280": 1050,
    "members-1280": 800,
    "member-1280": 1000,
    "payment_take-1280": 560,
    "contributions-1280": 800,
    "bank_lines-1280": 520,
    "card-1280": 900,
    "merchant-1280": 1000,
    "terminals-1280": 900,
    "findings-1280": 800,
    "finding-1280": 900,
    "payout_approve-390": 844,
    "payout-1280": 1000,
    "fund-1280": 1000,
    "letters-1280": 760,
    "my_sales-390": 844,
}
"""Pages of the console that guides show, with how much of each: pixels from its top."""
CONSOLE_WIDTH_PX: Final = 960
COLOURS: Final = 64
_CONVERTER: Final = "rsvg-convert"


@click.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=GUIDES,
    help="Where the guides are: pictures go to LANGUAGE/pictures.",
)
@click.option(
    "--console",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="What `make pictures` left; without it the console's pictures stay as they are.",
)
def main(folder: Path, console: Path | None) -> None:
    """Draw every picture of the guides anew."""
    if shutil.which(_CONVERTER) is None:
        click.echo(f"{_CONVERTER} is missing: apt-get install librsvg2-bin", err=True)
        sys.exit(1)
    for language in LANGUAGES:
        pictures = folder / language / "pictures"
        pictures.mkdir(parents=True, exist_ok=True)
        drawn = [draw(screen, pictures) for screen in chosen(language)]
        _clear(pictures, drawn)
        if console is not None:
            drawn += cut(console / language, pictures / CONSOLE)
        click.echo(f"{len(drawn)} pictures in {pictures}")


def chosen(language: str) -> list[Path]:
    """Return the screens that a guide shows."""
    found = SCREENS.glob(f"*-{language}-{SMALL_BY_DAY}.svg")
    return sorted([*found, *(SCREENS / f"{it}.svg" for it in OTHERS[language])])


def draw(screen: Path, folder: Path) -> Path:
    """Draw one screen; returns the picture, which is called like the page."""
    name = screen.stem
    for language in LANGUAGES:
        name = name.removesuffix(f"-{language}-{SMALL_BY_DAY}")
    picture = folder / f"{name}.png"
    subprocess.run(
        [_CONVERTER, "--width", str(WIDTH_PX), "--output", str(picture), str(screen)], check=True
    )
    _reduce(picture)
    return picture


def cut(pages: Path, folder: Path) -> list[Path]:
    """Make the console's chosen pages small; raises FileNotFoundError for one that is not there."""
    folder.mkdir(exist_ok=True)
    pictures = []
    for name, height in CONSOLE_PAGES.items():
        picture = folder / f"{name.rpartition('-')[0]}.png"
        with Image.open(pages / f"{name}.png") as page:
            top = page.convert("RGB").crop((0, 0, page.width, min(height, page.height)))
        width = min(CONSOLE_WIDTH_PX, top.width)
        top.resize((width, top.height * width // top.width), Image.Resampling.LANCZOS).save(picture)
        _reduce(picture)
        pictures.append(picture)
    _clear(folder, pictures)
    return pictures


def _reduce(picture: Path) -> None:
    """Keep as many colours as a drawing has."""
    with Image.open(picture) as drawn:
        few = drawn.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(picture, optimize=True)


def _clear(folder: Path, drawn: list[Path]) -> None:
    """Take away the pictures of pages that are no more."""
    for path in set(folder.glob("*.png")) - set(drawn):
        path.unlink()


if __name__ == "__main__":
    main()
