"""The service speaks French in its code and English by its catalogue: all of it."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

SERVICE = Path(__file__).parent.parent / "server_stub"
CALLS = {
    "_": 1,
    "_now": 1,
    "gettext": 1,
    "gettext_lazy": 1,
    "gettext_noop": 1,
    "ngettext": 2,
    "ngettext_lazy": 2,
    "pgettext": 2,
    "npgettext": 3,
}
"""How many arguments of each are what is looked up, a context included."""
TAGGED = re.compile(r"{%\s*trans(?:late)?\s+(?:\"([^\"]*)\"|'([^']*)')")
BLOCK = re.compile(
    r"{%\s*blocktrans(?:late)?[^%]*trimmed[^%]*%}(.*?)"
    r"(?:{%\s*plural\s*%}.*?)?{%\s*endblocktrans(?:late)?\s*%}",
    re.DOTALL,
)
Message = tuple[str, ...]


def said_by_code() -> Iterator[Message]:
    """Every sentence that a module asks a translation of, with its context or its plural."""
    for path in sorted(SERVICE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            wanted = node.args[: CALLS.get(node.func.id, 0)]
            words = [it.value for it in wanted if isinstance(it, ast.Constant)]
            if words and len(words) == len(wanted):
                yield (node.func.id, *map(str, words))


def said_by_pages() -> Iterator[Message]:
    """Every sentence of the console's pages."""
    for path in sorted(SERVICE.rglob("*.html")):
        text = path.read_text("utf-8")
        for double, single in TAGGED.findall(text):
            yield "gettext", double or single
        for block in BLOCK.findall(text):
            lines = (line.strip() for line in block.strip().splitlines())
            yield "gettext", re.sub(r"{{\s*(\w+)\s*}}", r"%(\1)s", " ".join(lines))


class Missing(gettext.NullTranslations):
    """Asked for what the catalogue does not have; remembers it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def gettext(self, message: str) -> str:
        """Note a sentence."""
        self.found.append(message)
        return message

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Note one that counts."""
        self.found.append(msgid1)
        return msgid1 if n < 2 else msgid2

    def pgettext(self, context: str, message: str) -> str:
        """Note one that has a context."""
        self.found.append(f"{context}: {message}")
        return message

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        """Note one that has both."""
        self.found.append(f"{context}: {msgid1}")
        return msgid1 if n < 2 else msgid2


def test_every_sentence_has_its_english() -> None:
    """Promise: who chose English reads no French, in commands, pages and refusals."""
    english = gettext.translation("django", SERVICE / "locale", ["en"])
    missing = Missing()
    english.add_fallback(missing)
    asked = {*said_by_code(), *said_by_pages()}
    for call, *words in asked:
        match call.removesuffix("_lazy").removesuffix("_noop"):
            case "ngettext":
                english.ngettext(words[0], words[1], 1)
            case "pgettext":
                english.pgettext(words[0], words[1])
            case "npgettext":
                english.npgettext(words[0], words[1], words[2], 1)
            case _:
                english.gettext(words[0])
    assert len(asked) > 500
    assert missing.found == []
