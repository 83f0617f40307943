import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.remote.vectors import MAX_CHARACTERS, about_tokens, batches, checked_vectors, most_tokens, sendable
from pipeline.errors import ModelError

texts = st.lists(st.text(max_size=40), max_size=30)


@given(texts, st.integers(1, 7), st.integers(1, 50))
def test_batches_hold_every_text_once_in_order_and_keep_both_limits(
    given_texts: list[str], max_inputs: int, max_tokens: int
) -> None:
    parts = batches(given_texts, max_inputs, max_tokens)

    assert [row for part in parts for row in part] == list(range(len(given_texts)))
    for part in parts:
        assert len(part) <= max_inputs
        assert len(part) == 1 or sum(about_tokens(given_texts[row]) for row in part) <= max_tokens


@given(st.text())
def test_what_is_sent_is_never_empty_or_endless_and_valid_utf_8(text: str) -> None:
    sent = sendable(text + "\ud800")

    assert 0 < len(sent) <= MAX_CHARACTERS
    assert sendable(sent) == sent
    sent.encode("utf-8")


@given(st.text())
def test_the_worst_case_of_a_text_is_above_its_estimate(text: str) -> None:
    assert about_tokens(text) <= most_tokens(text)


def test_vectors_come_back_in_the_order_of_the_texts_and_of_unit_length() -> None:
    vectors = checked_vectors([(1, [0.0, 5.0]), (0, [3.0, 4.0])], 2, 2)

    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, [[0.6, 0.8], [0.0, 1.0]], rtol=1e-6)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([(0, [1.0, 0.0])], "indices are not 0 to 1"),
        ([(0, [1.0, 0.0]), (0, [1.0, 0.0])], "indices are not 0 to 1"),
        ([(0, [1.0, 0.0]), (1, [1.0])], "vectors of 1, 2 components, expected 2"),
        ([(0, [1.0, 0.0]), (1, [float("nan"), 0.0])], "1 of 2 vectors that are not finite"),
        ([(0, [1.0, 0.0]), (1, [0.0, 0.0])], "or zero"),
    ],
)
def test_a_vector_that_can_t_be_trusted_is_said(data: list[tuple[int, list[float]]], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        checked_vectors(data, 2, 2)
