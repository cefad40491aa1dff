"""Compiles every catalogue: each `*.po` becomes its `*.mo`.

    python -m tools.build_messages

The compiled files are kept in the tree, because the machines that a wheel is built on need no
gettext; a test holds them to their sources. Format: GNU gettext manual, "The Format of GNU MO
Files".
"""

from __future__ import annotations

import ast
import struct
from collections.abc import Mapping
from pathlib import Path

import click

TREE = Path(__file__).resolve().parent.parent
_MAGIC = 0x950412DE
_HEADER_BYTES = 28
_CONTEXT, _NUL = "\x04", "\x00"


def read_po(text: str) -> dict[str, str]:
    """Return the messages of a catalogue as its compiled form has them, the header under "".

    A context stands before its message, behind a mark; plurals stand behind one another.
    """
    messages: dict[str, str] = {}
    pair: dict[str, str] = {}
    keyword = ""
    for line in [*text.splitlines(), 'msgid ""']:
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if not stripped.startswith('"'):
            keyword, _, stripped = stripped.partition(" ")
            if "msgid" in pair and keyword in {"msgctxt", "msgid"} and _is_whole(pair):
                messages[_key(pair)] = _translation(pair)
                pair = {}
        pair[keyword] = pair.get(keyword, "") + ast.literal_eval(stripped)
    return messages


def _is_whole(pair: Mapping[str, str]) -> bool:
    return any(keyword.startswith("msgstr") for keyword in pair)


def _key(pair: Mapping[str, str]) -> str:
    context = f"{pair['msgctxt']}{_CONTEXT}" if "msgctxt" in pair else ""
    plural = f"{_NUL}{pair['msgid_plural']}" if "msgid_plural" in pair else ""
    return f"{context}{pair['msgid']}{plural}"


def _translation(pair: Mapping[str, str]) -> str:
    said = [text for keyword, text in sorted(pair.items()) if keyword.startswith("msgstr")]
    return _NUL.join(said)


def compile_mo(messages: Mapping[str, str]) -> bytes:
    """Return the bytes of a compiled catalogue; messages without a translation are left out."""
    kept = sorted((msgid.encode(), msgstr.encode()) for msgid, msgstr in messages.items() if msgstr)
    tables_bytes = 2 * 8 * len(kept)
    content, offset = b"", _HEADER_BYTES + tables_bytes
    tables: list[bytes] = []
    for column in range(2):
        for message in kept:
            text = message[column]
            tables.append(struct.pack("<II", len(text), offset + len(content)))
            content += text + b"\x00"
    translations_at = _HEADER_BYTES + tables_bytes // 2
    header = struct.pack("<7I", _MAGIC, 0, len(kept), _HEADER_BYTES, translations_at, 0, 0)
    return header + b"".join(tables) + content


def sources() -> list[Path]:
    """Every catalogue of the programs."""
    programs = ("terminal", "provisioning", "server_stub")
    folders = (TREE / program / "locale" for program in programs)
    return sorted(path for folder in folders for path in folder.rglob("*.po"))


@click.command()
def main() -> None:
    """Compile every catalogue."""
    for source in sources():
        target = source.with_suffix(".mo")
        target.write_bytes(compile_mo(read_po(source.read_text("utf-8"))))
        click.echo(target.relative_to(TREE))


if __name__ == "__main__":
    main()
