"""Shared by all tests: one hypothesis profile, and one local Ray for those that need it."""

import logging
import os

# Before numpy is there: two threads of a small product cost more than they give, above all beside other tests.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from cluster.database.database import Database
from cluster.database.engine import sqlite_url
from cluster.session import prepare_environment
from configs.settings import ClusterConfig
from tests.support.object_store import CREDENTIALS
from tests.support.postgres import Server, find_binaries, serving

os.environ.pop("OPENAI_API_KEY", None)  # tests ask nobody but the servers they start

settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")  # a deadline measures the machine, not the law


@pytest.fixture(scope="session")
def ray_local() -> Iterator[str]:
    """A local Ray of two CPUs that all tests of a session share; its address."""
    prepare_environment(ClusterConfig())
    os.environ.update(CREDENTIALS)  # workers inherit them; without, they would speak to an object store as nobody
    import ray

    ray.init(
        address="local", num_cpus=2, include_dashboard=False, namespace="basketry", log_to_driver=False,
        logging_level=logging.ERROR, runtime_env={"env_vars": {"OMP_NUM_THREADS": "1"}},
        _system_config={"metrics_report_interval_ms": 1000},
    )  # fmt: skip
    yield str(ray.get_runtime_context().gcs_address)
    ray.shutdown()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL that all tests of a session share; they are skipped where Debian's package is missing."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: `make postgres`")
    with serving(binaries) as server:
        yield server


@pytest.fixture(scope="session")
def migrated(postgres: Server) -> str:
    """Name of a PostgreSQL database with our tables, to be copied."""
    name = postgres.create()
    with Database(postgres.url(name)) as database:
        database.upgrade()
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database without tables, of either kind."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    server: Server = request.getfixturevalue("postgres")
    return server.url(server.create())


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database with our tables, of either kind."""
    if request.param == "sqlite":
        url = sqlite_url(tmp_path)
    else:
        server: Server = request.getfixturevalue("postgres")
        url = server.url(server.create(request.getfixturevalue("migrated")))
    with Database(url) as database:
        database.prepare(upgrade_empty=True)
        yield database
