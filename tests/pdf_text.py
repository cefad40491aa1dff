"""What a PDF of typst says, read back from the file itself: each page's text in its own order.

Fonts are embedded with a table from glyphs to characters (ISO 32000-1, 9.10.3), as PDF/A asks.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

_OBJECT = re.compile(rb"(\d+) 0 obj(.*?)endobj", re.DOTALL)
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_GLYPH = re.compile(rb"<([0-9A-F]{4})> <([0-9A-F]+)>")
_INNER = rb"(?:\\.|[^()\\])*"
for _ in range(4):  # parentheses that match need no backslash, however deep
    _INNER = rb"(?:\\.|[^()\\]|\(" + _INNER + rb"\))*"
_A_STRING = rb"\(" + _INNER + rb"\)|<[0-9A-F]*>"
_SHOWN = re.compile(
    rb"/(f\d+) [\d.]+ Tf|\[((?:" + _A_STRING + rb"|[-\d.\s])*)\]TJ|\bET\b", re.DOTALL
)
_STRING = re.compile(_A_STRING, re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def pages_of(pdf: bytes) -> list[str]:
    """The text of each page; what stands in one line of the paper stands in one here."""
    objects = {int(number): body for number, body in _OBJECT.findall(pdf)}
    return [
        "".join(_text(objects, body))
        for body in objects.values()
        if re.search(rb"/Type/Page\b(?!s)", body)
    ]


def text_of(pdf: bytes) -> str:
    """The text of all pages, with single blanks where a line is broken."""
    return " ".join(" ".join(pages_of(pdf)).split())


def _text(objects: dict[int, bytes], page: bytes) -> Iterator[str]:
    fonts = _fonts(objects, objects[_reference(page, b"Resources")])
    glyphs: dict[int, str] = {}
    for font, array in _SHOWN.findall(_content(objects[_reference(page, b"Contents")])):
        if font:
            glyphs = fonts[font]
        elif array:
            for string in _STRING.findall(array):
                codes = _bytes(string)
                yield "".join(
                    glyphs.get(int.from_bytes(codes[at : at + 2]), "")
                    for at in range(0, len(codes), 2)
                )
        else:
            yield "\n"


def _fonts(objects: dict[int, bytes], resources: bytes) -> dict[bytes, dict[int, str]]:
    found = re.findall(rb"/(f\d+) (\d+) 0 R", resources)
    return {name: _glyphs(objects, objects[int(number)]) for name, number in found}


def _glyphs(objects: dict[int, bytes], font: bytes) -> dict[int, str]:
    table = _content(objects[_reference(font, b"ToUnicode")])
    return {
        int(glyph, 16): bytes.fromhex(text.decode()).decode("utf-16-be")
        for glyph, text in _GLYPH.findall(table)
    }


def _reference(body: bytes, name: bytes) -> int:
    found = re.search(rb"/" + name + rb" (\d+) 0 R", body)
    assert found is not None, name
    return int(found[1])


def _content(body: bytes) -> bytes:
    found = _STREAM.search(body)
    assert found is not None
    return zlib.decompress(found[1]) if b"FlateDecode" in body else found[1]


def _bytes(string: bytes) -> bytes:
    if string.startswith(b"<"):
        return bytes.fromhex(string[1:-1].decode())
    return _ESCAPE.sub(_unescaped, string[1:-1])


def _unescaped(match: re.Match[bytes]) -> bytes:
    said = match[1]
    if said[:1].isdigit():
        return bytes([int(said, 8)])
    return _NAMED.get(said, said)
