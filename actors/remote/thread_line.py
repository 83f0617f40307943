"""A gateway of a process's own, without Ray."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from threading import Thread
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from actors.remote.budget import Payer, Spent
from actors.remote.endpoint import Endpoint
from actors.remote.gateway import Gateway
from actors.remote.outcomes import Outcomes
from configs.models import ModelsConfig
from pipeline.ports import Prompt, Unanswered


class ThreadLine:
    """A gateway in a thread of this process, for one run.

    Args:
        config: The endpoint, and how it is asked.
        payer: Who pays.
    """

    def __init__(self, config: ModelsConfig, payer: Payer) -> None:
        self._endpoint = Endpoint(config)
        self._endpoint.prepare()
        self._gateway = Gateway(config, self._endpoint)
        self._gateway.open(payer)
        self._run_id = payer.run_id
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="model-gateway", daemon=True)
        self._thread.start()

    def embed(self, texts: Sequence[str], deadline: float) -> "Future[NDArray[np.float32] | Unanswered]":
        """Vectors of one call's texts."""
        return asyncio.run_coroutine_threadsafe(self._gateway.embed(self._run_id, texts, deadline), self._loop)

    def chat(self, prompt: Prompt, deadline: float) -> "Future[BaseModel | Unanswered]":
        """An answer."""
        return asyncio.run_coroutine_threadsafe(self._gateway.chat(self._run_id, prompt, deadline), self._loop)

    def outcomes(self) -> Outcomes:
        """How all calls so far ended."""
        return self._gateway.outcomes()

    def close(self) -> tuple[Spent, ...]:
        """What the run spent; nothing may be asked from now on."""
        return asyncio.run_coroutine_threadsafe(self._gateway.close(self._run_id), self._loop).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._endpoint.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
