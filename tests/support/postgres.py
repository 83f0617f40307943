"""A PostgreSQL server of the test session: Debian's, in a temporary folder, on a free port of 127.0.0.1."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg

DEBIAN = Path("/usr/lib/postgresql")
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=60")
"""The machine may lose what a test wrote."""
START_S = 60.0


def find_binaries() -> Path | None:
    """Folder of `initdb` and `postgres`, the newest of Debian's or the one on the path."""
    versions = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return versions[-1].parent if versions else Path(on_path).resolve().parent if on_path else None


@dataclass(frozen=True)
class Server:
    """A running server, and a role in it that is no superuser: such a role sees what row-level security shows."""

    port: int
    numbers: "count[int]"

    def url(self, database: str, user: str = "basketry") -> str:
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/{database}"

    def create(self, template: str = "template1") -> str:
        """A new database of the role, a copy of `template`; its name."""
        name = f"basketry_{next(self.numbers)}"
        self.execute(f"create database {name} owner basketry template {template}")
        return name

    def execute(self, statement: str) -> None:
        """Run a statement as the superuser."""
        with psycopg.connect(
            host="127.0.0.1", port=self.port, dbname="postgres", user="admin", autocommit=True
        ) as connection:
            connection.execute(statement)


@contextmanager
def serving(binaries: Path) -> Iterator[Server]:
    """A server until the block ends. It refuses to run as root, so it runs as Debian's `postgres` then."""
    home = Path(tempfile.mkdtemp(prefix="basketry-postgres-"))
    user = "postgres" if os.getuid() == 0 else None
    if user:
        os.chown(home, pwd.getpwnam(user).pw_uid, -1)
    data, port = home / "data", _free_port()
    try:
        make = [str(binaries / "initdb"), "-D", str(data), "-U", "admin", "--auth=trust", "--no-sync", "-E", "UTF8",
                "--locale=C.UTF-8"]  # fmt: skip
        subprocess.run(make, user=user, check=True, stdout=subprocess.DEVNULL, cwd=home)
        options = [part for option in FAST for part in ("-c", option)]
        start = [
            str(binaries / "postgres"),
            "-D",
            str(data),
            "-p",
            str(port),
            "-h",
            "127.0.0.1",
            "-k",
            str(home),
            *options,
        ]
        with (home / "log").open("w") as log:
            process = subprocess.Popen(start, user=user, stdout=log, stderr=log, cwd=home)
        try:
            server = Server(port, count())
            _wait(server, process, home / "log")
            server.execute("create role basketry login nosuperuser nobypassrls")
            yield server
        finally:
            process.terminate()  # SIGTERM waits for sessions to end; they are all ours, and closed
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _wait(server: Server, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        try:
            server.execute("select 1")
        except psycopg.OperationalError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"PostgreSQL did not start: {log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
