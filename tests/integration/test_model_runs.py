"""Runs that ask an endpoint: what they are without it, with it, and when it fails them."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.synthetic import synthetic_store
from configs.settings import Settings
from tests.support.model_server import Fault, ModelServer, serving, status
from tests.support.runs import bundles_text, run_store, settings_for
from tests.support.tables import write_canonical

pytestmark = pytest.mark.ray

QUICK = {"first_wait_s": 0.01, "longest_wait_s": 0.05, "connect_timeout_s": 1.0}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    snapshot = synthetic_store(orders=600, products=60, seed=5)
    return write_canonical(snapshot, tmp_path_factory.mktemp("models") / "shop")


def asking(data: Path, server: ModelServer, **models: Any) -> Settings:
    """Settings that ask the server."""
    named = {"source": "openai", "base_url": server.url, "dimensions": server.width, "pacing": QUICK}
    return settings_for(data, models=named | models, plan={"deadline_ms": 60_000})


def test_a_second_run_asks_for_no_vector_again(ray_local: str, shop: Path, tmp_path: Path) -> None:
    server = ModelServer()
    with serving(server):
        settings = asking(tmp_path, server)
        first = run_store(shop, settings)
        calls = server.calls
        second = run_store(shop, settings)

    assert (first.status, second.status) == ("succeeded", "succeeded")
    assert calls > 0
    assert server.calls == calls
    assert bundles_text(first) == bundles_text(second)
    assert first.record["cost"]["tokens"] == server.input_tokens
    assert first.record["models"]["vectors"]["provider"] == "openai-compatible"


@pytest.mark.parametrize("fault", [status(500), Fault("reset"), status(401), Fault("nan")], ids=lambda f: f.kind)
def test_a_server_that_fails_leaves_a_complete_list_without_vectors_and_one_reason(
    ray_local: str, shop: Path, tmp_path: Path, fault: Fault
) -> None:
    server = ModelServer(always=fault)
    with serving(server):
        report = run_store(shop, asking(tmp_path, server))

    assert report.status == "degraded"
    assert len(report.bundles) > 0
    assert [reason["code"] for reason in report.record["reasons"]].count("embedding_failed") == 1
    assert report.record["models"]["vectors"] is None


def test_another_model_that_fails_leaves_the_vectors_of_the_last_run_to_serve(
    ray_local: str, shop: Path, tmp_path: Path
) -> None:
    server = ModelServer()
    with serving(server):
        before = run_store(shop, asking(tmp_path, server))
        server.always = status(500)
        after = run_store(shop, asking(tmp_path, server, embedding_model="another"))

    assert after.status == "degraded"
    assert after.record["models"]["vectors"] == before.record["models"]["vectors"]
    assert "serve until then" in str(after.record["reasons"])


def test_the_bill_of_a_run_is_in_the_database_and_counts_for_the_store_s_day(
    ray_local: str, shop: Path, tmp_path: Path
) -> None:
    from cluster.database.database import Database

    server = ModelServer()
    with serving(server):
        settings = asking(tmp_path, server, budget={"embedding_usd_per_million": "2"})
        report = run_store(shop, settings)
        with Database(settings.database) as database:
            records = database.for_store("shop")
            (row,) = records.usage(report.run_id)
            tokens, usd = records.spent_since(records.run(report.run_id).created_at)

    assert (row.purpose, row.input_tokens, row.calls) == ("embedding", server.input_tokens, server.calls)
    assert (tokens, usd) == (server.input_tokens, row.usd)
    assert str(row.usd) == report.record["cost"]["usd"]


def test_a_budget_that_is_too_small_is_never_overrun_and_the_run_says_so(
    ray_local: str, shop: Path, tmp_path: Path
) -> None:
    server = ModelServer()
    with serving(server):
        budget = {"embedding_usd_per_million": "1000", "run_usd": "0.5"}
        settings = asking(tmp_path, server, budget=budget, capabilities={"max_inputs": 4})
        report = run_store(shop, settings)

    assert report.status == "degraded"
    assert "models.budget.run_usd" in str(report.record["reasons"])
    assert 0 < float(report.record["cost"]["usd"]) <= 0.5
    assert report.record["cost"]["tokens"] == server.input_tokens
