"""Makes the guides that people print: `make guides TO=dist/guides`.

    python -m tools.build_guides --out dist/guides

The pages of docs/guide are Markdown (CommonMark with tables); each book is some of them, in order.
What a page may hold is what `_Writer` knows; anything else is an error that names it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click
import typst
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT: Final = Path(__file__).resolve().parent.parent
GUIDES: Final = ROOT / "docs" / "guide"
FONTS: Final = ROOT / "server_stub" / "papers"
TEMPLATE: Final = ROOT / "tools" / "guide.typ"
PRODUCER_PAGES: Final = 4
"""Two sheets, printed on both sides: what a stall keeps beside the terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """One PDF: pages in order."""

    name: str
    language: str
    title: str
    pages: tuple[str, ...]
    style: str = "book"


BOOKS: Final = (
    Book(
        name="producteur",
        language="fr",
        title="Le terminal au stand",
        pages=("producteur.md",),
        style="stall",
    ),
    Book(
        name="coordination",
        language="fr",
        title="Coordonner la caisse",
        pages=(
            "un-mois.md",
            "membres.md",
            "cotisations.md",
            "commercants.md",
            "paiements.md",
            "constats.md",
            "courriers.md",
            "urgences.md",
            "reprise.md",
            "relais.md",
            "fin.md",
        ),
    ),
    Book(
        name="atelier",
        language="fr",
        title="L’atelier : cartes, clés, terminaux",
        pages=("atelier.md", "terminal.md"),
    ),
    Book(
        name="producer",
        language="en",
        title="The terminal at the stall",
        pages=("producer.md",),
        style="stall",
    ),
    Book(
        name="coordinator",
        language="en",
        title="Running the caisse",
        pages=(
            "a-month.md",
            "members.md",
            "contributions.md",
            "merchants.md",
            "payouts.md",
            "findings.md",
            "letters.md",
            "emergencies.md",
            "recovery.md",
            "handover.md",
            "the-end.md",
        ),
    ),
    Book(
        name="workshop",
        language="en",
        title="The workshop: cards, keys, terminals",
        pages=("workshop.md", "terminal.md"),
    ),
)
_BLOCKS: Final = {
    "paragraph_open": "",
    "paragraph_close": "",
    "bullet_list_open": "#list(",
    "bullet_list_close": ")",
    "ordered_list_close": ")",
    "list_item_open": "[",
    "list_item_close": "],",
    "thead_open": "table.header(",
    "thead_close": "),",
    "table_close": ")",
    "tbody_open": "",
    "tbody_close": "",
    "tr_open": "",
    "tr_close": "",
    "th_open": "[",
    "th_close": "],",
    "td_open": "[",
    "td_close": "],",
}
_WORDS: Final = {
    "softbreak": " ",
    "hardbreak": "#linebreak();",
    "strong_open": "#strong[",
    "strong_close": "];",
    "em_open": "#emph[",
    "em_close": "];",
    "link_close": "];",
}
_CONTENTS: Final = {"fr": "Dans ce guide", "en": "In this guide"}


@dataclass(frozen=True, slots=True)
class Made:
    """A book as it was printed."""

    pdf: bytes
    pages: int


def make(book: Book) -> Made:
    """Print a book; raises ValueError for Markdown that is not printed, OSError or TypstError."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "guide.typ").write_bytes(TEMPLATE.read_bytes())
        for picture in sorted((GUIDES / book.language / "pictures").rglob("*.png")):
            target = root / picture.relative_to(GUIDES / book.language)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(picture.read_bytes())
        source = root / "book.typ"
        source.write_text("\n".join(_source(book)), "utf-8")
        compiler = typst.Compiler(
            source, root=root, font_paths=[FONTS], package_path=root, package_cache_path=root
        )
        pdf = compiler.compile(format="pdf")
        pages = json.loads(compiler.query("<pages>", field="value", one=True))
    if not isinstance(pdf, bytes):
        raise TypeError(f"{book.name}: no single document")
    return Made(pdf, int(pages))


def _source(book: Book) -> Iterator[str]:
    yield f'#import "guide.typ": {book.style}, pictures'
    contents = f", contents: {_quoted(_CONTENTS[book.language])}" if book.style == "book" else ""
    yield f"#show: {book.style}.with(title: {_quoted(book.title)}, language: "
    yield f"{_quoted(book.language)}{contents})"
    reader = MarkdownIt("commonmark").enable("table")
    for page in book.pages:
        text = (GUIDES / book.language / page).read_text("utf-8")
        yield from _Writer(page, book.pages).blocks(reader.parse(text))


class _Writer:
    """Writes tokens of one page as Typst: containers as calls whose last arguments are content."""

    def __init__(self, page: str, together: Sequence[str]) -> None:
        self._page = page
        self._together = together

    def blocks(self, tokens: Sequence[Token]) -> Iterator[str]:
        """Yield a page's blocks; its first heading bears its name, for links."""
        is_first = True
        for at, token in enumerate(tokens):
            match token.type:
                case "inline":
                    yield self._inline(token.children or [])
                case "fence":
                    yield f"#raw({_quoted(token.content.rstrip())}, block: true)"
                case "table_open":
                    yield f"#table(columns: {_columns(tokens, at)},"
                case "heading_open":
                    yield f"#heading(level: {token.tag[1:]})["
                case "heading_close":
                    yield f"] {_label(self._page)}" if is_first else "]"
                    is_first = False
                case "ordered_list_open":
                    yield f"#enum(start: {token.attrGet('start') or 1},"
                case kind:
                    yield self._known(_BLOCKS, kind)

    def _inline(self, tokens: Sequence[Token]) -> str:
        images = [token for token in tokens if token.type == "image"]
        if images and all(token.type in {"image", "softbreak"} for token in tokens):
            pairs = (
                f"({_quoted(str(it.attrGet('src')))}, {_quoted(it.content)})," for it in images
            )
            return f"#pictures({' '.join(pairs)})"
        return "".join(self._word(token) for token in tokens)

    def _word(self, token: Token) -> str:
        match token.type:
            case "text":
                return f"#{_quoted(token.content)};"
            case "code_inline":
                return f"#raw({_quoted(token.content)});"
            case "link_open":
                return self._link(str(token.attrGet("href")))
            case kind:
                return self._known(_WORDS, kind)

    def _known(self, what: dict[str, str], kind: str) -> str:
        if kind not in what:
            raise ValueError(f"{self._page}: {kind} is not printed")
        return what[kind]

    def _link(self, address: str) -> str:
        if address in self._together:
            return f"#link({_label(address)})["
        if re.match(r"https?://", address):
            return f"#link({_quoted(address)})["
        return "#emph["


def _columns(tokens: Sequence[Token], at: int) -> int:
    """Count the cells of the head of the table that begins there."""
    kinds = [token.type for token in tokens[at:]]
    return kinds[: kinds.index("thead_close")].count("th_open")


def _label(page: str) -> str:
    return f"<{page.removesuffix('.md')}>"


def _quoted(text: str) -> str:
    """Return a string literal of Typst."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
def main(out: Path) -> None:
    """Print every guide in both languages."""
    out.mkdir(parents=True, exist_ok=True)
    for book in BOOKS:
        made = make(book)
        path = out / f"{book.name}.pdf"
        path.write_bytes(made.pdf)
        click.echo(f"{path}  {made.pages} pages")


if __name__ == "__main__":
    main()
