"""Answers of an OpenAI-compatible chat model."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

from pydantic import BaseModel

from actors.remote.line import Line
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
        latest: Unix seconds by purpose: no answer is waited for longer, even where the caller would.
    """

    def __init__(self, config: ModelsConfig, line: Line, latest: Mapping[str, float] | None = None) -> None:
        self._config, self._line, self._latest = config, line, dict(latest or {})

    @property
    def info(self) -> ModelInfo:
        """Identity of the model."""
        return self._config.chat_info

    def answer(self, prompts: Sequence[Prompt], deadline: float) -> list[BaseModel | Unanswered]:
        """An answer to each prompt, in order, asked side by side."""
        until = [min(deadline, self._latest.get(prompt.purpose, deadline)) for prompt in prompts]
        asked = [self._line.chat(prompt, at) for prompt, at in zip(prompts, until, strict=True)]
        return [_result(future, at) for future, at in zip(asked, until, strict=True)]


def _result(future: "Future[BaseModel | Unanswered]", deadline: float) -> BaseModel | Unanswered:
    try:
        return future.result(timeout=max(0.0, deadline - time.time()) + GRACE_S)
    except TimeoutError:
        return Unanswered(ModelFault.DEADLINE, "time was up before an answer came")
    except Exception as error:  # whatever a gateway dies of, a run goes on without it
        return Unanswered(ModelFault.UNAVAILABLE, f"the gateway to the models failed ({type(error).__name__})")
