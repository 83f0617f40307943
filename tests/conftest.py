"""Shared by all tests: one hypothesis profile, and one local Ray for those that need it."""

import logging
import os

# Before numpy is there: two threads of a small product cost more than they give, above all beside other tests.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from cluster.session import prepare_environment
from configs.settings import ClusterConfig

settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")  # a deadline measures the machine, not the law


@pytest.fixture(scope="session")
def ray_local() -> Iterator[str]:
    """A local Ray of two CPUs that all tests of a session share; its address."""
    prepare_environment(ClusterConfig())
    import ray

    ray.init(
        address="local", num_cpus=2, include_dashboard=False, namespace="basketry", log_to_driver=False,
        logging_level=logging.ERROR, runtime_env={"env_vars": {"OMP_NUM_THREADS": "1"}},
        _system_config={"metrics_report_interval_ms": 1000},
    )  # fmt: skip
    yield str(ray.get_runtime_context().gcs_address)
    ray.shutdown()
