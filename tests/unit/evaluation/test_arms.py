import json
import math
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.synthetic import planted_groups, synthetic_store
from pipeline.evaluation import table
from pipeline.evaluation.arms import CONTROL, StoreEvaluation, evaluate_arms
from pipeline.evaluation.config import EvaluationConfig
from pipeline.evaluation.holdout import Holdout, split
from pipeline.evaluation.picture import draw, render
from pipeline.evaluation.pool import pool
from pipeline.evaluation.protocol import definitions
from pipeline.evaluation.ranked import Ranked
from pipeline.evaluation.table import tabulate, to_json

CONFIG = EvaluationConfig(resamples=300)


def habits_of(products: int, seed: int) -> Ranked:
    """The planted groups: a list that knows the shoppers."""
    return Ranked.of([group[group >= 0].tolist() for group in planted_groups(products, seed)])


def holdout_of(orders: int, products: int, seed: int) -> Holdout:
    """A synthetic store, cut in two."""
    return split(synthetic_store(orders, products, seed))


SMALL, LARGE = holdout_of(400, 80, 1), holdout_of(1_600, 120, 2)
NONSENSE = Ranked.of([[0, 79], [1, 78]])
SMALL_EVALUATION = evaluate_arms(SMALL, {"E": NONSENSE, "ours": habits_of(80, 1)}, CONFIG)
LARGE_EVALUATION = evaluate_arms(LARGE, {"ours": habits_of(120, 2)}, CONFIG)


def value(evaluation: StoreEvaluation, arm: str, key: str) -> float:
    """One figure."""
    return evaluation.arms[arm].figures[key].value


def test_arms_are_ordered_and_the_baselines_are_among_them() -> None:
    assert list(SMALL_EVALUATION.arms) == ["ours", "popularity", "control", "E"]


def test_a_list_that_knows_the_shoppers_beats_one_that_does_not() -> None:
    good, bad = SMALL_EVALUATION.arms["ours"], SMALL_EVALUATION.arms["E"]

    assert good.figures["hit_rate@10"].value > bad.figures["hit_rate@10"].value
    assert good.figures["held_out_lift"].value > 5
    assert good.figures["pairs_again_1"].value > 0.9


def test_hit_rate_is_the_share_of_baskets_with_a_whole_set() -> None:
    sets = [set(row[row >= 0].tolist()) for row in habits_of(80, 1).items[:5]]
    rows = np.split(SMALL.baskets.item, SMALL.baskets.indptr[1:-1])

    hit = np.mean([any(members <= set(row.tolist()) for members in sets) for row in rows])

    assert value(SMALL_EVALUATION, "ours", "hit_rate@5") == pytest.approx(hit)


def test_every_figure_has_a_definition_and_every_interval_holds_its_figure() -> None:
    known = set(definitions(CONFIG))

    for arm in SMALL_EVALUATION.arms.values():
        assert set(arm.figures) == known
        for figure in (*arm.figures.values(), *arm.difference.values()):
            if figure.interval is not None and not math.isnan(figure.value):
                assert figure.interval.low - 1e-9 <= figure.value <= figure.interval.high + 1e-9


def test_a_list_beside_its_twin_has_equal_resamples() -> None:
    both = evaluate_arms(SMALL, {"ours": habits_of(80, 1), "twin": habits_of(80, 1)}, CONFIG)

    for key, samples in both.arms["ours"].samples.items():
        assert np.array_equal(samples, both.arms["twin"].samples[key], equal_nan=True)


def test_the_same_seed_gives_the_same_evaluation_and_another_gives_other_intervals() -> None:
    again = evaluate_arms(SMALL, {"E": NONSENSE, "ours": habits_of(80, 1)}, CONFIG)
    other = evaluate_arms(SMALL, {"ours": habits_of(80, 1)}, CONFIG.model_copy(update={"seed": 9}))

    assert json.dumps(to_json(again)) == json.dumps(to_json(SMALL_EVALUATION))
    ends = [one.arms["ours"].figures["hit_rate@10"].interval for one in (other, SMALL_EVALUATION)]
    assert ends[0] != ends[1]


def test_bundles_of_other_types_cover_but_are_not_judged() -> None:
    listed = Ranked.of([[0, 1, 2, 3], [4, 5]], [False, True])

    found = evaluate_arms(SMALL, {"ours": listed}, CONFIG)

    assert value(found, "ours", "sets") == 1
    assert value(found, "ours", "distinct_skus") == 6


def test_an_empty_list_is_measured_without_a_fault() -> None:
    found = evaluate_arms(SMALL, {"ours": Ranked.of([])}, CONFIG)

    assert value(found, "ours", "hit_rate@10") == 0.0
    assert math.isnan(value(found, "ours", "held_out_lift"))
    assert tabulate(found).rows[0][4:8] == ("0.000", table.UNKNOWN, table.UNKNOWN, table.UNKNOWN)


def test_a_list_may_not_take_a_baselines_name() -> None:
    with pytest.raises(ValueError, match="expected other names"):
        evaluate_arms(SMALL, {CONTROL: NONSENSE}, CONFIG)


def test_pooled_hit_rate_is_that_of_all_baskets_together() -> None:
    pooled = pool([SMALL_EVALUATION, LARGE_EVALUATION])

    small, large = len(SMALL.baskets), len(LARGE.baskets)
    expected = (
        value(SMALL_EVALUATION, "ours", "hit_rate@10") * small + value(LARGE_EVALUATION, "ours", "hit_rate@10") * large
    ) / (small + large)
    assert pooled.arms["ours"].figures["hit_rate@10"].value == pytest.approx(expected)
    assert pooled.protocol["held_out_orders"] == small + large
    assert list(pooled.arms) == ["ours", "popularity", "control"]


def test_pooling_narrows_the_interval() -> None:
    pooled = pool([SMALL_EVALUATION, LARGE_EVALUATION])

    alone = SMALL_EVALUATION.arms["ours"].difference["hit_rate@10"].interval
    together = pooled.arms["ours"].difference["hit_rate@10"].interval
    assert alone is not None
    assert together is not None
    assert together.high - together.low < alone.high - alone.low


def test_a_store_pooled_alone_keeps_its_figures() -> None:
    pooled = pool([SMALL_EVALUATION])

    for name, arm in pooled.arms.items():
        for key, figure in arm.figures.items():
            assert figure.value == pytest.approx(value(SMALL_EVALUATION, name, key), nan_ok=True)


def test_pooling_refuses_no_store_and_mixed_settings() -> None:
    with pytest.raises(ValueError, match="at least one"):
        pool([])
    with pytest.raises(ValueError, match="one EvaluationConfig"):
        pool([SMALL_EVALUATION, replace(LARGE_EVALUATION, config=EvaluationConfig())])


def test_the_table_has_a_row_for_each_arm_and_a_cell_for_each_column() -> None:
    shown = tabulate(SMALL_EVALUATION)

    assert [row[0] for row in shown.rows] == ["ours", "popularity", "control", "E (0.2, 0.8, 0)"]
    assert all(len(row) == len(shown.columns) for row in shown.rows)
    assert shown.columns[-2:] == ("HitRate@10 − control", "NDCG@10 − control")
    assert shown.rows[2][-2:] == (table.UNKNOWN, table.UNKNOWN)
    assert any("held_out_orders" in note for note in shown.notes)


def test_a_short_list_is_said_to_be_short() -> None:
    found = evaluate_arms(SMALL, {"ours": NONSENSE}, CONFIG)

    assert any("fewer than the control" in note for note in tabulate(found).notes)


def test_json_is_strict_and_names_the_protocol() -> None:
    found = to_json(pool([SMALL_EVALUATION, LARGE_EVALUATION]))

    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["protocol"]["gain"] == "log2(1 + held-out joint count)"
    assert set(found["protocol"]["stores"]) == {"synthetic-400x80", "synthetic-1600x120"}


def test_the_picture_has_the_same_bytes_each_time_and_takes_names_as_data() -> None:
    named = replace(SMALL_EVALUATION, store="<script>$x^2$</script>")
    figure = draw([named], pool([SMALL_EVALUATION]))

    picture = render(figure)

    assert picture == render(draw([named], pool([SMALL_EVALUATION])))
    assert b"&lt;script&gt;$x^2$" in picture
    assert b"<script" not in picture
    assert render(figure, "png").startswith(b"\x89PNG")
