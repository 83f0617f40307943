"""Records, quotes and lines against the standard library's reader."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UnreadableFileError
from pipeline.ingest.records import find_records

tricky = st.text(alphabet='ab",;\n\r x', max_size=60)
fields = st.text(alphabet='ab",;\n\r é', max_size=8)


def standard(text: str) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(text, newline="")) if row]


@given(tricky)
def test_records_are_those_of_the_standard_reader(text: str) -> None:
    try:
        records = find_records(text.encode(), ",", "f.csv")
    except UnreadableFileError:
        with pytest.raises(csv.Error):
            list(csv.reader(io.StringIO(text, newline=""), strict=True))
        return

    pieces = [text.encode()[start:end].decode() for start, end in zip(records.start, records.end, strict=True)]
    assert [next(csv.reader(io.StringIO(piece, newline=""))) for piece in pieces] == standard(text)


@given(
    st.lists(st.lists(fields, min_size=2, max_size=4), min_size=1, max_size=6), st.sampled_from(["\n", "\r\n", "\r"])
)
def test_what_a_writer_wrote_is_split_as_written(rows: list[list[str]], line_end: str) -> None:
    stream = io.StringIO()
    csv.writer(stream, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(rows)

    records = find_records(stream.getvalue().encode(), ",", "f.csv")

    assert len(records) == len(rows)
    assert not records.bad_quote.any()


def test_lines_are_physical_and_count_those_inside_quotes() -> None:
    records = find_records(b'a,b\n\n"x\ny\r\nz",1\nc,d\n', ",", "f.csv")

    assert records.line.tolist() == [1, 3, 6]
    assert records.spans_lines


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_any_line_end_ends_a_record(line_end: str) -> None:
    text = line_end.join(["a,b", "1,2", "", "3,4"]).encode()

    records = find_records(text, ",", "f.csv")

    assert [text[start:end] for start, end in zip(records.start, records.end, strict=True)] == [b"a,b", b"1,2", b"3,4"]
    assert records.line.tolist() == [1, 2, 4]


@pytest.mark.parametrize(
    "text",
    [
        'a,b\n1,"open\n2,x\n',
        'a,b\n1,"open\n2,"closed"\n3,y\n',
        'a,b\n1,"open ""and doubled\n2,"",z\n',
    ],
)
def test_a_quote_that_never_closes_is_named_by_the_line_that_opened_it(text: str) -> None:
    with pytest.raises(UnreadableFileError) as refused:
        find_records(text.encode(), ",", "orders.csv")

    assert refused.value.line == 2


def test_a_stray_quote_inside_a_field_is_text() -> None:
    records = find_records(b'a,b\n5" nail,1\n6" nail 7",2\n', ",", "f.csv")

    assert len(records) == 3
    assert not records.bad_quote.any()


def test_text_after_a_closing_quote_marks_its_record_alone() -> None:
    records = find_records(b'a,b\n"x"y,1\nz,2\n', ",", "f.csv")

    assert records.bad_quote.tolist() == [False, True, False]


@given(st.integers(0, 200))
def test_every_byte_belongs_to_the_record_that_holds_it(position: int) -> None:
    text = b'a,b\n"x\ny",1\nc,d'
    records = find_records(text, ",", "f.csv")
    position %= len(text)
    held = records.holding(np.array([position]))

    assert held.sum() == 1
    assert records.start[held][0] <= position
