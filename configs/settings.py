"""Every setting of the service, typed: flag > environment (`BASKETRY_…`) > YAML > default."""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml  # type: ignore[import-untyped]  # it brings no stubs
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf, PlainSerializer, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource
from pydantic_settings import SettingsError as SourceError

from configs.models import ModelsConfig
from pipeline.config import RunConfig
from pipeline.context.config import Engine
from pipeline.errors import SettingsError
from pipeline.ingest.config import IngestConfig
from pipeline.storage import Uri, parse_place

CONFIG_FILE = Path("basketry.yaml")
"""Read from the current folder where it exists."""

MAY_HOLD_SECRETS = frozenset({"base_url", "database_url"})
"""Settings whose value no error repeats."""

ENV_PREFIX = "BASKETRY_"
"""Begins the name of every setting in the environment."""

CRASH_VARIABLE = "BASKETRY_CRASH_AT"
"""No setting: names the point at which a coordinator kills itself, for tests of faults."""


DataPlace = Annotated[
    Path | InstanceOf[Uri], BeforeValidator(parse_place), PlainSerializer(str, return_type=str)
]  # fmt: skip
"""A folder, or a URI of an object store."""


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
    shards: Annotated[int, Field(ge=1)] | None = None
    """Actors that keep stores warm; by default one on a local Ray, and one for two CPUs of a cluster."""
    shard_bytes: Annotated[int, Field(ge=0)] = 1 << 30
    """Memory in which a shard keeps snapshots and contexts of its stores."""
    store_bytes: Annotated[int, Field(ge=0)] = 1 << 29
    """Memory in which a shard keeps those of one store; what is larger is served and not kept."""
    shard_threads: Annotated[int, Field(ge=1)] = 2
    """Stores that a shard loads or prepares at once."""
    labels: dict[str, str] = {}
    """Labels of the nodes that may work, such as `{"pool": "basketry"}`; all nodes with CPUs by default."""
    shared_data_dir: bool = False
    """Whether the folder `data_dir` is one that all nodes of a cluster see; else several nodes need an object store."""
    ship_code: bool = False
    """Whether a cluster gets our packages from here; else its nodes have them installed, in the same version."""
    dashboard: bool = False
    """Whether a local Ray serves its dashboard on 127.0.0.1."""
    wait_s: Annotated[float, Field(gt=0)] = 300.0
    """Longest wait for any one answer of the cluster, in seconds."""


class FleetConfig(BaseModel):
    """How many stores are run together, and what becomes of one whose run does not end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    in_flight: Annotated[int, Field(ge=1)] | None = None
    """Most runs that a coordinator has worked on at once; two for each CPU of the cluster by default."""
    store_cap: Annotated[int, Field(ge=1)] = 2
    """Most runs of one store that are worked on at once."""
    whole_ms: Annotated[float, Field(ge=0)] = 20_000.0
    """Expected work up to which a store runs whole in one task; above, its combos are spread over the cluster."""
    large_in_flight: Annotated[int, Field(ge=1)] = 2
    """Most stores above `whole_ms` at once."""
    store_deadline_s: Annotated[float, Field(gt=0)] = 600.0
    """Longest a store may take in one task; then its worker is ended and the attempt counts as failed."""
    store_memory_mb: Annotated[int, Field(ge=256)] | None = None
    """Most memory that a store may take in one task; without it only the machine's own limit holds."""
    lease_s: Annotated[float, Field(gt=0)] = 30.0
    """How long a run belongs to a coordinator that is not heard of; it is heard of three times as often."""
    reap_s: Annotated[float, Field(gt=0)] = 10.0
    """How often runs whose lease ended are looked for."""
    poll_s: Annotated[float, Field(gt=0)] = 1.0
    """Longest a coordinator waits before it looks again for runs and results."""
    max_attempts: Annotated[int, Field(ge=1)] = 3
    """Attempts after which a run is given up, with the reason of the last."""
    commit_batch: Annotated[int, Field(ge=1)] = 8
    """Finished stores that are committed in one transaction."""
    commit_wait_s: Annotated[float, Field(ge=0)] = 0.25
    """Longest a finished store waits for others to be committed with."""


class MlConfig(BaseModel):
    """Switches to go back, one by one, to how things were done before; all on by default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parallel_candidate_generation: bool = True
    """Off: combos are evaluated one after the other, with equal bundles."""
    reduced_optimization_iterations: bool = True
    """Off: the search for a portfolio takes 100 lists through 50 generations; its bundles may differ."""
    parallel_embedding_batches: bool = True
    """Off: product texts are embedded one batch after the other, with equal bundles."""
    faiss_similarity_search: bool = True
    """Off: numpy finds the nearest products by text, with equal bundles."""


class Settings(BaseSettings, RunConfig):
    """All settings: those of a run, and those of the service around it."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENV_PREFIX, env_nested_delimiter="__", yaml_file=CONFIG_FILE
    )

    data_dir: DataPlace = Path(".basketry")
    """Database, snapshots and caches: a folder, or `s3://…` or `gs://…` for all but the database."""
    database_url: str | None = None
    """SQLAlchemy URL; SQLite inside `data_dir` by default, where that is a folder."""
    log_format: Literal["off", "json"] = "off"
    """`json` prints one object a line on standard error: time, level, event, and store and run where there is one."""
    ingest: IngestConfig = IngestConfig()
    cluster: ClusterConfig = ClusterConfig()
    fleet: FleetConfig = FleetConfig()
    ml: MlConfig = MlConfig()
    models: ModelsConfig = ModelsConfig()

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
        return init_settings, env_settings, file_settings(settings_cls)

    @property
    def run(self) -> RunConfig:
        """The settings a run's result depends on, with the switches of `ml` that are off."""
        values = {name: getattr(self, name) for name in RunConfig.model_fields}
        if not self.ml.faiss_similarity_search:
            values["similarity"] = self.similarity.model_copy(update={"engine": Engine.NUMPY})
        if not self.ml.reduced_optimization_iterations:
            values["portfolio"] = self.portfolio.model_copy(update={"reduced_iterations": False})
        return RunConfig(**values)

    @property
    def database(self) -> str:
        """URL of the database.

        Raises:
            SettingsError: none is given, and an object store can hold none.
        """
        if self.database_url:
            return self.database_url
        if isinstance(self.data_dir, Uri):
            raise SettingsError(
                f"data_dir is {self.data_dir.prefix}, an object store, where no database can be; set database_url "
                "(BASKETRY_DATABASE_URL) to postgresql+psycopg://USER@HOST/NAME or sqlite:///FILE"
            )
        return f"sqlite:///{(self.data_dir / 'basketry.db').resolve()}"


def load_settings(flags: Mapping[str, Any] | None = None) -> Settings:
    """Settings from all sources.

    Args:
        flags: Values given on the command line, nested; None values are left to the other sources.

    Raises:
        SettingsError: a key nobody knows (with the nearest name) or a value out of range.
    """
    _refuse_unknown(os.environ)
    try:
        return Settings(**given(flags or {}))
    except ValidationError as error:
        raise as_settings_error(error) from None
    except SourceError as error:
        raise SettingsError(f"{error}: expected one value, or JSON for a group of settings") from None


def as_settings_error(error: ValidationError, model: type[BaseModel] = Settings) -> SettingsError:
    """What is wrong with the settings of `model`, in one sentence."""
    return SettingsError("; ".join(_explain(problem, model) for problem in error.errors()))


def file_settings(settings_cls: type[BaseSettings]) -> YamlConfigSettingsSource:
    """What the settings file in the current folder says.

    Raises:
        SettingsError: it holds no settings.
    """
    try:
        return YamlConfigSettingsSource(settings_cls)
    except (yaml.YAMLError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"{CONFIG_FILE} holds no settings: {reason}; expected lines of `name: value`") from None


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    """Refuse a name that begins as ours and is no setting: such a name is otherwise never looked at."""
    for name in sorted(environment):
        first = name.removeprefix(ENV_PREFIX).lower().split("__")[0]
        if name.startswith(ENV_PREFIX) and name != CRASH_VARIABLE and first not in Settings.model_fields:
            near = difflib.get_close_matches(name.upper(), _nested_names(), n=1, cutoff=0.9)
            said = f"no setting is called {first}; did you mean {near[0]}?" if near else _unknown([first], Settings)
            raise SettingsError(f"{said} (found {name} in the environment)")


def _nested_names() -> list[str]:
    """Names in the environment of the settings within groups."""
    return [
        f"{ENV_PREFIX}{group}__{name}".upper()
        for group, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        for name in field.annotation.model_fields
    ]


def given(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Nested settings without those that are None."""
    nested = {key: given(value) if isinstance(value, Mapping) else value for key, value in flags.items()}
    return {key: value for key, value in nested.items() if value is not None and value != {}}


def _explain(problem: Any, root: type[BaseModel]) -> str:
    path = [str(part) for part in problem["loc"]]
    if problem["type"] != "extra_forbidden":
        said = problem["msg"].removeprefix("Value error, ")
        found = "" if path[-1] in MAY_HOLD_SECRETS else f", found {problem['input']!r}"
        return f"setting {'.'.join(path)}: {said}{found}"
    model: Any = root
    for part in path[:-1]:
        model = getattr(model.model_fields.get(part), "annotation", None) or root
    return _unknown(path, model)


def _unknown(path: list[str], model: Any) -> str:
    near = difflib.get_close_matches(path[-1], model.model_fields, n=1)
    hint = f"; did you mean {'.'.join([*path[:-1], near[0]])}?" if near else ""
    return f"no setting is called {'.'.join(path)}{hint}"
