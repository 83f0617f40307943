"""Where a task runs, for the record."""

import os

NODE_CHARACTERS = 12
"""So much of a node's id tells it from others."""


def worker_name() -> str:
    """Host, process and node that a task runs in; without Ray there is no node."""
    import ray

    node = ray.get_runtime_context().get_node_id()[:NODE_CHARACTERS] if ray.is_initialized() else ""
    return f"{os.uname().nodename}:{os.getpid()}:{node}"
