"""The command line in processes of its own, on one Ray that they share as a cluster."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.disturbed import STORES, Fleet, write_stores
from tests.support.processes import Finished, basketry

Run = Callable[..., "Outcome"]


class Outcome:
    """What `basketry run --json --out` came to."""

    def __init__(self, finished: Finished, out: Path) -> None:
        self.finished, self.out = finished, out

    @property
    def code(self) -> int:
        return self.finished.code

    @property
    def sentence(self) -> str:
        """What was said on standard error."""
        return self.finished.err.strip()

    @property
    def summary(self) -> dict[str, Any]:
        return dict(self.finished.json)

    @property
    def bundles(self) -> list[dict[str, Any]]:
        import json

        return list(json.loads((self.out / "bundles.json").read_text(encoding="utf-8")))

    @property
    def record(self) -> dict[str, Any]:
        import json

        return dict(json.loads((self.out / "run.json").read_text(encoding="utf-8")))


@pytest.fixture
def run(ray_local: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """`run(folder, *flags)`: a real `basketry run` of the folder; vectors are shared by all tests of a session."""
    data = tmp_path_factory.getbasetemp() / "cluster-data"

    def call(folder: Path, *flags: object, env: Mapping[str, str] | None = None) -> Outcome:
        out = tmp_path / "out"
        command = ("run", folder, "--address", ray_local, "--data-dir", data, "--out", out, "--json", *flags)
        return Outcome(basketry(*command, cwd=tmp_path, env=env), out)

    return call


@pytest.fixture(scope="session")
def undisturbed(ray_local: str, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """A fleet on one node that nothing happened to."""
    home = tmp_path_factory.mktemp("undisturbed-fleet")
    fleet = Fleet(write_stores(home / "stores", STORES), home, ray_local)
    finished = fleet.run()
    assert finished.code == 0, finished.err
    assert len(fleet.bundles()) == STORES
    return fleet
