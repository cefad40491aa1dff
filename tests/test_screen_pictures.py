"""The screens as they look: kept as pictures, and looked at whenever one changes.

They are kept under `snapshots/screens`. After a change that is meant, draw them anew and look at
each: `UPDATE_SCREENS=1 .venv/bin/pytest tests/test_screen_pictures.py`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

from terminal.settings import Theme
from tests.screen_pictures import SCREENS, UPDATE, Album
from tests.screen_tour import MAIN, Tour
from tests.screen_world import LARGE, SMALL, story

LEAST: Final = (53, 17)
"""A panel of 480 × 320 pixels, in letters that are still read."""
LANGUAGES: Final = ("fr", "en")
SIZES: Final = (SMALL, LARGE)
KEEPS: Final = bool(os.environ.get(UPDATE))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("language", LANGUAGES)
@story
async def test_the_main_pages_look_as_they_did(
    tmp_path: Path, language: str, size: tuple[int, int]
) -> None:
    """Promise: nobody changes what a stall sees without having looked at it, in sun and dark."""
    async with Tour.begin(tmp_path, size=size, language=language) as tour:
        app = tour.stall.app
        albums = {
            theme: Album(tour.stall, suffix(language, theme, size), keeps=KEEPS) for theme in Theme
        }

        async def show(name: str) -> None:
            for theme, album in albums.items():
                app.apply_theme(theme)
                await album.show(name)

        tour.show = show
        await tour.through_main()
    assert {name: album.differ for name, album in albums.items() if album.differ} == {}


@story
async def test_every_other_page_looks_as_it_did(tmp_path: Path) -> None:
    """Promise: the pages that are seldom seen are looked at all the same."""
    async with Tour.begin(tmp_path, size=SMALL, language="fr") as tour:
        album = Album(tour.stall, suffix("fr", Theme.DAY, SMALL), keeps=KEEPS)
        tour.show = album.show
        await tour.through_others()
    assert album.differ == []
    kept = {path.name for path in SCREENS.iterdir()}
    main = {
        f"{name}-{suffix(language, theme, size)}.svg"
        for name in MAIN for language in LANGUAGES for theme in Theme for size in SIZES
    }  # fmt: skip
    assert kept - main == set(album.shown), "a picture is kept of each page, and of no other"


def suffix(language: str, theme: Theme, size: tuple[int, int]) -> str:
    """Return how the pictures of one kind of screen end."""
    return f"{language}-{theme.value}-{size[0]}x{size[1]}"
