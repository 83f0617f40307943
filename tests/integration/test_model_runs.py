"""Runs that ask an endpoint: what they are with it, what is asked again, and what is left when it fails them."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.synthetic import synthetic_store
from cluster.database.database import Database
from cluster.evaluation import Evaluator
from cluster.fleet.fleet import FleetReport, queue_runs, run_fleet
from cluster.fleet.sources import find_stores
from cluster.outputs import to_json_text
from cluster.progress import Silent
from cluster.run import RunReport
from configs.settings import Settings
from pipeline.evaluation.config import EvaluationConfig
from pipeline.offers.exports import to_json
from tests.support.generators import GOOD, OBEYING
from tests.support.hostile import COVERT, HOSTILE, wares_and_baskets
from tests.support.model_server import Fault, ModelServer, following, serving, status
from tests.support.runs import bundles_text, run_store, settings_for
from tests.support.stores import store_of
from tests.support.tables import write_canonical

pytestmark = pytest.mark.ray

QUICK = {"first_wait_s": 0.01, "longest_wait_s": 0.05, "connect_timeout_s": 1.0}
PURPOSES = {"tags", "proposals", "advice", "words"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    snapshot = synthetic_store(orders=600, products=60, seed=5)
    return write_canonical(snapshot, tmp_path_factory.mktemp("models") / "shop")


def good(**how: Any) -> ModelServer:
    return ModelServer(answer=following(GOOD), **how)


def asking(data: Path, server: ModelServer, deadline_ms: int = 600_000, **models: Any) -> Settings:
    """Settings that ask the server."""
    named = {"source": "openai", "base_url": server.url, "dimensions": server.width, "pacing": QUICK}
    return settings_for(data, models=named | models, plan={"deadline_ms": deadline_ms})


def run_fleet_of(stores: Path, settings: Settings, max_age_s: float | None = None) -> FleetReport:
    with Database(settings.database) as database:
        database.prepare(upgrade_empty=True)
        return run_fleet(queue_runs(find_stores(str(stores)), settings), settings, database, max_age_s=max_age_s)


def broken(*parts: Any, **named: Any) -> None:
    raise RuntimeError("nothing came of it")


def asked_since(server: ModelServer, calls: int) -> Counter[str]:
    """What was asked after the first so many calls."""
    return Counter(server.purposes()[-(server.calls - calls) :] if server.calls > calls else [])


def replayed(report: RunReport, settings: Settings) -> str:
    """`bundles.json` of the run done again from what was kept."""
    from cluster.stored import open_run

    with Database(settings.database) as database:
        run = database.for_store("shop").run(report.run_id)
    bundles = [bundle.to_json() for bundle in open_run(run, settings).recompute().bundles]
    return to_json(bundles).content.decode()


def test_all_that_a_model_says_reaches_the_bundles_and_is_asked_once(
    ray_local: str, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = good()
    with serving(server):
        settings = asking(tmp_path, server)
        first = run_store(shop, settings)
        assert (first.status, first.record["reasons"]) == ("succeeded", [])
        assert set(server.purposes()) == PURPOSES
        assert first.record["cost"]["tokens"] == server.input_tokens + server.output_tokens
        assert "llm" in {bundle.words_source for bundle in first.bundles}

        calls = server.calls
        second = run_store(shop, settings)
        assert server.calls == calls
        assert bundles_text(second) == bundles_text(first)
        assert second.record["cost"] == {"tokens": 0, "usd": "0"}

        assert replayed(first, settings) == to_json([bundle.to_json() for bundle in first.bundles]).content.decode()
        assert server.calls == calls

        monkeypatch.setattr("pipeline.context.tags.VERSION", "changed")
        run_store(shop, settings)
        assert set(asked_since(server, calls)) == {"tags"}


def test_stores_of_a_fleet_ask_through_one_gateway_and_come_to_what_each_comes_to_alone(
    ray_local: str, tmp_path: Path
) -> None:
    for number in range(3):
        write_canonical(synthetic_store(orders=300, products=40, seed=number), tmp_path / "stores" / f"shop-{number}")
    server = good(latency_s=0.05)
    with serving(server):
        pacing = {**QUICK, "chat_calls": 2, "embedding_calls": 1}
        settings = asking(tmp_path / "fleet", server, pacing=pacing)
        first = run_fleet_of(tmp_path / "stores", settings)
        most, calls = server.most_at_once, server.calls
        again = run_fleet_of(tmp_path / "stores", settings, max_age_s=3600)
        assert server.calls == calls
        alone = run_store(
            tmp_path / "stores" / "shop-1", asking(tmp_path / "alone", server, pacing=pacing), store="shop-1"
        )

    assert {row.state for row in first.rows} == {"succeeded"}
    assert most <= 3
    assert [row.is_reused for row in again.rows] == [True] * 3
    with Database(settings.database) as database:
        records = [database.for_store(row.store) for row in first.rows]
        assert to_json_text(records[1].bundles(first.rows[1].run_id)) == bundles_text(alone)
        assert {row.purpose for row in records[1].usage()} == PURPOSES | {"embedding"}


def test_what_a_store_asked_before_it_broke_is_in_the_ledger(
    ray_local: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_canonical(synthetic_store(orders=300, products=40), tmp_path / "stores" / "shop")
    monkeypatch.setattr("cluster.run.run_record", broken)
    server = good()
    with serving(server):
        settings = asking(tmp_path / "fleet", server)
        report = run_fleet_of(tmp_path / "stores", settings)

    with Database(settings.database) as database:
        usage = database.for_store("shop").usage(report.rows[0].run_id)
    assert (report.rows[0].state, report.rows[0].attempts) == ("failed", settings.fleet.max_attempts)
    assert sum(row.input_tokens for row in usage) == server.input_tokens > 0
    assert sum(row.output_tokens for row in usage) == server.output_tokens > 0


def test_an_evaluation_asks_for_vectors_tags_and_sets_and_says_what_they_cost(ray_local: str, tmp_path: Path) -> None:
    server = good()
    with serving(server):
        evaluator = Evaluator(asking(tmp_path, server), EvaluationConfig(resamples=100), Silent())
        found = evaluator.evaluate(synthetic_store(orders=20, products=40), None, None)

    assert set(server.purposes()) == {"tags", "proposals"}
    assert "llm" in {row.source for row in found.sources}
    assert sum(row.input_tokens for row in evaluator.bills[found.store].cost) == server.input_tokens
    assert evaluator.bills[found.store].reasons == ()


def test_a_run_that_missed_answers_is_done_again_without_those_that_came_later(
    ray_local: str, shop: Path, tmp_path: Path
) -> None:
    wordless = {**GOOD, "words": lambda prompt, data: {"nothing": "of the schema"}}
    server = ModelServer(answer=following(wordless))
    with serving(server):
        settings = asking(tmp_path, server)
        without = run_store(shop, settings)
        server.answer = following(GOOD)
        later = run_store(shop, settings)

        assert (without.status, later.status) == ("degraded", "succeeded")
        assert {bundle.words_source for bundle in without.bundles} == {"template"}
        assert "llm" in {bundle.words_source for bundle in later.bundles}
        before = to_json([bundle.to_json() for bundle in without.bundles]).content.decode()
        assert replayed(without, settings) == before


@pytest.mark.parametrize("fault", [status(500), Fault("reset"), status(401)], ids=["500", "reset", "401"])
def test_a_server_that_fails_leaves_a_complete_list_with_template_words_and_one_reason(
    ray_local: str, shop: Path, tmp_path: Path, fault: Fault
) -> None:
    server = ModelServer(always=fault)
    with serving(server):
        report = run_store(shop, asking(tmp_path, server))

    assert report.status == "degraded"
    assert len(report.bundles) > 0
    assert {bundle.words_source for bundle in report.bundles} == {"template"}
    assert [reason["code"] for reason in report.record["reasons"]] == ["model_failed"]
    assert report.record["models"]["vectors"] is None
    assert report.record["cost"]["tokens"] == 0


def test_another_model_that_fails_leaves_the_vectors_of_the_last_run_to_serve(
    ray_local: str, shop: Path, tmp_path: Path
) -> None:
    server = good()
    with serving(server):
        before = run_store(shop, asking(tmp_path, server))
        server.always = status(500)
        after = run_store(shop, asking(tmp_path, server, embedding_model="another"))

    assert after.status == "degraded"
    assert after.record["models"]["vectors"] == before.record["models"]["vectors"]
    assert "serve, which the last run used" in str(after.record["reasons"])
    assert "llm" in {bundle.words_source for bundle in after.bundles}, "what was answered before needs no server"


def test_the_bill_of_a_run_is_in_the_database_and_counts_for_the_store_s_day(
    ray_local: str, shop: Path, tmp_path: Path
) -> None:

    server = good()
    with serving(server):
        settings = asking(tmp_path, server)
        report = run_store(shop, settings)
        with Database(settings.database) as database:
            records = database.for_store("shop")
            rows = records.usage(report.run_id)
            tokens, usd = records.spent_since(records.run(report.run_id).created_at)

    assert {row.purpose for row in rows} == PURPOSES | {"embedding"}
    assert sum(row.input_tokens for row in rows) == server.input_tokens
    assert sum(row.output_tokens for row in rows) == server.output_tokens
    assert sum(row.calls for row in rows) == server.calls
    assert tokens == server.input_tokens + server.output_tokens
    assert f"{usd.normalize():f}" == report.record["cost"]["usd"]
    assert 0 < usd < 0.02


def test_a_budget_of_a_cent_is_never_overrun_and_the_run_says_so(ray_local: str, shop: Path, tmp_path: Path) -> None:
    server = good()
    with serving(server):
        budget = {"run_usd": "0.01", "embedding_usd_per_million": "10", "input_usd_per_million": "1",
                  "output_usd_per_million": "2"}  # fmt: skip
        report = run_store(shop, asking(tmp_path, server, budget=budget, capabilities={"max_inputs": 8}))

    spent = (10 * embedded_tokens(report) + 1 * chat_tokens(report)[0] + 2 * chat_tokens(report)[1]) / 1e6
    assert report.status == "degraded"
    assert "models.budget.run_usd" in str(report.record["reasons"])
    assert report.record["cost"]["tokens"] == server.input_tokens + server.output_tokens
    assert float(report.record["cost"]["usd"]) == pytest.approx(spent)
    assert 0 < spent <= 0.01
    assert len(report.bundles) > 0


def embedded_tokens(report: RunReport) -> int:
    return int(report.record["models"]["asked"]["embedding"]["input_tokens"])


def chat_tokens(report: RunReport) -> tuple[int, int]:
    rows = [row for name, row in report.record["models"]["asked"].items() if name != "embedding"]
    return sum(row["input_tokens"] for row in rows), sum(row["output_tokens"] for row in rows)


@pytest.mark.parametrize("title", [HOSTILE[0], HOSTILE[3], COVERT], ids=["ignore", "markdown", "covert"])
def test_a_server_that_obeys_every_title_moves_no_price_out_of_its_interval_and_adds_no_sku_or_link(
    ray_local: str, tmp_path: Path, title: str
) -> None:
    wares, baskets = wares_and_baskets(title)
    folder = write_canonical(store_of(wares, baskets), tmp_path / "shop")
    server = ModelServer(answer=following(OBEYING))
    with serving(server):
        report = run_store(folder, asking(tmp_path / "data", server))

    assert set(server.purposes()) >= PURPOSES - {"words"}
    skus = {ware.sku for ware in wares}
    for bundle in report.bundles:
        assert {product.sku for product in bundle.products} <= skus
        own = " ".join((bundle.name, bundle.tagline, bundle.description, bundle.explanation, str(bundle.evidence)))
        assert not re.search(r"https?:|evil\.example|<script|\]\(", own.replace(title, ""))
        trail = bundle.evidence["price_trail"]
        assert float(bundle.offer.discount_pct) <= 50, trail


def test_with_embedded_models_nothing_is_asked_and_the_record_says_so(
    ray_local: str, shop: Path, tmp_path: Path
) -> None:
    report = run_store(shop, settings_for(tmp_path))

    assert report.record["models"]["source"] == "embedded"
    assert report.record["cost"] == {"tokens": 0, "usd": "0"}
    assert {bundle.words_source for bundle in report.bundles} == {"template"}
