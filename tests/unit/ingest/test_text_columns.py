"""Columns of text: trimmed, and without what nobody sees."""

import re

import pyarrow as pa
import pytest

from pipeline.ingest.table import TRIMMED, Text

INVISIBLE = [
    chr(code) for code in range(1, 0x10000)
    if re.fullmatch(re.sub(r"\\x\{(\w+)\}", lambda found: f"\\u{int(found[1], 16):04x}", TRIMMED), chr(code))
]  # fmt: skip


@pytest.mark.parametrize("character", INVISIBLE, ids=lambda character: f"U+{ord(character):04X}")
def test_an_invisible_character_is_taken_out_wherever_it_stands(character: str) -> None:
    column = Text.of(pa.array([f"{character}A{character}B{character}", "AB", character]))

    assert column.distinct() == ["", "AB"]
    assert column.codes.tolist() == [1, 1, 0]


def test_a_space_that_does_not_break_stays_inside_a_text() -> None:
    assert Text.of(pa.array(["A\u00a0B", "\u00a0A"])).distinct() == ["", "A", "A\u00a0B"]
