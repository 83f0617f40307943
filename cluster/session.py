"""The Ray session of a command: a local Ray, or a cluster that is named."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from configs.settings import ClusterConfig
from pipeline.errors import PlatformError

NAMESPACE = "basketry"

LOCAL = "local"
"""A Ray that lives as long as the command."""


def prepare_environment(config: ClusterConfig) -> None:
    """Say what Ray must know before it is imported: no usage statistics, and tokens on a cluster.

    A local Ray switches token authentication on by itself and makes the token it needs.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address_of(config) != LOCAL:
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def address_of(config: ClusterConfig) -> str:
    """The cluster to use: named by a flag or setting, by `RAY_ADDRESS`, or a local one."""
    return config.address or os.environ.get("RAY_ADDRESS") or LOCAL


@contextmanager
def ray_session(config: ClusterConfig) -> Iterator[None]:
    """Connect to the cluster that `config` or `RAY_ADDRESS` names, or start a local Ray for the block.

    Raises:
        PlatformError: the cluster can't be reached, or runs another version of Ray or Python.
    """
    prepare_environment(config)
    import ray

    address = address_of(config)
    local = {"num_cpus": config.workers, "include_dashboard": config.dashboard} if address == LOCAL else {}
    try:
        ray.init(
            address=address,
            namespace=NAMESPACE,
            logging_level="ERROR",
            log_to_driver=False,
            runtime_env={"env_vars": {"OMP_NUM_THREADS": "1"}},
            **local,
        )
    except (ConnectionError, RuntimeError) as error:
        raise PlatformError(f"no Ray at {address!r}: {str(error).splitlines()[0]}") from error
    try:
        yield
    finally:
        ray.shutdown()


def worker_name() -> str:
    """Host and process that a task runs in, for the record."""
    return f"{os.uname().nodename}:{os.getpid()}"


def data_folder(data_dir: Path) -> Path:
    """The data folder as an absolute path, which workers in other folders understand too."""
    return data_dir.expanduser().resolve()
