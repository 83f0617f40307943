"""What a product says to the embedding model, and the vectors that are already known."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.context.segments import Keys, SegmentStore
from pipeline.errors import EmbeddingError
from pipeline.ingest.snapshot import Catalog
from pipeline.ports import Folder, ModelInfo
from pipeline.storage import as_folder

DESCRIPTION_CHARACTERS = 100
UNCATEGORISED = "uncategorised"
"""The category of products that have none: it would make strangers look alike."""
UNIT_TOLERANCE = 1e-3
"""How far from 1 the length of a vector may be."""


def product_text(title: str, category: str, description: str) -> str:
    """What one product says to the model: title, category, first 100 characters of its description.

    Parts that are empty, or the category `uncategorised`, are left out.

    >>> product_text("Rose Mug", "Kitchen", "")
    'Rose Mug. Kitchen'
    """
    parts = (title, "" if category == UNCATEGORISED else category, description[:DESCRIPTION_CHARACTERS])
    return ". ".join(part for part in parts if part)


def catalog_texts(catalog: Catalog) -> list[str]:
    """`product_text` of each row of the catalog."""
    categories = catalog.categories.to_pylist()
    titles, descriptions = catalog.title.to_pylist(), catalog.description.to_pylist()
    rows = zip(titles, catalog.category.tolist(), descriptions, strict=True)
    return [product_text(title, categories[category], description) for title, category, description in rows]


def length_batches(texts: Sequence[str], batch_size: int) -> list[list[int]]:
    """Positions of `texts` in batches that cost about the same to embed: neighbours in length go together.

    Shortest first, input order among equals, each batch full but the last.
    """
    order = sorted(range(len(texts)), key=lambda position: len(texts[position]))
    return [order[at : at + batch_size] for at in range(0, len(order), batch_size)]


def unique_texts(texts: Iterable[str]) -> list[str]:
    """Each text once, in order of first appearance."""
    return list(dict.fromkeys(texts))


class EmbeddingCache:
    """Vectors on disk by content, shared by all stores and by any number of processes.

    The key of a vector is (model, sha256 of the text), so a changed title is a new text and a changed model an empty
    cache. Nothing here is the only copy of anything: what is lost or damaged is embedded again.

    Args:
        root: Folder of the cache; each model has its own below it, made at the first `put`.
        model: The model whose vectors are meant.
    """

    def __init__(self, root: Folder | Path, model: ModelInfo) -> None:
        self._dimension = model.dimension
        self._segments = SegmentStore(as_folder(root) / _folder_name(model.key), model.dimension)

    def get(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The vectors of `texts`, as far as they are known.

        Returns:
            `(n, dimension)` float32 vectors and `(n,)` whether each is known; the rows of unknown texts are undefined.
        """
        return self._segments.read(_keys(texts))

    def missing(self, texts: Sequence[str]) -> list[str]:
        """The texts without a vector, each once, in order of first appearance."""
        unique = unique_texts(texts)
        is_known = self._segments.has(_keys(unique))
        return [text for text, known in zip(unique, is_known, strict=True) if not known]

    def put(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Keep the vectors of `texts`, all or none. The last of equal texts counts.

        Call it once for many texts rather than once a text: each call writes one file.

        Raises:
            EmbeddingError: A vector is not finite, not of the model's width or not of unit length.
        """
        self._check(texts, vectors)
        position = {text: row for row, text in enumerate(texts)}
        if position:
            rows = np.ascontiguousarray(vectors[list(position.values())], dtype=np.float32)
            self._segments.append(_keys(list(position)), rows)

    def _check(self, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        expected = (len(texts), self._dimension)
        if vectors.shape != expected:
            raise EmbeddingError(
                f"the embedding model returned an array of shape {vectors.shape}, expected {expected}; "
                "check the model's name and dimension in the settings"
            )
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
        is_wrong = ~(np.abs(lengths - 1) <= UNIT_TOLERANCE)  # written so that NaN is wrong
        if is_wrong.any():
            row = int(np.argmax(is_wrong))
            raise EmbeddingError(
                f"the embedding model returned {int(is_wrong.sum())} of {len(texts)} vectors that are no unit vectors "
                f"(the first, for {texts[row][:60]!r}, has length {lengths[row]:.3g}); none was kept: embed them again"
            )


def _keys(texts: Sequence[str]) -> Keys:
    digests = b"".join(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts)
    return np.ascontiguousarray(np.frombuffer(digests, dtype="<u8").reshape(len(texts), 4).T)


def _folder_name(key: str) -> str:
    """A model's key as one folder: models of other vendors have slashes and colons in their names."""
    plain = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in key)
    return plain if plain == key else f"{plain}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
