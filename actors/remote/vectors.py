"""Texts as an embedding endpoint takes them, and its answers as vectors that can be trusted."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError, ModelFault

MAX_CHARACTERS = 2_000
"""Longer texts are cut: a product says what it is at the beginning."""

NOTHING = "-"
"""What is sent of a text without a letter: endpoints refuse an empty one."""


def sendable(text: str) -> str:
    r"""A text as it is sent: not empty, not endless, and valid UTF-8.

    >>> sendable("  "), sendable("Rose\ud800 Mug")
    ('-', 'Rose? Mug')
    """
    return text[:MAX_CHARACTERS].encode("utf-8", "replace").decode().strip() or NOTHING


def about_tokens(text: str) -> int:
    """Tokens of a text, rather too many: a third of its bytes.

    >>> about_tokens("Rose Mug")
    3
    """
    return -(-len(text.encode("utf-8", "replace")) // 3)


def most_tokens(text: str) -> int:
    """Tokens that a text can't have more of: byte-level vocabularies have a token for each byte at worst."""
    return len(text.encode("utf-8", "replace"))


def batches(texts: Sequence[str], max_inputs: int, max_tokens: int) -> list[list[int]]:
    """Positions of `texts` in batches for one call each, in input order, as few as that order allows.

    Args:
        texts: As they are sent.
        max_inputs: Most texts of a batch.
        max_tokens: Most tokens of a batch by `about_tokens`; a text that alone has more is a batch by itself.
    """
    parts: list[list[int]] = []
    room = 0
    for position, text in enumerate(texts):
        tokens = about_tokens(text)
        if not parts or len(parts[-1]) >= max_inputs or tokens > room:
            parts.append([])
            room = max_tokens
        parts[-1].append(position)
        room -= tokens
    return parts


def checked_vectors(data: Sequence[tuple[int, Sequence[float]]], count: int, width: int) -> NDArray[np.float32]:
    """An endpoint's vectors in the order of the texts, scaled to unit length.

    Args:
        data: Index and components of each, in whatever order they came.
        count: Number of texts.
        width: Components of a vector.

    Returns:
        `(count, width)` vectors of unit length.

    Raises:
        ModelError: not one vector for each text, a wrong width, or a vector that has no direction.
    """
    if sorted(index for index, _ in data) != list(range(count)):
        raise _wrong(f"{len(data)} vectors whose indices are not 0 to {count - 1}, each once")
    widths = {len(vector) for _, vector in data}
    if widths - {width}:
        found = ", ".join(map(str, sorted(widths)))
        raise _wrong(f"vectors of {found} components, expected {width}; check the model's name or models.dimensions")
    vectors = np.empty((count, width), dtype=np.float64)
    for index, vector in data:
        vectors[index] = vector
    lengths = np.linalg.norm(vectors, axis=1)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        bad = int((~(np.isfinite(lengths) & (lengths > 0))).sum())
        raise _wrong(f"{bad} of {count} vectors that are not finite, or zero")
    return np.asarray(vectors / lengths[:, None], dtype=np.float32)


def _wrong(found: str) -> ModelError:
    return ModelError(ModelFault.BAD_OUTPUT, f"the embedding model returned {found}")
