"""Every setting of the service, typed: flag > environment (`BASKETRY_…`) > YAML > default."""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml  # type: ignore[import-untyped]  # it brings no stubs
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource
from pydantic_settings import SettingsError as SourceError

from pipeline.config import RunConfig
from pipeline.errors import SettingsError
from pipeline.ingest.config import IngestConfig

CONFIG_FILE = Path("basketry.yaml")
"""Read from the current folder where it exists."""

ENV_PREFIX = "BASKETRY_"
"""Begins the name of every setting in the environment."""


class ClusterConfig(BaseModel):
    """How work is spread over the cluster."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str | None = None
    """Address of a running cluster; none starts a local Ray for the command."""
    workers: Annotated[int, Field(ge=1)] | None = None
    """CPUs of a local Ray; all of the machine's by default."""
    fanout: Literal["auto", "combo"] = "auto"
    """`combo` makes one task of every combo, `auto` chunks those that are too small to travel alone."""
    in_flight: Annotated[int, Field(ge=1)] = 32
    """Most tasks of a run that are submitted and not done."""
    task_retries: Annotated[int, Field(ge=0)] = 3
    """How often a task is started again after its worker died."""
    embed_batch: Annotated[int, Field(ge=1)] = 128
    """Texts of one embedding task."""
    dashboard: bool = False
    """Whether a local Ray serves its dashboard on 127.0.0.1."""
    wait_s: Annotated[float, Field(gt=0)] = 300.0
    """Longest wait for any one answer of the cluster, in seconds."""


class Settings(BaseSettings, RunConfig):
    """All settings: those of a run, and those of the service around it."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENV_PREFIX, env_nested_delimiter="__", yaml_file=CONFIG_FILE
    )

    data_dir: Path = Path(".basketry")
    """Database, snapshots and caches."""
    database_url: str | None = None
    """SQLAlchemy URL; SQLite inside `data_dir` by default."""
    ingest: IngestConfig = IngestConfig()
    cluster: ClusterConfig = ClusterConfig()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags first, then environment, then YAML."""
        return init_settings, env_settings, _file_settings(settings_cls)

    @property
    def run(self) -> RunConfig:
        """The settings a run's result depends on."""
        return RunConfig(**{name: getattr(self, name) for name in RunConfig.model_fields})

    @property
    def database(self) -> str:
        """URL of the database."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'basketry.db').resolve()}"


def load_settings(flags: Mapping[str, Any] | None = None) -> Settings:
    """Settings from all sources.

    Args:
        flags: Values given on the command line, nested; None values are left to the other sources.

    Raises:
        SettingsError: a key nobody knows (with the nearest name) or a value out of range.
    """
    _refuse_unknown(os.environ)
    try:
        return Settings(**_given(flags or {}))
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(problem) for problem in error.errors())) from None
    except SourceError as error:
        raise SettingsError(f"{error}: expected one value, or JSON for a group of settings") from None


def _file_settings(settings_cls: type[BaseSettings]) -> YamlConfigSettingsSource:
    try:
        return YamlConfigSettingsSource(settings_cls)
    except (yaml.YAMLError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"{CONFIG_FILE} holds no settings: {reason}; expected lines of `name: value`") from None


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    """Refuse a name that begins as ours and is no setting: such a name is otherwise never looked at."""
    for name in sorted(environment):
        first = name.removeprefix(ENV_PREFIX).lower().split("__")[0]
        if name.startswith(ENV_PREFIX) and first not in Settings.model_fields:
            raise SettingsError(f"{_unknown([first], Settings)} (found {name} in the environment)")


def _given(flags: Mapping[str, Any]) -> dict[str, Any]:
    nested = {key: _given(value) if isinstance(value, Mapping) else value for key, value in flags.items()}
    return {key: value for key, value in nested.items() if value is not None and value != {}}


def _explain(problem: Any) -> str:
    path = [str(part) for part in problem["loc"]]
    if problem["type"] != "extra_forbidden":
        return f"setting {'.'.join(path)}: {problem['msg']}, found {problem['input']!r}"
    model: Any = Settings
    for part in path[:-1]:
        model = getattr(model.model_fields.get(part), "annotation", None) or Settings
    return _unknown(path, model)


def _unknown(path: list[str], model: Any) -> str:
    near = difflib.get_close_matches(path[-1], model.model_fields, n=1)
    hint = f"; did you mean {'.'.join([*path[:-1], near[0]])}?" if near else ""
    return f"no setting is called {'.'.join(path)}{hint}"
