"""Bytes to UTF-8."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UnreadableFileError
from pipeline.ingest.encoding import decode

TEXT = "Käse für Éric – 5 €\n"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8-sig"),
        (TEXT.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16"),
        (TEXT.encode("cp1252"), "cp1252"),
    ],
)
def test_text_comes_through_whatever_it_was_written_in(data: bytes, encoding: str) -> None:
    decoded = decode(data, "f.csv")

    assert decoded.data.decode() == TEXT
    assert decoded.encoding == encoding


@given(st.text())
def test_valid_utf8_is_left_as_it_is(text: str) -> None:
    data = ("x" + text.replace("\0", "")).encode()

    assert decode(data, "f.csv").data == data


@given(st.binary(max_size=80))
def test_any_bytes_become_valid_utf8_or_are_refused(data: bytes) -> None:
    try:
        decoded = decode(data, "f.csv")
    except UnreadableFileError:
        return

    decoded.data.decode()
    assert all(decoded.data[at : at + 1] == b"?" for at in decoded.bad.tolist())


def test_a_bad_byte_in_utf8_is_marked_and_the_rest_kept() -> None:
    decoded = decode("é,1\n".encode() + b"\xe9,2\n", "f.csv")

    assert decoded.data == "é,1\n?,2\n".encode()
    assert decoded.bad.tolist() == [5]


def test_bytes_that_windows_leaves_undefined_are_latin_1() -> None:
    assert decode(b"caf\xe9 \x81", "f.csv").encoding == "latin-1"


def test_utf16_without_its_mark_is_refused_in_a_sentence() -> None:
    with pytest.raises(UnreadableFileError, match="byte order mark"):
        decode("order_id,sku\n".encode("utf-16-le"), "f.csv")
