"""What the core needs from outside, named by role."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Which model made a set of vectors. Part of every cache key: vectors of two models never mix."""

    provider: str
    model: str
    revision: str
    """sha256 of the weights, or the provider's snapshot name."""
    dimension: int

    @property
    def key(self) -> str:
        """A name for folders and evidence."""
        return f"{self.provider}-{self.model}-{self.revision[:12]}-{self.dimension}"


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def info(self) -> ModelInfo:
        """Identity of the model."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`(len(texts), info.dimension)` vectors of unit length, each independent of the other texts."""
