"""The guides as people print them, and that a page says the same in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.build_guides import BOOKS, GUIDES, PRODUCER_PAGES, Book, make

PAIRS = tuple(zip(BOOKS[: len(BOOKS) // 2], BOOKS[len(BOOKS) // 2 :], strict=True))
SISTERS = tuple(
    (french, english)
    for book, sister in PAIRS
    for french, english in zip(book.pages, sister.pages, strict=True)
)
_HEADING = re.compile(r"^(#+) ", re.MULTILINE)
_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)#]+\.md)\)")
_FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


def text_of(path: Path) -> str:
    """A page without what is shown of terminals, in which a # is no heading."""
    return _FENCED.sub("", path.read_text("utf-8"))


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
def test_every_guide_is_printed(book: Book) -> None:
    """Promise: one command prints the guides; the producer's is two sheets that hang at a stall."""
    made = make(book)
    assert made.pdf.startswith(b"%PDF")
    if book.style == "stall":
        assert made.pages == PRODUCER_PAGES
    else:
        assert made.pages > len(book.pages)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_page_is_in_a_book(language: str) -> None:
    """Promise: a page that is written is printed, in its language."""
    printed = {page for book in BOOKS if book.language == language for page in book.pages}
    assert printed == {path.name for path in (GUIDES / language).glob("*.md")}


@pytest.mark.parametrize(("french", "english"), SISTERS)
def test_a_page_has_the_same_shape_in_both_languages(french: str, english: str) -> None:
    """Promise: who reads English is told no less: headings, pictures, links, commands."""
    one, other = GUIDES / "fr" / french, GUIDES / "en" / english
    assert _HEADING.findall(text_of(one)) == _HEADING.findall(text_of(other))
    assert pictures_of(one) == pictures_of(other)
    links = [dict(SISTERS).get(link, link) for link in _LINK.findall(text_of(one))]
    assert links == _LINK.findall(text_of(other))
    assert len(_FENCED.findall(one.read_text("utf-8"))) == len(
        _FENCED.findall(other.read_text("utf-8"))
    )


def pictures_of(page: Path) -> list[str]:
    """What a page shows, whatever it says of it."""
    return [picture for _words, picture in _PICTURE.findall(text_of(page))]


@pytest.mark.parametrize(
    "page", sorted(GUIDES.rglob("*.md")), ids=lambda page: f"{page.parent.name}/{page.name}"
)
def test_what_a_page_points_at_is_there(page: Path) -> None:
    """Promise: no picture is missing, each says what it shows, and no link leads nowhere."""
    text = page.read_text("utf-8")
    for words, picture in _PICTURE.findall(text):
        assert words.strip(), picture
        assert (page.parent / picture).is_file(), picture
    for link in _LINK.findall(text):
        assert (page.parent / link).is_file(), link
