"""A way to a gateway."""

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from pipeline.ports import Prompt, Unanswered


class Line(Protocol):
    """One run's way to a gateway: what is asked goes on its way at once, and its answer is a future."""

    def embed(self, texts: Sequence[str], deadline: float) -> "Future[NDArray[np.float32] | Unanswered]":
        """Vectors of one call's texts, as `Gateway.embed`."""

    def chat(self, prompt: Prompt, deadline: float) -> "Future[BaseModel | Unanswered]":
        """An answer, as `Gateway.chat`."""
