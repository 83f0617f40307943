"""What several nodes ask for: data that all of them see, work for each of them, and our code where it is missing."""

from pathlib import Path
from typing import Any

from configs.settings import ClusterConfig, Settings
from pipeline.errors import SettingsError

PACKAGES = ("pipeline", "configs", "actors", "cluster")


def working_nodes() -> list[str]:
    """Ids of the nodes that are alive and have CPUs: a head without work has none."""
    import ray

    nodes = ray.nodes()  # type: ignore[no-untyped-call]
    return [node["NodeID"] for node in nodes if node["Alive"] and node["Resources"].get("CPU")]


def check_data_dir(settings: Settings) -> None:
    """See that all nodes see the same data.

    Raises:
        SettingsError: several nodes are alive, and the data folder may be on one of them alone.
    """
    import ray

    alive = sum(node["Alive"] for node in ray.nodes())  # type: ignore[no-untyped-call]
    if alive > 1 and isinstance(settings.data_dir, Path) and not settings.cluster.shared_data_dir:
        raise SettingsError(
            f"the cluster has {alive} nodes and data_dir is {settings.data_dir}, a folder that the others may not see; "
            "name an object store (BASKETRY_DATA_DIR=s3://BUCKET/PREFIX), or say that it is a network folder of all "
            "nodes with cluster.shared_data_dir: true"
        )


def placed(config: ClusterConfig) -> dict[str, Any]:
    """Options that place a task or an actor: on nodes with the labels of the settings, and on every one of them.

    With one node Ray's own strategy is left, which hands the next task to the worker that is free.
    """
    options: dict[str, Any] = {"label_selector": dict(config.labels)} if config.labels else {}
    return options | ({"scheduling_strategy": "SPREAD"} if len(working_nodes()) > 1 else {})


def shipped_code() -> list[str]:
    """Folders of our packages as they are here, for a cluster that has none or another version of them."""
    root = Path(__file__).resolve().parents[1]
    return [str(root / package) for package in PACKAGES]
