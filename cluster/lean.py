"""A local Ray that is no more than a command needs.

`ray.init` has no arguments for any of this, so names inside Ray are exchanged while it starts one: look at them on each
upgrade. `RayParams`' defaults that another Ray lacks are left out.
"""

import inspect
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

PARAMETERS = {"dashboard_agent_listen_port": 0, "no_monitor": True, "include_log_monitor": False}
"""Any free port, where Ray's agent would wait 4 s for another Ray on the machine to give up the usual one; no process
for an autoscaler, which takes a second to stop and has nothing to scale; and none that carries workers' prints to a
driver which does not listen."""

AGENTS = ("--dashboard_agent_command=", "--runtime_env_agent_command=")
"""Arguments of Ray's process on a node that say which agents it is to start, and to wait for."""

PORT_NAMES = (
    "METRICS_AGENT_PORT_NAME",
    "METRICS_EXPORT_PORT_NAME",
    "DASHBOARD_AGENT_LISTEN_PORT_NAME",
    "RUNTIME_ENV_AGENT_PORT_NAME",
)
"""Names in Ray of the names of the ports that agents say they listen at."""

NOBODY = 1
"""A port at which nobody answers."""


@contextmanager
def lean(*, dashboard: bool) -> Iterator[None]:
    """Let a Ray that this process starts be small.

    Without a dashboard there is no server of one: Ray would start it all the same, for usage statistics, which are off,
    and wait for it. Nor are there agents, two Python processes that Ray waits for as well: one feeds the dashboard and
    Prometheus, which can't find a local Ray without it, the other installs packages for `runtime_env`, which workers of
    a local Ray have none of. They take 2 s of every command, and half a second more goes by while Ray imports the
    agent's libraries to see whether they are there.
    """
    from ray._private import services, utils
    from ray._private.parameter import RayParams

    start, serve, launch = RayParams.__init__, services.start_api_server, services.start_ray_process
    look = utils.get_dashboard_dependency_error
    defaults = start.__defaults__ or ()
    names = list(inspect.signature(start).parameters)[-len(defaults) :]
    start.__defaults__ = tuple(PARAMETERS.get(name, value) for name, value in zip(names, defaults, strict=True))
    if not dashboard:
        services.start_api_server = lambda *_, **__: (None, None)
        utils.get_dashboard_dependency_error = lambda: None
        services.start_ray_process = lambda command, *rest, **more: launch(_alone(command), *rest, **more)
    try:
        yield
    finally:
        start.__defaults__ = defaults
        services.start_api_server, services.start_ray_process = serve, launch
        utils.get_dashboard_dependency_error = look


def _alone(command: list[str]) -> list[str]:
    """The command with stand-ins for agents: Ray ends with its agents, so each is a process that waits for Ray to end.

    Ray reads agents' ports from files that they write when they are ready.
    """
    from ray import _raylet

    wait = shutil.which("cat")  # reads the pipe that Ray holds the other end of
    agents = " ".join(part for part in command if part.startswith(AGENTS))
    said = dict(word[2:].split("=", 1) for word in agents.split() if word.startswith("--") and "=" in word)
    if wait is None or not {"node-id", "session-dir"} <= said.keys():
        return command
    for name in PORT_NAMES:
        _raylet.persist_port(  # type: ignore[attr-defined]  # its stubs lack it
            said["session-dir"], said["node-id"], getattr(_raylet, name), NOBODY
        )
    return [part[: part.index("=") + 1] + wait if part.startswith(AGENTS) else part for part in command]
