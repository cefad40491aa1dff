"""The newer SQLite of apsw over the same disk, through apsw's own VFS: a second opinion.

Whatever our way into the shipped library gets wrong, this one does not share: it is another
library, another version, and an interface that others maintain.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw

from simulator.disk import Disk
from simulator.vfs import OK


class _File(apsw.VFSFile):
    """A file of the default VFS whose changes the disk hears of, or refuses."""

    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        path = Path(name.filename() if isinstance(name, apsw.URIFilename) else str(name))
        self._disk = disk
        result, self._handle = disk.open(
            path.name, flags[0], _done(lambda: apsw.VFSFile.__init__(self, "", name, flags))
        )
        _check(result)

    def xClose(self) -> None:  # noqa: N802 - apsw's name
        """Close."""
        self._disk.close(self._handle)
        super().xClose()

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - apsw's name
        """Write."""
        content, write = bytes(data), super().xWrite

        def proceed(amount: int) -> int:
            write(content[:amount], offset)
            return OK

        _check(self._disk.write(self._handle, offset, content, proceed))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - apsw's name
        """Truncate."""
        truncate = super().xTruncate
        _check(self._disk.truncate(self._handle, newsize, _done(lambda: truncate(newsize))))

    def xSync(self, flags: int) -> None:  # noqa: N802 - apsw's name
        """Sync."""
        sync = super().xSync
        _check(self._disk.sync(self._handle, _done(lambda: sync(flags))))


class _Vfs(apsw.VFS):
    """The default VFS, for one disk."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self.name = f"disk of {disk.folder}"
        super().__init__(self.name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - apsw's name
        """Open."""
        if name is None:
            return apsw.VFSFile("", name, flags)
        return _File(self._disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - apsw's name
        """Delete."""
        delete = super().xDelete
        name = Path(filename).name
        proceed = _done(lambda: delete(filename, syncdir))
        _check(self._disk.delete(name, proceed, syncs_names=syncdir))


class Newer(apsw.Connection):
    """A connection of apsw's SQLite over a disk (a `simulator.crash.modes.Engine`)."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self._vfs = _Vfs(disk)  # it is there for as long as somebody holds it
        super().__init__(str(path), vfs=self._vfs.name)


def _done(act: Callable[[], object]) -> Callable[[], int]:
    """Do something that raises when it fails, and say that it went well."""

    def proceed() -> int:
        act()
        return OK

    return proceed


def _check(result: int) -> None:
    if result != OK:
        raise apsw.exception_for(result)
