"""Which models a run asks, where they are, and what it may cost."""

import os
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline.errors import SettingsError
from pipeline.ports import ModelInfo

KEY_VARIABLE = "OPENAI_API_KEY"
"""Where the key is looked for first."""

WIDTHS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
"""Components of a vector of the models whose width need not be set."""

Usd = Annotated[Decimal, Field(ge=0)]


class ModelSource(StrEnum):
    """Where models come from."""

    AUTO = "auto"
    EMBEDDED = "embedded"
    OPENAI = "openai"


class CapabilitiesConfig(BaseModel):
    """What an endpoint understands; a parameter it does not understand is never sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    supports_dimensions: bool | None = None
    """Whether it makes vectors of another width on request; by default only OpenAI's own."""
    supports_json_schema: bool = True
    """Whether it holds its answers to a JSON schema; off: it is asked for a JSON object, and told the schema."""
    send_reasoning_effort: bool | None = None
    """Whether it is told how long to think; by default only OpenAI's own."""
    send_seed: bool | None = None
    """Whether it is given a seed; by default only OpenAI's own."""
    max_tokens_field: Literal["max_completion_tokens", "max_tokens"] | None = None
    """How it calls the most tokens of an answer; by default the first for OpenAI's own, else the second."""
    max_inputs: Annotated[int, Field(ge=1, le=2048)] = 256
    """Most texts of one embedding call."""
    max_request_tokens: Annotated[int, Field(ge=1)] = 100_000
    """Most tokens of one embedding call, counted as bytes by three."""


class PacingConfig(BaseModel):
    """How fast an endpoint is asked, and how long for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests_per_minute: Annotated[int, Field(ge=1)] = 3_000
    """Most calls that begin within a minute."""
    tokens_per_minute: Annotated[int, Field(ge=1)] = 1_000_000
    """Most tokens of the calls that begin within a minute, counted as bytes by three and the longest answer."""
    embedding_calls: Annotated[int, Field(ge=1)] = 3
    """Most embedding calls at once."""
    chat_calls: Annotated[int, Field(ge=1)] = 8
    """Most chat calls at once."""
    call_timeout_s: Annotated[float, Field(gt=0)] = 30.0
    """Longest time for one call, in seconds; the deadline of a run goes before."""
    connect_timeout_s: Annotated[float, Field(gt=0)] = 5.0
    """Longest time to connect, in seconds."""
    attempts: Annotated[int, Field(ge=1)] = 4
    """How often one question is asked before it is given up."""
    first_wait_s: Annotated[float, Field(gt=0)] = 0.25
    """Greatest wait before the second attempt, in seconds; it doubles each time, and a wait is drawn below it."""
    longest_wait_s: Annotated[float, Field(gt=0)] = 8.0
    """Greatest wait between two attempts that the server did not ask for, in seconds."""
    failures_to_open: Annotated[int, Field(ge=1)] = 5
    """So many failed calls within `failure_window_s` stop all calls."""
    failure_window_s: Annotated[float, Field(gt=0)] = 30.0
    """How long a failure counts, in seconds."""
    probe_after_s: Annotated[float, Field(gt=0)] = 5.0
    """How long after calls were stopped one of them is let through as a probe, in seconds."""


class BudgetConfig(BaseModel):
    """What models may cost; the worst case of a call is set aside before it is made, so nothing here is overrun."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_usd: Usd = Decimal("0.50")
    """Most that one run may cost, in dollars."""
    run_tokens: Annotated[int, Field(ge=0)] = 50_000_000
    """Most tokens of one run, in and out."""
    store_daily_usd: Usd = Decimal(5)
    """Most that the runs of one store that began on one day (UTC) may cost, in dollars."""
    store_daily_tokens: Annotated[int, Field(ge=0)] = 500_000_000
    """Most tokens of the runs of one store that began on one day (UTC)."""
    embedding_usd_per_million: Usd | None = None
    """Price of a million tokens to embed, in dollars; that of the list by default."""
    input_usd_per_million: Usd | None = None
    """Price of a million tokens of a question, in dollars; that of the list by default."""
    output_usd_per_million: Usd | None = None
    """Price of a million tokens of an answer, in dollars; that of the list by default."""


class ModelsConfig(BaseModel):
    """Which models are asked: those inside Basketry, or those of an OpenAI-compatible endpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: ModelSource = ModelSource.AUTO
    """`auto`: an OpenAI-compatible endpoint where a key or an address is set, else what is embedded."""
    base_url: str | None = None
    """Address of an OpenAI-compatible endpoint, such as `http://127.0.0.1:8000/v1`; OpenAI's own by default."""
    api_key_file: Path | None = None
    """File that holds the key; the variable `OPENAI_API_KEY` goes before it."""
    embedding_model: str = "text-embedding-3-small"
    """Name of the embedding model at the endpoint."""
    dimensions: Annotated[int, Field(ge=1)] | None = None
    """Components of its vectors; known for OpenAI's own models."""
    embedding_revision: str = "1"
    """Change it when the endpoint serves another model under the same name: vectors of the two never mix."""
    chat_model: str = "gpt-6-luna"
    """Name of the chat model at the endpoint."""
    chat_revision: str = "1"
    """Change it to have everything asked again."""
    reasoning_effort: str = "none"
    """How long the chat model thinks, where it can be told."""
    capabilities: CapabilitiesConfig = CapabilitiesConfig()
    pacing: PacingConfig = PacingConfig()
    budget: BudgetConfig = BudgetConfig()

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected an address such as http://127.0.0.1:8000/v1")
        if parts.username or parts.password or parts.query:
            raise ValueError("expected an address without a user, a password or a query; the key has its own setting")
        return value

    def is_remote(self, environment: Mapping[str, str] = os.environ) -> bool:
        """Whether an endpoint is asked."""
        if self.source is ModelSource.AUTO:
            return bool(self.base_url or self.api_key_file or environment.get(KEY_VARIABLE))
        return self.source is ModelSource.OPENAI

    @property
    def is_own(self) -> bool:
        """Whether the endpoint is OpenAI's own."""
        return self.base_url is None

    @property
    def embedding_info(self) -> ModelInfo:
        """Identity of the endpoint's embedding model.

        Raises:
            SettingsError: the width of its vectors is not known.
        """
        width = self.dimensions or WIDTHS.get(self.embedding_model)
        if width is None:
            raise SettingsError(
                f"how wide the vectors of {self.embedding_model!r} are is not known; set models.dimensions"
            )
        return ModelInfo(self._provider, self.embedding_model, self.embedding_revision, width)

    @property
    def chat_info(self) -> ModelInfo:
        """Identity of the endpoint's chat model."""
        return ModelInfo(self._provider, self.chat_model, self.chat_revision, 0)

    @property
    def _provider(self) -> str:
        return "openai" if self.is_own else "openai-compatible"
