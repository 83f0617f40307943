"""Vectors of an OpenAI-compatible endpoint."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actors.remote.line import Line
from actors.remote.vectors import batches, sendable
from configs.models import ModelsConfig
from pipeline.context.embedding import unique_texts
from pipeline.errors import ModelError, ModelFault
from pipeline.ports import ModelInfo, Unanswered

GRACE_S = 1.0
"""How long after its deadline an answer of the gateway may come before the gateway itself is given up."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """One call's worth of texts, and their vectors or why there are none."""

    texts: list[str]
    vectors: NDArray[np.float32] | Unanswered


class OpenAIEmbedder:
    """An `Embedder` of any endpoint that speaks OpenAI's interface: OpenAI, vLLM, Ray Serve LLM, Ollama.

    Args:
        config: Which model, and how many texts a call may hold.
        line: The way to the gateway.
        patience_s: How long without any answer, in seconds, before what is missing is given up.
    """

    def __init__(self, config: ModelsConfig, line: Line, patience_s: float = 60.0) -> None:
        self._config, self._line, self._patience_s = config, line, patience_s

    @property
    def info(self) -> ModelInfo:
        """Identity of the model."""
        return self._config.embedding_info

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`(len(texts), width)` vectors of unit length; equal texts are asked for once.

        Raises:
            ModelError: a vector could not be had: none is returned, rather than some.
        """
        unique = unique_texts(texts)
        rows = {text: row for row, text in enumerate(unique)}
        vectors = np.empty((len(unique), self.info.dimension), dtype=np.float32)
        for part in self.each(unique):
            if isinstance(part.vectors, Unanswered):
                raise ModelError(ModelFault(part.vectors.code), part.vectors.detail)
            vectors[[rows[text] for text in part.texts]] = part.vectors
        return vectors[[rows[text] for text in texts]]

    def each(self, texts: Sequence[str]) -> Iterator[Embedded]:
        """Parts of the texts with their vectors, as the answers come; every text is in one of them.

        All are asked for when this returns: the caller may do other things before it takes the first part. Waiting
        ends where no answer came for as long as the patience lasts, however many there were before.
        """
        sent = [sendable(text) for text in texts]
        can = self._config.capabilities
        parts = batches(sent, can.max_inputs, can.max_request_tokens)
        waves = -(-len(parts) // self._config.pacing.embedding_calls)
        deadline = time.time() + self._patience_s * max(1, waves)
        asked = {self._line.embed([sent[row] for row in rows], deadline): rows for rows in parts}
        return self._answers(texts, asked)

    def _answers(
        self, texts: Sequence[str], asked: "dict[Future[NDArray[np.float32] | Unanswered], list[int]]"
    ) -> Iterator[Embedded]:
        waiting = dict(asked)
        while waiting:
            try:
                future = next(as_completed(waiting, timeout=self._patience_s + GRACE_S))
            except TimeoutError:
                silence = Unanswered(ModelFault.TIMED_OUT, f"no answer for {self._patience_s:g} s")
                for future, rows in waiting.items():
                    future.cancel()
                    yield Embedded([texts[row] for row in rows], silence)
                return
            yield Embedded([texts[row] for row in waiting.pop(future)], answer_of(future))


def answer_of(future: "Future[NDArray[np.float32] | Unanswered]") -> NDArray[np.float32] | Unanswered:
    """The answer of a gateway, or that the gateway itself is gone."""
    try:
        return future.result()
    except Exception as error:  # whatever a gateway dies of, a run goes on without it
        return Unanswered(ModelFault.UNAVAILABLE, f"the gateway to the models failed ({type(error).__name__})")
