"""What a command says to Ray, and what it says of Ray's errors."""

from pathlib import Path

import pytest

from cluster.nodes import shipped_code
from cluster.session import _explain, runtime_env
from configs.settings import ClusterConfig

MISMATCH = """Version mismatch: The cluster was started with:
    Ray: 2.58.0
    Python: 3.12.1
This process on node 10.0.0.1 was started with:
    Ray: 2.60.0
    Python: 3.11.7
"""


def test_other_versions_are_told_in_one_sentence_with_what_was_found_and_expected() -> None:
    said = _explain(RuntimeError(MISMATCH), "head:6379")

    assert said.startswith("the cluster at 'head:6379' runs Ray 2.58.0 on Python 3.12.1, expected what is installed")
    assert "Ray 2.60.0 on Python 3.11.7; run this from the cluster's own image" in said
    assert "\n" not in said


def test_another_error_keeps_its_first_line() -> None:
    assert _explain(RuntimeError("no luck\nat all"), "head:6379") == "no Ray at 'head:6379': no luck"


@pytest.mark.parametrize("ship", [False, True])
def test_code_is_sent_only_when_the_settings_say_so(ship: bool) -> None:
    found = runtime_env(ClusterConfig(ship_code=ship))

    assert found["env_vars"] == {"OMP_NUM_THREADS": "1"}
    assert ("py_modules" in found) == ship


def test_what_is_sent_are_our_packages_and_nothing_else() -> None:
    folders = [Path(folder) for folder in shipped_code()]

    assert [folder.name for folder in folders] == ["pipeline", "configs", "actors", "cluster"]
    assert all((folder / "__init__.py").exists() for folder in folders)
