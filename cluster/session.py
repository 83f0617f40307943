"""The Ray session of a command: a local Ray, or a cluster that is named."""

import logging
import os
import re
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from cluster.lean import lean
from cluster.nodes import shipped_code
from configs.settings import ClusterConfig
from pipeline.errors import PlatformError
from pipeline.storage import Place, Uri

NAMESPACE = "basketry"

LOCAL = "local"
"""A Ray that lives as long as the command."""

LOOPBACK = r"local|(127\.0\.0\.1|localhost)(:\d+)?"
"""Addresses of a Ray that is on this machine."""

ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""Work is spread over processes; threads within one would only wait for each other."""

REACH_S = 5.0
"""Longest wait for a cluster that is named to take a connection."""


def prepare_environment(config: ClusterConfig) -> None:
    """Say what Ray must know before it is imported: no usage statistics, and tokens on a cluster.

    Names of tasks hold stores: they are for the dashboard, and Ray is told to keep them out of its metrics. A local Ray
    switches token authentication on by itself and makes the token it needs.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_metric_cardinality_level", "low")
    address = address_of(config)
    if re.fullmatch(LOOPBACK, address):
        # Ray's switch for systems on which it makes no clusters: a local one listens on 127.0.0.1 alone, and no network
        # is asked for the machine's address; nor is 127.0.0.1 replaced by it, where such a Ray would not be found.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    if address != LOCAL:
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    else:
        # Workers of a local Ray inherit it. As a `runtime_env` it would make Ray throw away the workers that it
        # starts ahead, and start others: a second and more of every command.
        os.environ.update(ONE_THREAD)


def address_of(config: ClusterConfig) -> str:
    """The cluster to use: named by a flag or setting, by `RAY_ADDRESS`, or a local one."""
    return config.address or os.environ.get("RAY_ADDRESS") or LOCAL


def is_local(config: ClusterConfig) -> bool:
    """Whether Ray is one that lives as long as the command."""
    return address_of(config) == LOCAL


class RaySession:
    """A connection to Ray that is made while the caller does other things.

    Starting a local Ray takes seconds, most of them waiting: so does reading a store's files.
    """

    def __init__(self, config: ClusterConfig) -> None:
        prepare_environment(config)
        # Ray's processes take longest to be there: nothing else is imported until they are on their way.
        import ray  # noqa: F401

        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ray-session")
        self._started = self._pool.submit(_connect, config)
        self._stopped: Future[None] | None = None

    def wait(self) -> None:
        """Until Ray is there.

        Raises:
            PlatformError: the cluster can't be reached, or runs another version of Ray or Python.
        """
        self._started.result()

    def __enter__(self) -> Self:
        return self

    def close_soon(self) -> None:
        """Begin to disconnect while the caller writes its files."""
        self._stopped = self._stopped or self._pool.submit(_disconnect)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close_soon()
        self._pool.shutdown(wait=True)


def _connect(config: ClusterConfig) -> None:
    import ray

    address = address_of(config)
    _reach(address)
    local: dict[str, Any] = {"num_cpus": config.workers, "include_dashboard": config.dashboard}
    shared: dict[str, Any] = {"runtime_env": runtime_env(config)}
    always: dict[str, Any] = {"namespace": NAMESPACE, "logging_level": logging.ERROR, "log_to_driver": False}
    try:
        if address == LOCAL:
            with lean(dashboard=config.dashboard):
                ray.init(LOCAL, **always, **local)
        else:
            ray.init(address, **always, **shared)
    except (ConnectionError, RuntimeError) as error:
        raise PlatformError(_explain(error, address)) from error
    _warn_on_standard_error()


def _warn_on_standard_error() -> None:
    """Let Ray tell of lost workers there: it would on standard output, which `--json` keeps for one object."""
    from ray._private import worker

    show = worker.print_to_stdstream
    worker.print_to_stdstream = lambda data, **how: show(data | {"is_err": True}, **how)


def runtime_env(config: ClusterConfig) -> dict[str, Any]:
    """What the workers of a cluster get from here: one thread each, and our code where they have none."""
    code: dict[str, Any] = {"py_modules": shipped_code(), "excludes": ["__pycache__"]} if config.ship_code else {}
    return {"env_vars": ONE_THREAD} | code


def _explain(error: Exception, address: str) -> str:
    """What Ray says in many lines, in one sentence."""
    found = re.findall(r"Ray: (\S+)\s+Python: (\S+)", str(error))
    if len(found) != 2:
        return f"no Ray at {address!r}: {str(error).splitlines()[0]}"
    (their_ray, their_python), (our_ray, our_python) = found
    return (
        f"the cluster at {address!r} runs Ray {their_ray} on Python {their_python}, expected what is installed here: "
        f"Ray {our_ray} on Python {our_python}; run this from the cluster's own image, or start the cluster anew"
    )


def _reach(address: str) -> None:
    """Refuse an address where nobody listens: Ray itself would try for minutes, and tell standard error of each try."""
    found = re.fullmatch(r"(?:ray://)?\[?([^/]+?)\]?:(\d+)", address)
    if found is None:
        return
    try:
        socket.create_connection((found[1], int(found[2])), timeout=REACH_S).close()
    except (OSError, OverflowError) as error:
        raise PlatformError(f"no Ray at {address!r}: {error}; start one there, or leave --address out") from None


def _disconnect() -> None:
    import ray

    ray.shutdown()


def data_folder(data_dir: Place) -> Place:
    """The data folder as workers in other folders understand it too: an absolute path, or its URI."""
    return data_dir if isinstance(data_dir, Uri) else data_dir.expanduser().resolve()
