from pathlib import Path

import numpy as np
import pytest

from actors.minilm import BATCH_SIZE, DIMENSION, MiniLM
from pipeline.errors import EmbeddingError

TEXTS = [
    "Rose Mug. Kitchen",
    "",
    "Set of 6 Spice Tins Pantry Design",
    "Café crème — Tasse",
    "Rose Mug. Kitchen",
    "日本の湯呑み",
    "long " * 400,
    *(f"White hanging heart T-light holder {number}" for number in range(3 * BATCH_SIZE)),
]


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return MiniLM()


def test_vectors_have_the_stated_width_and_unit_length(model: MiniLM) -> None:
    vectors = model.embed(TEXTS)

    assert vectors.shape == (len(TEXTS), DIMENSION) == (len(TEXTS), model.info.dimension)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_a_vector_is_the_same_to_the_bit_alone_and_in_any_company(model: MiniLM) -> None:
    together = model.embed(TEXTS)

    alone = np.concatenate([model.embed([text]) for text in TEXTS])
    backwards = model.embed(TEXTS[::-1])[::-1]
    in_sevens = np.concatenate([model.embed(TEXTS[at : at + 7]) for at in range(0, len(TEXTS), 7)])

    assert (together == alone).all()
    assert (together == backwards).all()
    assert (together == in_sevens).all()


def test_what_means_the_same_is_closer_than_what_does_not(model: MiniLM) -> None:
    cup, mug, drill = model.embed(["ceramic tea cup", "porcelain coffee mug", "cordless power drill"])

    assert cup @ mug > 0.5 > 0.3 > cup @ drill


def test_no_text_gives_no_vector(model: MiniLM) -> None:
    assert model.embed([]).shape == (0, DIMENSION)


def test_other_weights_are_refused_in_a_sentence(tmp_path: Path) -> None:
    weights = tmp_path / "model.onnx"
    weights.write_bytes(b"not the model")

    with pytest.raises(EmbeddingError, match=r"weights .* sha256 .* expected .* reinstall"):
        MiniLM(weights).load()


def test_a_missing_vocabulary_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbeddingError, match=r"vocabulary .*vocab\.txt.*No such file"):
        MiniLM(vocabulary=tmp_path / "vocab.txt").load()
