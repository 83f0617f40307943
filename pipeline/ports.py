"""What the core needs from outside, named by role."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # settings name models, and are read before anything heavy is needed
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray
    from pydantic import BaseModel


class Folder(Protocol):
    """Files at rest. A file appears whole or not at all, and any number of processes may read and write at once."""

    @property
    def name(self) -> str:
        """Last part of where it is."""

    def __truediv__(self, name: str) -> "Folder":
        """A folder within."""

    def read(self, name: str, *, keep: bool = False) -> "pa.Buffer":
        """The content of a file.

        Args:
            name: The file's name.
            keep: Whether a copy stays on this machine; for files that never change and are read again and again.

        Raises:
            FileNotFoundError: there is none.
        """

    def write(self, name: str, content: "bytes | pa.Buffer") -> None:
        """Write a file; what had its name before is gone."""

    def write_first(self, name: str, content: bytes) -> bytes:
        """Write a secret of which there is one, unless it is there; what counts from now on."""

    def names(self) -> list[str]:
        """The files, by name; none where there is no such folder."""

    def remove(self, name: str) -> None:
        """Take a file out, if it is there."""

    def forget(self, name: str) -> None:
        """Drop this machine's copy of a file that is gone."""


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

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """`(len(texts), info.dimension)` vectors of unit length, each independent of the other texts."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question to a text model, and the shape of its answer. Equal prompts have equal answers kept."""

    purpose: str
    """What the answer is for: `tags`, `proposals`, `advice` or `words`. A label of metrics, and part of the key."""
    version: str
    """Version of wording and schema: a changed one means other answers."""
    instructions: str
    """What we ask: the system role. Never holds a word of a store's own text."""
    data: str
    """What it is about, as JSON: the user role. Text of products is data, never instruction."""
    schema: "type[BaseModel]"
    """The answer must be one of these."""
    max_output_tokens: int


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Why a prompt has no answer: a result, so that a run goes on without it."""

    code: str
    """One of the names of `pipeline.errors.ModelError`'s kinds, such as `rate_limited` or `bad_output`."""
    detail: str


class TextGenerator(Protocol):
    """Answers prompts in fixed schemas."""

    @property
    def info(self) -> ModelInfo:
        """Identity of the model; its dimension is 0."""

    def answer(self, prompts: Sequence[Prompt], deadline: float) -> "list[BaseModel | Unanswered]":
        """An answer to each prompt, in order: an instance of its schema, or why there is none by `deadline`.

        Args:
            prompts: The questions; they are asked side by side.
            deadline: Unix seconds at which the caller goes on without what is missing.
        """
