"""The gateway to remote models as an actor: one for a cluster, or one of a command's own."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray
from pydantic import BaseModel

from actors.remote.budget import Payer, Spent
from actors.remote.outcomes import Outcomes
from cluster.session import NAMESPACE
from configs.models import ModelsConfig
from pipeline.ports import Prompt, Unanswered

GATEWAY = "model-gateway"
"""Begins the name of the gateway that all commands of a cluster share, where a service started one."""

CALLS_AT_ONCE = 10_000
"""Questions the actor takes in: most of them wait for their turn there."""

CLOSE_S = 10.0
"""Longest wait for the bill of a run, in seconds."""


class GatewayHost:
    """A `Gateway` in an actor. The key is looked for here, in the environment or the file of this process.

    Args:
        config: The endpoint, and how it is asked.
    """

    def __init__(self, config: ModelsConfig) -> None:
        # Here and not above: a client of OpenAI takes a process a second, and only this one needs it.
        from actors.remote.endpoint import Endpoint
        from actors.remote.gateway import Gateway

        endpoint = Endpoint(config)
        endpoint.prepare()
        self._gateway = Gateway(config, endpoint)

    async def open(self, payer: Payer) -> None:
        """Begin to pay for a run."""
        self._gateway.open(payer)

    async def embed(self, run_id: str, texts: Sequence[str], deadline: float) -> NDArray[np.float32] | Unanswered:
        """Vectors of one call's texts."""
        return await self._gateway.embed(run_id, texts, deadline)

    async def chat(self, run_id: str, prompt: Prompt, deadline: float) -> BaseModel | Unanswered:
        """An answer."""
        return await self._gateway.chat(run_id, prompt, deadline)

    async def close(self, run_id: str) -> tuple[Spent, ...]:
        """What a run spent."""
        return await self._gateway.close(run_id)

    async def outcomes(self) -> Outcomes:
        """How all calls so far ended."""
        return self._gateway.outcomes()


GatewayActor = ray.remote(num_cpus=0)(GatewayHost)


def start_gateway(config: ModelsConfig, **options: Any) -> Any:
    """A gateway that ends with its caller, unless the options of its actor say otherwise.

    Calls are not repeated when the actor dies: they may have been paid for, and a new actor does not know the run.
    """
    given = {"max_concurrency": CALLS_AT_ONCE, "max_restarts": -1, "max_task_retries": 0} | options
    return GatewayActor.options(**given).remote(config)


def shared_gateway(config: ModelsConfig) -> Any:
    """The gateway of the cluster, started where there is none; it outlives the caller."""
    return start_gateway(config, name=_name(config), namespace=NAMESPACE, get_if_exists=True, lifetime="detached")


def find_gateway(config: ModelsConfig) -> Any:
    """The gateway of the cluster where a service started one, else one that ends with this command."""
    try:
        return ray.get_actor(_name(config), namespace=NAMESPACE)
    except ValueError:
        return start_gateway(config)


def open_line(gateway: Any, payer: Payer) -> "ActorLine":
    """A line for a run, once the gateway pays for it. What is asked on the line begins after that."""
    gateway.open.remote(payer)
    return ActorLine(gateway, payer.run_id)


def _name(config: ModelsConfig) -> str:
    """Gateways of different settings are different ones: what one asks may be another model."""
    return f"{GATEWAY}:{hashlib.sha256(config.model_dump_json().encode()).hexdigest()[:12]}"


class ActorLine:
    """A `Line` to a gateway's actor for one run. It may travel to other processes.

    Args:
        gateway: The actor.
        run_id: The run that pays; `open_line` opens its account.
    """

    def __init__(self, gateway: Any, run_id: str) -> None:
        self._gateway, self._run_id = gateway, run_id

    def wait_until_up(self, timeout_s: float) -> None:
        """Until the gateway's process answers, or `timeout_s` is over: what is asked of a dead one says so itself."""
        ray.wait([self._gateway.outcomes.remote()], timeout=timeout_s)

    def embed(self, texts: Sequence[str], deadline: float) -> "Future[NDArray[np.float32] | Unanswered]":
        """Vectors of one call's texts."""
        return self._gateway.embed.remote(self._run_id, texts, deadline).future()

    def chat(self, prompt: Prompt, deadline: float) -> "Future[BaseModel | Unanswered]":
        """An answer."""
        return self._gateway.chat.remote(self._run_id, prompt, deadline).future()

    def close(self) -> tuple[Spent, ...] | None:
        """What the run spent; None where the gateway is gone and nobody knows."""
        try:
            return ray.get(self._gateway.close.remote(self._run_id), timeout=CLOSE_S)
        except (ray.exceptions.RayError, TimeoutError):
            return None
