"""One OpenAI-compatible server, through OpenAI's own client: a call is one request, tried once."""

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import httpx2
import numpy as np
from numpy.typing import NDArray
from openai import AsyncOpenAI
from openai.lib._pydantic import to_strict_json_schema  # the SDK's `parse` uses it, but keeps the usage to itself
from openai.types import CompletionUsage
from pydantic import BaseModel, ValidationError

from actors.remote.faults import plain
from actors.remote.usage import Usage
from actors.remote.vectors import checked_vectors
from configs.models import KEY_VARIABLE, ModelsConfig
from pipeline.errors import ModelError, ModelFault
from pipeline.ports import Prompt

OWN_URL = "https://api.openai.com/v1"
NO_KEY = "none"
"""What servers are told that need no key: the client insists on one."""

SEED = 7
"""Given where an endpoint takes a seed: equal questions then tend to equal answers."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """What a call brought: an answer, or why it is none; and what it cost, where the server said so."""

    value: T | ModelError
    usage: Usage | None


class Endpoint:
    """An OpenAI-compatible server.

    Args:
        config: Where it is, what it serves, what it understands.
        environment: Where the key is looked for.
        transport: Takes the place of the network in tests.
    """

    def __init__(
        self, config: ModelsConfig, environment: Mapping[str, str] = os.environ,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:  # fmt: skip
        self._config = config
        self._environment = environment
        self._transport = transport
        self._client: AsyncOpenAI | None = None
        self._key: str | None = None

    @property
    def key(self) -> str | None:
        """The key in use, to cut it out of what the server says."""
        return self._key

    async def embed(self, texts: Sequence[str]) -> Reply[NDArray[np.float32]]:
        """`(len(texts), width)` vectors of unit length, in order.

        Raises:
            openai.OpenAIError, ModelError: the call failed.
        """
        config, wanted = self._config, self._config.embedding_info.dimension
        is_asked = _given(config.capabilities.supports_dimensions, config)
        extra: dict[str, Any] = {"dimensions": wanted} if is_asked else {}
        response = await self._open().embeddings.create(model=config.embedding_model, input=list(texts), **extra)
        usage = Usage(_count(response.usage.prompt_tokens)) if response.usage else None
        try:
            data = [(row.index, row.embedding) for row in response.data]
            return Reply(checked_vectors(data, len(texts), wanted), usage)
        except ModelError as error:
            return Reply(error, usage)

    async def ask(self, prompt: Prompt) -> Reply[BaseModel]:
        """An answer in the prompt's schema.

        Raises:
            openai.OpenAIError, ModelError: the call failed.
        """
        response = await self._open().chat.completions.create(
            model=self._config.chat_model,
            messages=[
                {"role": "system", "content": self._instructions(prompt)},
                {"role": "user", "content": prompt.data.encode("utf-8", "replace").decode()},
            ],
            **self._parameters(prompt),
        )
        usage = _usage(response.usage) if response.usage else None
        try:
            return Reply(_answer(response, prompt.schema), usage)
        except ModelError as error:
            return Reply(error, usage)

    def prepare(self) -> None:
        """Make the client now rather than at the first call, which it would take half a second from."""
        with contextlib.suppress(ModelError):  # no key: the first call says so
            client = self._open()
            _ = client.embeddings, client.chat.completions

    async def close(self) -> None:
        """Let go of its connections."""
        if self._client is not None:
            await self._client.close()

    def question(self, prompt: Prompt) -> str:
        """All text that a prompt sends, to count its tokens."""
        return self._instructions(prompt) + prompt.data + json.dumps(to_strict_json_schema(prompt.schema))

    def _instructions(self, prompt: Prompt) -> str:
        if self._config.capabilities.supports_json_schema:
            return prompt.instructions
        schema = json.dumps(prompt.schema.model_json_schema())
        return f"{prompt.instructions}\nAnswer with one JSON object of this schema and nothing else: {schema}"

    def _parameters(self, prompt: Prompt) -> dict[str, Any]:
        config, can = self._config, self._config.capabilities
        field = can.max_tokens_field or ("max_completion_tokens" if config.is_own else "max_tokens")
        strict = {"name": prompt.purpose, "schema": to_strict_json_schema(prompt.schema), "strict": True}
        parameters: dict[str, Any] = {
            field: prompt.max_output_tokens,
            "response_format": {"type": "json_schema", "json_schema": strict}
            if can.supports_json_schema
            else {"type": "json_object"},
        }
        if _given(can.send_reasoning_effort, config):
            parameters["reasoning_effort"] = config.reasoning_effort
        if _given(can.send_seed, config):
            parameters["seed"] = SEED
        return parameters

    def _open(self) -> AsyncOpenAI:
        """The client, made at the first call, in the process and the event loop that use it."""
        if self._client is None:
            self._key = read_key(self._config, self._environment)
            pacing = self._config.pacing
            timeout = httpx2.Timeout(pacing.call_timeout_s, connect=pacing.connect_timeout_s)
            self._client = AsyncOpenAI(
                api_key=self._key or NO_KEY,
                base_url=self._config.base_url or OWN_URL,
                max_retries=0,
                timeout=timeout,
                http_client=httpx2.AsyncClient(transport=self._transport) if self._transport else None,
            )
        return self._client


def read_key(config: ModelsConfig, environment: Mapping[str, str]) -> str | None:
    """The key: of the environment, else of its file; None where an endpoint of one's own has none.

    Raises:
        ModelError: there is none, and one is needed, or its file can't be read.
    """
    if key := environment.get(KEY_VARIABLE, "").strip():
        return key
    if config.api_key_file is not None:
        try:
            key = config.api_key_file.expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(
                ModelFault.BAD_KEY, f"the file of models.api_key_file can't be read ({type(error).__name__})"
            ) from None
        if key:
            return key
    if config.is_own:
        raise ModelError(ModelFault.BAD_KEY, f"no key was found; set {KEY_VARIABLE} or models.api_key_file")
    return None


def _given(capability: bool | None, config: ModelsConfig) -> bool:
    """A capability, where none is set: that of OpenAI's own endpoint."""
    return config.is_own if capability is None else capability


def _usage(said: CompletionUsage) -> Usage:
    cached = said.prompt_tokens_details.cached_tokens if said.prompt_tokens_details else 0
    return Usage(_count(said.prompt_tokens), _count(said.completion_tokens), _count(cached))


def _count(tokens: Any) -> int:
    return max(0, int(tokens or 0))


def _answer(response: Any, schema: type[BaseModel]) -> BaseModel:
    """The answer in a completion.

    Raises:
        ModelError: it was refused, cut off, or is not of the schema.
    """
    choice = response.choices[0]
    if choice.message.refusal or choice.finish_reason == "content_filter":
        said = plain(choice.message.refusal or "a filter")
        raise ModelError(ModelFault.REFUSED, f"the model would not answer ({said})")
    if choice.finish_reason == "length":
        raise ModelError(ModelFault.TRUNCATED, "the answer was longer than it may be")
    try:
        return schema.model_validate_json(choice.message.content or "")
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise ModelError(
            ModelFault.BAD_OUTPUT, f"an answer that is not of its schema ({where}: {plain(first['msg'])})"
        ) from None
