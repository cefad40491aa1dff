"""A file in memory that the kernel takes for a disk: it logs every write and every flush.

Just enough of the FUSE protocol for one file, spoken to /dev/fuse without a library (Linux,
include/uapi/linux/fuse.h, protocol 7.31), so that a loop device can stand on it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import threading
from dataclasses import dataclass, field
from enum import IntEnum, unique
from pathlib import Path
from types import TracebackType
from typing import Final, Self

NAME: Final = "disk"
_ROOT, _FILE = 1, 2
_BUFFER: Final = (1 << 17) + (1 << 12)
_MAX_WRITE: Final = 1 << 17
_MINOR: Final = 31
_DIRECT_IO: Final = 1
_MNT_DETACH: Final = 2
_IN: Final = struct.Struct("<IIQQIIIHH")
_OUT: Final = struct.Struct("<IiQ")
_ATTR: Final = struct.Struct("<6Q10I")
_WRITE_OFFSET: Final = 8
_WRITE_HEAD: Final = 40
"""struct fuse_write_in: a handle, offset and size, and what is of no interest here."""
_VALID_S: Final = 3600
_SILENT: Final = frozenset({2, 36, 42})
"""FORGET, INTERRUPT and BATCH_FORGET have no answer."""


@unique
class _Op(IntEnum):
    LOOKUP = 1
    GETATTR = 3
    SETATTR = 4
    OPEN = 14
    READ = 15
    WRITE = 16
    STATFS = 17
    RELEASE = 18
    FSYNC = 20
    FLUSH = 25
    INIT = 26
    OPENDIR = 27
    RELEASEDIR = 29
    ACCESS = 34
    DESTROY = 38


@dataclass(frozen=True, slots=True)
class Block:
    """Bytes that the kernel has written at an offset of the disk."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Flush:
    """Everything that was written before is promised to last."""


@dataclass
class FuseDisk:
    """The file and its log; mounted while it is entered."""

    where: Path
    content: bytearray
    log: list[Block | Flush] = field(default_factory=list)
    _device: int = -1
    _thread: threading.Thread | None = None

    @property
    def path(self) -> Path:
        """The file that a loop device is set up on."""
        return self.where / NAME

    def __enter__(self) -> Self:
        """Mount it; raises OSError where that is not permitted."""
        self._device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self._device},rootmode=40000,user_id=0,group_id=0"
        libc = ctypes.CDLL(None, use_errno=True)
        target, kind = str(self.where).encode(), b"fuse"
        if libc.mount(b"clafoutis", target, kind, 0, options.encode()):
            error = ctypes.get_errno()
            os.close(self._device)
            raise OSError(error, os.strerror(error), str(self.where))
        self._thread = threading.Thread(target=self._serve, name="fuse disk", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        ctypes.CDLL(None).umount2(str(self.where).encode(), _MNT_DETACH)
        if self._thread is not None:
            self._thread.join(timeout=5)
        os.close(self._device)

    def _serve(self) -> None:
        """Answer the kernel until it has unmounted."""
        while True:
            try:
                request = os.read(self._device, _BUFFER)
            except OSError as error:
                if error.errno in {errno.EINTR, errno.EAGAIN, errno.ENOENT}:
                    continue
                return  # ENODEV: unmounted
            _, opcode, unique_id, node, *_ = _IN.unpack_from(request)
            if opcode in _SILENT:
                continue
            number, answer = self._answer(opcode, node, request[_IN.size :])
            head = _OUT.pack(_OUT.size + len(answer), -number, unique_id)
            os.write(self._device, head + answer)

    def _answer(self, opcode: int, node: int, body: bytes) -> tuple[int, bytes]:
        """Return an error number, or 0 and what the kernel has asked for."""
        number, answer = 0, b""
        match opcode:
            case _Op.INIT:
                version = struct.pack("<IIII", 7, _MINOR, _MAX_WRITE, 0)
                limits = struct.pack("<HHIIHHI28x", 12, 9, _MAX_WRITE, 1, 32, 0, 0)
                answer = version + limits
            case _Op.LOOKUP if body.rstrip(b"\0") == NAME.encode():
                names_last = struct.pack("<QQQQII", _FILE, 0, _VALID_S, _VALID_S, 0, 0)
                answer = names_last + self._attr(_FILE)
            case _Op.LOOKUP:
                number = errno.ENOENT
            case _Op.GETATTR | _Op.SETATTR:
                answer = struct.pack("<QII", _VALID_S, 0, 0) + self._attr(node)
            case _Op.OPEN | _Op.OPENDIR:
                answer = struct.pack("<QII", 1, _DIRECT_IO, 0)
            case _Op.READ:
                _, offset, size = struct.unpack_from("<QQI", body)
                answer = bytes(self.content[offset : offset + size])
            case _Op.WRITE:
                answer = struct.pack("<II", self._write(body), 0)
            case _Op.STATFS:
                answer = bytes(80)
            case _Op.FSYNC:
                self.log.append(Flush())
            case _Op.RELEASE | _Op.RELEASEDIR | _Op.FLUSH | _Op.ACCESS | _Op.DESTROY:
                pass
            case _:
                number = errno.ENOSYS
        return number, answer

    def _write(self, body: bytes) -> int:
        offset, size = struct.unpack_from("<QI", body, _WRITE_OFFSET)
        data = body[_WRITE_HEAD : _WRITE_HEAD + size]
        self.content[offset : offset + size] = data
        self.log.append(Block(offset, data))
        return int(size)

    def _attr(self, node: int) -> bytes:
        is_file = node == _FILE
        size = len(self.content) if is_file else 0
        mode = stat.S_IFREG | 0o600 if is_file else stat.S_IFDIR | 0o700
        times = (0,) * 6
        return _ATTR.pack(node, size, size // 512, *times, mode, 1, 0, 0, 0, 4096, 0)
