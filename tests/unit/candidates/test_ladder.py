from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.synthetic import synthetic_store
from pipeline.candidates import ladder
from pipeline.candidates.frame import SIZES, Proposals, names, nothing, set_keys
from pipeline.candidates.ladder import Rung, climb
from pipeline.candidates.sources import Proposer
from pipeline.context.store import StoreContext
from pipeline.terms import COMBOS, NOT_ALLOWED, BundleType, Combo, Objective, Tier
from tests.support.stores import context_of, numbered, random_vectors, sets_of

SNAPSHOT = synthetic_store(600, 80, 3)
CONTEXT = context_of(SNAPSHOT, vectors=random_vectors(SNAPSHOT))
FBT = Combo(Objective.INCREASE_AOV, BundleType.FBT)


def silent() -> float:
    """A clock that stands."""
    return 0.0


def rungs(combo: Combo, start: Tier, context: StoreContext = CONTEXT, wanted: int = 12) -> list[Rung]:
    """The whole ladder."""
    return list(climb(context, combo, start, wanted, silent))


@pytest.mark.parametrize("start", [Tier.RULES, Tier.ADAPTIVE_RULES, Tier.COLD_START])
def test_the_ladder_is_climbed_from_its_start_strongest_first(start: Tier) -> None:
    tiers = [rung.tier for rung in rungs(FBT, start)]

    assert tiers == [tier for tier in Tier if tier >= start]


def test_in_a_thin_store_rules_count_as_adaptive_rules() -> None:
    first = rungs(FBT, Tier.ADAPTIVE_RULES)[0]

    assert {report.name for report in first.reports} >= {"association_rules", "itemsets", "top_pairs"}
    assert set(first.found.tier.tolist()) == {int(Tier.ADAPTIVE_RULES)}


def test_a_cold_start_asks_nobody_else() -> None:
    found = rungs(FBT, Tier.COLD_START)

    assert [report.name for rung in found for report in rung.reports] == ["cold_start"]


@pytest.mark.parametrize(
    "combo", [combo for combo in COMBOS if combo not in NOT_ALLOWED], ids=lambda combo: combo.label
)
def test_no_set_is_proposed_twice_and_every_set_fits_its_type_and_objective(combo: Combo) -> None:
    found = Proposals.concat([nothing(), *(rung.found for rung in rungs(combo, Tier.RULES))])

    low, high = SIZES[combo.type]
    assert len(np.unique(set_keys(found.items))) == len(found)
    least = np.where(found.tier < Tier.COLD_START, low, min(low, 3))  # a cold start may pool three
    assert ((found.size >= least) & (found.size <= high)).all()
    assert CONTEXT.shop.is_sellable[found.items[found.items >= 0]].all()
    assert all(len(set(row[row >= 0].tolist())) == size for row, size in zip(found.items, found.size, strict=True))
    warm = found.take(found.tier < Tier.COLD_START)
    if combo.type is not BundleType.VOLUME and len(warm):
        assert CONTEXT.judge.admits(CONTEXT.lenses[combo.objective], warm.items).all()
    if combo.type is BundleType.MIX_MATCH:
        assert ((found.pick >= 2) & (found.pick < found.size)).all()
    else:
        assert not found.pick.any()


def test_a_source_that_fails_is_a_reason_and_not_a_lost_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(context: StoreContext, combo: Combo, wanted: int) -> Proposals:
        raise RuntimeError("no connection")

    def works(context: StoreContext, combo: Combo, wanted: int) -> Proposals:
        return sets_of([0, 1])

    rows = (Proposer("broken", Tier.RULES, broken), Proposer("works", Tier.RULES, works))
    monkeypatch.setattr(ladder, "PROPOSERS", rows)

    first = rungs(FBT, Tier.RULES)[0]

    assert first.found.items[0, :2].tolist() == [0, 1]
    assert [(report.name, report.candidates, report.error) for report in first.reports] == [
        ("broken", 0, "RuntimeError: no connection"), ("works", 1, None),
    ]  # fmt: skip


def test_a_set_that_two_sources_propose_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    def first(context: StoreContext, combo: Combo, wanted: int) -> Proposals:
        return sets_of([0, 1], [2, 3])

    def second(context: StoreContext, combo: Combo, wanted: int) -> Proposals:
        found = sets_of([1, 0])
        found.source[:] = 2
        return found

    monkeypatch.setattr(ladder, "PROPOSERS", (Proposer("a", Tier.RULES, first), Proposer("b", Tier.RULES, second)))

    found = rungs(FBT, Tier.RULES)[0].found

    assert found.items[:, :2].tolist() == [[0, 1], [2, 3]]
    assert [names(int(bits)) for bits in found.source] == [["association_rules", "itemsets"], ["association_rules"]]


def test_time_is_measured_by_the_clock_that_was_given() -> None:
    ticks: Iterator[float] = iter(range(1000))

    rung = next(climb(context_of(numbered([[0, 1]] * 3)), FBT, Tier.RULES, 12, lambda: float(next(ticks))))

    assert [report.seconds for report in rung.reports] == [1.0] * len(rung.reports)
