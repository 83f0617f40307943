"""`--models` and `--base-url` as a user types them."""

import json
import socket
from pathlib import Path

import pytest

from tests.support.generators import GOOD
from tests.support.model_server import Fault, ModelServer, following, serving
from tests.support.processes import basketry

pytestmark = pytest.mark.e2e

KEY = "sk-very-secret-1234567890"


def out_of(folder: Path) -> tuple[dict[str, object], list[dict[str, object]]]:
    return json.loads((folder / "run.json").read_text()), json.loads((folder / "bundles.json").read_text())


def test_a_good_server_is_named_first_and_asked_and_its_key_is_nowhere(tmp_path: Path) -> None:
    with serving(ModelServer(answer=following(GOOD))) as server:
        arguments = ["demo", "--models", "openai", "--base-url", server.url, "--out", "out"]
        environment = {
            "OPENAI_API_KEY": KEY,
            "BASKETRY_MODELS__DIMENSIONS": "8",
            "BASKETRY_PLAN__DEADLINE_MS": "600000",
        }
        done = basketry(*arguments, cwd=tmp_path, env=environment)

    assert done.code == 0, done.err
    assert done.out.splitlines()[0].startswith(f"models: openai at {server.url} (text-embedding-3-small, gpt-6-luna)")
    assert all(headers["authorization"] == f"bearer {KEY}" for headers in server.headers)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in written if KEY.encode() in path.read_bytes()]
    assert KEY not in done.out + done.err
    _, bundles = out_of(tmp_path / "out")
    assert "llm" in {bundle["words_source"] for bundle in bundles}


@pytest.mark.parametrize("how", ["nobody listens", "dies in the middle"])
def test_a_server_that_is_not_there_ends_in_exit_code_3_and_one_reason(tmp_path: Path, how: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/v1"
    server = ModelServer(answer=following(GOOD), script=(None,) * 2, always=Fault("reset"))
    with serving(server):
        address = url if how == "nobody listens" else server.url
        environment = {"BASKETRY_MODELS__DIMENSIONS": "8", "BASKETRY_PLAN__DEADLINE_MS": "600000"}
        done = basketry("demo", "--base-url", address, "--out", "out", cwd=tmp_path, env=environment)

    assert done.code == 3, done.out + done.err
    assert not done.is_traceback
    record, bundles = out_of(tmp_path / "out")
    reasons = record["reasons"]
    assert isinstance(reasons, list)
    assert [reason["code"] for reason in reasons] == ["model_failed"]
    assert len(bundles) > 0
    assert {bundle["words_source"] for bundle in bundles} == {"template"}


def test_openai_without_a_key_is_refused_in_a_sentence(tmp_path: Path) -> None:
    done = basketry("demo", "--models", "openai", cwd=tmp_path)

    assert done.code == 2
    assert "set OPENAI_API_KEY or models.api_key_file" in " ".join(done.err.split())
    assert not done.is_traceback
