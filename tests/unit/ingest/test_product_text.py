"""Text that strangers wrote."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.text import INVISIBLE, joined_tags, plain_line, plain_text, web_address


@given(st.text())
def test_a_line_holds_nothing_invisible_and_no_line_end(text: str) -> None:
    line = plain_line(text)

    assert not INVISIBLE.search(line)
    assert line == " ".join(line.split())


@given(st.text(), st.integers(1, 50))
def test_a_description_is_never_longer_than_it_may_be(text: str, longest: int) -> None:
    assert len(plain_text(text, longest)) <= longest


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>Soft &amp; warm</p>", "Soft & warm"),
        ("a<br>b", "a b"),
        ("3 < 5 and 7 > 6", "3 < 5 and 7 > 6"),
        ("<script>steal()</script>tea", "tea"),
        ("<!-- note -->tea<style>p{}</style>", "tea"),
        ("tea<script>never closed", "tea"),
        ("<img src=x onerror=alert(1)>tea", "tea"),
    ],
)
def test_a_description_is_its_text_alone(markup: str, text: str) -> None:
    assert plain_text(markup, 100) == text


@pytest.mark.parametrize(
    "bomb", ["<" * 100_000, "<!--" * 50_000, "<script" * 50_000, "</script " * 50_000, "<p " * 50_000]
)
def test_hostile_markup_takes_no_time(bomb: str) -> None:
    begun = time.perf_counter()

    plain_text(bomb, 100)

    assert time.perf_counter() - begun < 1


def test_tags_are_a_sorted_set_in_lower_case() -> None:
    assert joined_tags("Gift, sale ,,gift") == "gift, sale"


@pytest.mark.parametrize(
    "text", ["javascript:alert(1)", 'http://x/" onload=', "data:image/png;base64,AA", "//cdn/x.jpg", ""]
)
def test_only_web_addresses_are_addresses(text: str) -> None:
    assert web_address(text) == ""


def test_a_web_address_is_kept() -> None:
    assert web_address(" https://cdn.example/a.jpg?v=1 ") == "https://cdn.example/a.jpg?v=1"
