"""Answers of an OpenAI-compatible chat model."""

import time
from collections.abc import Sequence
from concurrent.futures import Future

from pydantic import BaseModel

from actors.remote.lines import Line
from configs.models import ModelsConfig
from pipeline.errors import ModelFault
from pipeline.ports import ModelInfo, Prompt, Unanswered

GRACE_S = 1.0
"""How long after the deadline the gateway's own word for that may come."""


class OpenAIWriter:
    """A `TextGenerator` of any endpoint that speaks OpenAI's interface.

    Args:
        config: Which model.
        line: The way to the gateway.
    """

    def __init__(self, config: ModelsConfig, line: Line) -> None:
        self._config, self._line = config, line

    @property
    def info(self) -> ModelInfo:
        """Identity of the model."""
        return self._config.chat_info

    def answer(self, prompts: Sequence[Prompt], deadline: float) -> list[BaseModel | Unanswered]:
        """An answer to each prompt, in order, asked side by side."""
        asked = [self._line.chat(prompt, deadline) for prompt in prompts]
        return [_result(future, deadline) for future in asked]


def _result(future: "Future[BaseModel | Unanswered]", deadline: float) -> BaseModel | Unanswered:
    try:
        return future.result(timeout=max(0.0, deadline - time.time()) + GRACE_S)
    except TimeoutError:
        return Unanswered(ModelFault.DEADLINE, "time was up before an answer came")
    except Exception as error:  # whatever a gateway dies of, a run goes on without it
        return Unanswered(ModelFault.UNAVAILABLE, f"the gateway to the models failed ({type(error).__name__})")
