"""Draws the pictures of the French guide from the screens that the tests hold true.

    python -m tools.guide_pictures

Every page is kept as an SVG under tests/snapshots/screens; here those of the small screen in French
by day, and a few others, become PNGs that any reader shows. Needs rsvg-convert and Fira Code: both
stand in tools/apt-packages.txt.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import click

ROOT: Final = Path(__file__).parent.parent
SCREENS: Final = ROOT / "tests" / "snapshots" / "screens"
PICTURES: Final = ROOT / "docs" / "guide" / "fr" / "pictures"
WIDTH_PX: Final = 960
SMALL_BY_DAY: Final = "-fr-day-60x18"
OTHERS: Final = ("keypad-fr-night-60x18", "keypad-fr-day-100x30")
"""What a guide shows besides."""
_CONVERTER: Final = "rsvg-convert"


@click.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=PICTURES,
    help="Where the pictures go.",
)
def main(folder: Path) -> None:
    """Draw every picture of the guide anew."""
    if shutil.which(_CONVERTER) is None:
        click.echo(f"{_CONVERTER} is missing: apt-get install librsvg2-bin", err=True)
        sys.exit(1)
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [draw(screen, folder) for screen in chosen()]
    for path in set(folder.glob("*.png")) - set(drawn):
        path.unlink()
    click.echo(f"{len(drawn)} pictures in {folder}")


def chosen() -> list[Path]:
    """Return the screens that the guide shows."""
    found = [*SCREENS.glob(f"*{SMALL_BY_DAY}.svg"), *(SCREENS / f"{it}.svg" for it in OTHERS)]
    return sorted(found)


def draw(screen: Path, folder: Path) -> Path:
    """Draw one screen; returns the picture, which is called like the page."""
    picture = folder / f"{screen.stem.removesuffix(SMALL_BY_DAY)}.png"
    subprocess.run(
        [_CONVERTER, "--width", str(WIDTH_PX), "--output", str(picture), str(screen)], check=True
    )
    return picture


if __name__ == "__main__":
    main()
