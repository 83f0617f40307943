"""Text models in a whole run: what they may change, and what they never can."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from pipeline.candidates.suggestions import combos_to_ask, proposal_prompts, read_proposals
from pipeline.combo import evaluate_combo
from pipeline.config import RunConfig
from pipeline.generate import Outcome, conclude, generate, plan_for
from pipeline.ingest.snapshot import Snapshot
from pipeline.models import key_of, with_advice
from pipeline.offers.asked_advice import AdvisedBatch, Opinion, advice_prompts, lifted, read_advice
from pipeline.offers.bundle import Bundle
from pipeline.selection.config import PortfolioConfig
from pipeline.selection.judged import Judged
from pipeline.terms import BundleType, Combo, Objective, Tier
from tests.support.generators import LINK, Scripted, good, lying, obeying, refusing, silent
from tests.support.hostile import COVERT, HOSTILE, NEUTRAL, planted, wares_and_baskets
from tests.support.stores import context_of, no_vectors, random_vectors, store_of

CONFIG = RunConfig(portfolio=PortfolioConfig(method="greedy"))
MODELS = [good, obeying, lying, refusing, silent]


def shown(outcome: Outcome) -> list[str]:
    """The bundles as `bundles.json` holds them."""
    return [json.dumps(bundle.to_json(), ensure_ascii=False) for bundle in outcome.bundles]


@cache
def run(title: str, make: Callable[[], Scripted] | None) -> tuple[Snapshot, Outcome]:
    """A run of the planted store with `title` on one product."""
    snapshot = planted(title)
    return snapshot, generate(snapshot, no_vectors(snapshot), CONFIG, texts=make() if make else None)


def words_of(bundle: Bundle) -> str:
    return " ".join((bundle.name, bundle.tagline, bundle.description, bundle.explanation))


# What models add


def test_a_good_model_tags_proposes_advises_and_writes() -> None:
    texts = good()
    snapshot = planted(NEUTRAL)

    outcome = generate(snapshot, no_vectors(snapshot), CONFIG, texts=texts)

    assert {prompt.purpose for prompt in texts.asked} == {"tags", "proposals", "advice", "words"}
    assert any(bundle.words_source == "llm" for bundle in outcome.bundles)
    assert any("opinion" in bundle.evidence.get("models", {}) for bundle in outcome.bundles)
    assert any(report.name == "llm" and report.candidates for one in outcome.combos for report in one.sources)


def test_equal_answers_make_equal_bundles() -> None:
    snapshot = planted(NEUTRAL)

    first, second = (generate(snapshot, no_vectors(snapshot), CONFIG, texts=good()) for _ in range(2))

    assert shown(first) == shown(second)


def test_a_silent_model_changes_nothing() -> None:
    assert shown(run(NEUTRAL, silent)[1]) == shown(run(NEUTRAL, None)[1])
    assert shown(run(NEUTRAL, refusing)[1]) == shown(run(NEUTRAL, None)[1])


def test_without_a_model_evidence_says_nothing_of_models() -> None:
    assert not any("models" in bundle.evidence for bundle in run(NEUTRAL, None)[1].bundles)


# Proposals


def proposed(indices: list[int], combo: Combo) -> dict[str, int]:
    """What one proposed set of the first admitted question of `combo` is dropped for."""
    context, snapshot = _context()
    plan = plan_for(context, CONFIG)
    asked = [one for one in proposal_prompts(context, snapshot.catalog, plan, CONFIG.proposals) if one.combo == combo]
    answer = asked[0].prompt.schema.model_validate({"sets": [{"indices": indices, "reason": "Used together"}]})
    return read_proposals(context, asked[:1], [answer], CONFIG.proposals)[0].dropped


@cache
def _context():  # type: ignore[no-untyped-def]
    wares, baskets = wares_and_baskets(NEUTRAL)
    snapshot = store_of(wares, baskets)
    return context_of(snapshot, CONFIG), snapshot


GIFT = Combo(Objective.GIFT_BOX, BundleType.FIXED)


@pytest.mark.parametrize(
    ("indices", "why"),
    [([0, 99], "unknown index"), ([-1, 1], "unknown index"), ([1, 1], "an index twice"), ([1], "size"), ([], "size")],
)
def test_a_set_that_breaks_the_form_is_dropped_with_its_reason(indices: list[int], why: str) -> None:
    assert proposed(indices, GIFT) == {why: 1}


def test_models_are_asked_first_about_what_orders_can_t_have_shown() -> None:
    context, _ = _context()

    asked = combos_to_ask(context, plan_for(context, CONFIG), CONFIG.proposals)

    assert asked[0].objective in (Objective.NEW_LAUNCH, Objective.GIFT_BOX, Objective.SEASONAL_PROMO)
    assert BundleType.VOLUME not in {combo.type for combo in asked}


def test_what_a_model_proposes_stands_at_the_tier_of_similarity_or_the_plan_s_start() -> None:
    outcome = run(NEUTRAL, good)[1]
    assert outcome.judged is not None
    by_model = outcome.judged.found.source == 1 << 9

    tiers = set(outcome.judged.found.tier[by_model].tolist())

    assert tiers <= {int(max(Tier.SIMILARITY, outcome.plan.tier_start))}


# Appeal and advice


def test_appeal_moves_the_signal_monotonely_and_within_its_weight() -> None:
    semantic = np.repeat(np.linspace(0, 1, 11), 11)
    appeal = np.tile(np.linspace(0, 10, 11), 11)

    moved = lifted(semantic, appeal, 0.3).reshape(11, 11)

    assert (np.diff(moved, axis=1) >= 0).all()
    assert (np.diff(moved, axis=0) >= 0).all()
    assert ((moved >= 0) & (moved <= 1)).all()
    assert (np.abs(moved - semantic.reshape(11, 11)) <= 0.3 + 1e-9).all()
    assert np.allclose(moved[:, 5], semantic.reshape(11, 11)[:, 5])


@cache
def _judged():  # type: ignore[no-untyped-def]
    context, snapshot = _context()
    plan = plan_for(context, CONFIG)
    results = [evaluate_combo(context, combo, plan, CONFIG, lambda: 0.0) for combo in plan.admitted]
    return context, snapshot, Judged.concat([one.judged for one in results if one.judged is not None])


@pytest.mark.parametrize("suggested", [0.0, 0.02, 0.2, 0.35, 0.5])
def test_advice_weighs_four_tenths_and_never_leaves_the_interval(suggested: float) -> None:
    context, _, judged = _judged()
    rows = range(0, len(judged), 7)

    after, _ = with_advice(context, judged, {row: Opinion(5.0, suggested, suggested, "") for row in rows}, CONFIG)

    aim = after.prices.aim
    for row in rows:
        clamped = min(max(suggested, aim.low[row]), aim.high[row])
        assert aim.wanted[row] == pytest.approx(0.6 * aim.bayesian[row] + 0.4 * clamped, abs=1e-8)
        assert aim.low[row] - 1e-9 <= aim.wanted[row] <= aim.high[row] + 1e-9
        assert after.prices.price[row] >= after.prices.floor[row] or after.prices.price[row] == judged.prices.price[row]
    others = np.setdiff1d(np.arange(len(judged)), np.array(rows))
    assert (after.prices.price[others] == judged.prices.price[others]).all()
    assert (after.scores.score[others] == judged.scores.score[others]).all()
    assert [key_of(after, row) for row in rows] == [key_of(judged, row) for row in rows]


@pytest.mark.parametrize(
    ("appeal", "low", "high"),
    [(11, 10, 20), (-1, 10, 20), (5, -5, 20), (5, 30, 20), (5, 10, 101), (float("nan"), 10, 20), (5, 10, float("inf"))],
)
def test_advice_out_of_range_is_dropped(appeal: float, low: float, high: float) -> None:
    context, snapshot, judged = _judged()
    asked = advice_prompts(context, snapshot.catalog, judged, 0.8, CONFIG.advice)
    item = {"index": 0, "appeal": appeal, "discount_low": low, "discount_high": high, "reason": "x"}

    assert read_advice(asked, [AdvisedBatch.model_validate({"items": [item]})]) == {}


# A hostile catalog


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("title", HOSTILE)
def test_a_hostile_title_changes_no_bundle_and_no_price(title: str, make: Callable[[], Scripted]) -> None:
    (_, neutral), (_, hostile) = run(NEUTRAL, make), run(title, make)

    def offers(outcome: Outcome) -> dict[str, str]:
        return {one.id: f"{one.offer} {[product.sku for product in one.products]}" for one in outcome.bundles}

    assert offers(hostile) == offers(neutral)


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("title", [*HOSTILE, COVERT])
def test_no_model_moves_a_price_out_of_its_interval_or_adds_a_sku(title: str, make: Callable[[], Scripted]) -> None:
    snapshot, outcome = run(title, make)
    assert outcome.judged is not None

    aim = outcome.judged.prices.aim
    assert (aim.wanted >= aim.low - 1e-9).all()
    assert (aim.wanted <= aim.high + 1e-9).all()
    assert (aim.wanted <= CONFIG.pricing.max_discount).all()
    assert {product.sku for one in outcome.bundles for product in one.products} <= set(snapshot.catalog.sku.to_pylist())
    floors = outcome.judged.prices
    passed = outcome.judged.verdicts.passed
    assert (floors.price[passed] >= floors.floor[passed]).all()


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("title", [*HOSTILE, COVERT])
def test_no_link_markup_or_claim_of_a_model_reaches_an_output(title: str, make: Callable[[], Scripted]) -> None:
    _, outcome = run(title, make)

    for bundle in outcome.bundles:
        said = words_of(bundle) + json.dumps(bundle.evidence)
        assert LINK not in said
        assert "evil.example" not in words_of(bundle)
        assert "90%" not in words_of(bundle)
        assert not set("<>`") & set(words_of(bundle))


def test_conclude_takes_no_answer_for_a_combo_that_was_cut() -> None:
    context, snapshot = _context()
    plan = plan_for(context, CONFIG)
    asked = proposal_prompts(context, snapshot.catalog, plan, CONFIG.proposals)
    answers = good().answer([one.prompt for one in asked], 0.0)
    suggested = read_proposals(context, asked, answers, CONFIG.proposals)

    outcome = conclude(context, snapshot.catalog, plan, [], CONFIG, suggested=suggested)

    assert outcome.bundles == ()


def test_a_store_with_vectors_of_chance_runs_with_every_model() -> None:
    wares, baskets = wares_and_baskets(NEUTRAL)
    snapshot = store_of([replace(ware, cost=float("nan")) for ware in wares], baskets[:6])

    for make in MODELS:
        outcome = generate(snapshot, random_vectors(snapshot), CONFIG, texts=make())

        assert outcome.bundles
