"""Where each record of a CSV begins: an exact, vectorised reading of RFC 4180's quotes and line ends."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import UnreadableFileError

QUOTE, LF, CR, NUL = 34, 10, 13, 0
BLOCK = 1 << 24

Bytes = NDArray[np.uint8]
Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a CSV file, blank lines left out, the header among them."""

    start: Positions
    """`(n,)` position of each record's first byte."""
    end: Positions
    """`(n,)` position after its last byte, before the line end."""
    line: Positions
    """`(n,)` 1-based physical line where it begins."""
    bad_quote: NDArray[np.bool_]
    """`(n,)` a quoted field goes on after its closing quote."""
    spans_lines: bool
    """Some record holds a line end inside quotes."""

    def __len__(self) -> int:
        return len(self.start)

    def holding(self, positions: Positions) -> NDArray[np.bool_]:
        """`(n,)` which records hold one of the byte `positions`."""
        marked = np.zeros(len(self), dtype=bool)
        at = np.searchsorted(self.start, positions, side="right") - 1
        marked[at[at >= 0]] = True
        return marked


def find_records(data: bytes, delimiter: str, file: str) -> Records:
    """Split `data` into records.

    A quote opens a field only as its first character, as RFC 4180 has it; inside an unquoted field it is text, as all
    common readers take it. A file whose quotes are all well placed is split by parity alone; otherwise they are
    walked one by one.

    Raises:
        UnreadableFileError: A quote that never closes, or that "closes" lines later in the middle of another field;
            names the line that opened it.
    """
    text = np.frombuffer(data, dtype=np.uint8)
    ends = _line_ends(text)
    quotes = _find(text, QUOTE)
    opens, closes, bad = _pair(text, quotes, ord(delimiter), ends, file)
    inside = np.searchsorted(opens, ends) > np.searchsorted(closes, ends)
    breaks = ends[~inside]
    after = breaks + 1
    start = np.concatenate(([0], after))
    end = np.concatenate((breaks, [len(text)]))
    end -= _follows_return(text, start, end)
    filled = end > start
    start, end = start[filled], end[filled]
    line = np.searchsorted(ends, start) + 1
    records = Records(start, end, line, np.zeros(len(start), dtype=bool), bool(inside.any()))
    return records if not len(bad) else Records(start, end, line, records.holding(bad), records.spans_lines)


def _find(text: Bytes, byte: int) -> Positions:
    """Positions of `byte`, looked for block by block to keep the masks small."""
    found = [np.flatnonzero(text[at : at + BLOCK] == byte) + at for at in range(0, len(text), BLOCK)]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _line_ends(text: Bytes) -> Positions:
    """Positions of the last byte of each line end: LF, CR LF or CR."""
    feeds, returns = _find(text, LF), _find(text, CR)
    if not len(returns):
        return feeds
    lone = returns[text[np.minimum(returns + 1, len(text) - 1)] != LF]
    return np.sort(np.concatenate((feeds, lone))) if len(lone) else feeds


def _follows_return(text: Bytes, start: Positions, end: Positions) -> NDArray[np.bool_]:
    """Which records end before a CR LF: the LF is the line end, and the CR is no part of the record."""
    if not len(text):
        return np.zeros(len(start), dtype=bool)
    feed = (end < len(text)) & (text[np.minimum(end, len(text) - 1)] == LF)
    return np.asarray(feed & (end > start) & (text[end - 1] == CR))


def _pair(
    text: Bytes, quotes: Positions, delimiter: int, ends: Positions, file: str
) -> tuple[Positions, Positions, Positions]:
    """Positions of the quotes that open a field, of those that close it, and of bad closing quotes."""
    if not len(quotes):
        return quotes, quotes, quotes
    before = np.where(quotes > 0, text[quotes - 1], delimiter)
    behind = np.where(quotes + 1 < len(text), text[np.minimum(quotes + 1, len(text) - 1)], LF)
    may_open = (before == delimiter) | (before == LF) | (before == CR)
    may_close = (behind == delimiter) | (behind == LF) | (behind == CR)
    doubled = np.concatenate((np.diff(quotes) == 1, [False]))
    # In a well-formed file quotes alternate: open, close. A doubled quote counts as closing and opening again at once.
    even, odd = may_open[::2].copy(), (may_close | doubled)[1::2]
    even[1:] |= doubled[1::2][: len(even) - 1]
    if len(quotes) % 2 == 0 and even.all() and odd.all():
        return quotes[::2], quotes[1::2], quotes[:0]
    return _walk(quotes, may_open, may_close, doubled, ends, file)


def _walk(
    quotes: Positions,
    may_open: NDArray[np.bool_],
    may_close: NDArray[np.bool_],
    doubled: NDArray[np.bool_],
    ends: Positions,
    file: str,
) -> tuple[Positions, Positions, Positions]:
    """`_pair` for a file with stray quotes: one after the other, inside or outside a quoted field."""
    opens: list[int] = []
    closes: list[int] = []
    bad: list[int] = []
    facts = zip(quotes.tolist(), may_open.tolist(), may_close.tolist(), doubled.tolist(), strict=True)
    is_open = False
    for place, can_open, can_close, is_doubled in facts:
        if not is_open:
            if can_open:
                opens.append(place)
                is_open = True
        elif is_doubled:
            next(facts)
        else:
            if not can_close:
                _refuse_if_it_spans_lines(opens[-1], place, ends, file)
                bad.append(place)
            closes.append(place)
            is_open = False
    if is_open:
        raise UnreadableFileError(file, "a quote opens a field here and never closes", _line_of(opens[-1], ends))
    return np.array(opens, dtype=np.int64), np.array(closes, dtype=np.int64), np.array(bad, dtype=np.int64)


def _refuse_if_it_spans_lines(opened: int, closed: int, ends: Positions, file: str) -> None:
    first, last = _line_of(opened, ends), _line_of(closed, ends)
    if first != last:
        raise UnreadableFileError(
            file, f"a quote opens a field here and is not closed before the text of line {last}", first
        )


def _line_of(place: int, ends: Positions) -> int:
    return int(np.searchsorted(ends, place)) + 1
