"""From a file's bytes to UTF-8, without losing a record over one bad byte."""

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import UnreadableFileError

_MULTIBYTE = (
    rb"[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
)
_MULTIBYTE += rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
VALID = re.compile(_MULTIBYTE)
VALID_OR_BAD = re.compile(rb"(?:" + _MULTIBYTE + rb")+|([\x80-\xff])")

BAD_PER_VALID = 10
"""Text with at least one valid multi-byte sequence for so many bad bytes is damaged UTF-8: in Latin-1 such sequences
(a capital with an accent before a symbol) are rarer."""


class Decoded(NamedTuple):
    """A file as valid UTF-8."""

    data: bytes
    encoding: str
    bad: NDArray[np.int64]
    """Positions in `data` of bytes that could not be decoded, a `?` now; ascending."""
    notes: tuple[str, ...]


NOTHING_BAD = np.zeros(0, dtype=np.int64)


def decode(data: bytes, file: str) -> Decoded:
    """Find the encoding of `data` and turn it into UTF-8.

    UTF-8 with or without a byte order mark, UTF-16 with one, else Windows-1252 (of which Latin-1's printable part is a
    subset). Bytes that do not decode are replaced and their positions kept, so that their records can be rejected.

    Raises:
        UnreadableFileError: UTF-16 that is cut off, or without its byte order mark.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _utf16(data, file)
    if data.startswith(b"\xef\xbb\xbf"):
        return _utf8(data[3:], "utf-8-sig")
    head = data[:4096]
    if len(head) >= 8 and head.count(0) * 3 > len(head):
        raise UnreadableFileError(file, "looks like UTF-16 without a byte order mark; save it as UTF-8")
    return _utf8(data, "utf-8")


def _utf16(data: bytes, file: str) -> Decoded:
    try:
        text = data.decode("utf-16")
    except UnicodeDecodeError:
        raise UnreadableFileError(file, "begins as UTF-16 but does not decode; save it as UTF-8") from None
    return Decoded(text.encode("utf-8"), "utf-16", NOTHING_BAD, ("read as UTF-16",))


def _utf8(data: bytes, encoding: str) -> Decoded:
    if data.isascii() or _is_utf8(data):
        return Decoded(data, encoding, NOTHING_BAD, ())
    rest, valid = VALID.subn(b"", data)
    bad = int(np.count_nonzero(np.frombuffer(rest, dtype=np.uint8) & 0x80))
    if encoding == "utf-8" and valid * BAD_PER_VALID < bad:
        return _windows(data)
    repaired = VALID_OR_BAD.sub(lambda match: b"?" if match[1] else match[0], data)
    changed = np.frombuffer(repaired, dtype=np.uint8) != np.frombuffer(data, dtype=np.uint8)
    return Decoded(
        repaired, encoding, np.flatnonzero(changed), (f"{bad:,} bytes are no UTF-8; their records were rejected",)
    )


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _windows(data: bytes) -> Decoded:
    """Windows-1252, and Latin-1 for the five bytes that it leaves undefined."""
    try:
        return Decoded(
            data.decode("cp1252").encode("utf-8"), "cp1252", NOTHING_BAD, ("no UTF-8: read as Windows-1252",)
        )
    except UnicodeDecodeError:
        text = data.decode("latin-1")
        return Decoded(text.encode("utf-8"), "latin-1", NOTHING_BAD, ("no UTF-8: read as Latin-1",))
