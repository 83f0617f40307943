import json
import math

import numpy as np
import pytest
from scipy.sparse import csr_array, vstack

from benchmarks.synthetic import synthetic_store
from pipeline.config import RunConfig
from pipeline.context.config import EaseConfig
from pipeline.context.ease import fit_ease
from pipeline.context.store import StoreContext, prepare
from pipeline.evaluation.curve import curve_json, curve_of, curve_table, draw_curve, measure_curve, variants
from pipeline.evaluation.hidden import TASKS, HiddenConfig, Questions, ask, ranks_of
from pipeline.evaluation.holdout import Baskets, Holdout, split
from pipeline.evaluation.picture import render
from pipeline.evaluation.signals import BLEND, StoreSignals, measure, scores_of
from pipeline.evaluation.signals_table import draw_signals, figures_of, signals_json, signals_table
from pipeline.evaluation.title_words import title_words

RUN = RunConfig()


def vectors_of(products: int) -> np.ndarray:
    """Random unit vectors."""
    rows = np.random.default_rng(0).normal(size=(products, 8))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def known_before(held: Holdout) -> StoreContext:
    """What a run would know."""
    return prepare(held.training, vectors_of(len(held.training.catalog)), held.cut, RUN.context)


def measured(orders: int, seed: int) -> StoreSignals:
    """A synthetic store's signals."""
    return measure(split(synthetic_store(orders, 80, seed)), known_before, HiddenConfig(resamples=100), EaseConfig())


STORES = [measured(900, 1), measured(400, 2)]
FIGURES = figures_of(STORES)


def baskets(*rows: tuple[int, ...]) -> Baskets:
    """Baskets over eight products."""
    return Baskets(np.cumsum([0, *map(len, rows)]), np.array([sku for row in rows for sku in row], dtype=np.int32), 8)


TRAINING = baskets(*[(0, 1, 2)] * 6, *[(3,)] * 2)


def test_what_is_hidden_was_in_the_basket_and_is_not_shown() -> None:
    held_out = baskets((0, 1, 2), (0, 3, 5), (1, 2))

    asked = ask(TRAINING, held_out, HiddenConfig())

    shown = [set(asked["basket"].known[[row]].indices.tolist()) for row in range(3)]
    assert [{*seen, int(hidden)} for seen, hidden in zip(shown, asked["basket"].hidden, strict=True)] == [
        {0, 1, 2}, {0, 3}, {1, 2},
    ]  # fmt: skip
    assert asked["basket"].hidden[1] == 0  # product 3 has two training orders, product 5 none
    assert all(int(hidden) not in seen for seen, hidden in zip(shown, asked["basket"].hidden, strict=True))


def test_the_anchor_is_one_product_of_the_same_question() -> None:
    asked = ask(TRAINING, baskets((0, 1, 2), (0, 1)), HiddenConfig())

    assert asked["anchor"].hidden.tolist() == asked["basket"].hidden.tolist()
    assert np.diff(asked["anchor"].known.indptr).tolist() == [1, 1]


def test_new_hides_what_hardly_sold_and_single_baskets_ask_nothing() -> None:
    asked = ask(TRAINING, baskets((0, 3), (1, 6), (2,), (6, 7)), HiddenConfig())

    assert asked["new"].hidden.tolist() == [3, 6]
    assert [len(asked[task]) for task in TASKS] == [1, 1, 2]
    assert asked["basket"].hidden.tolist() == [0]


def test_too_many_baskets_are_drawn_from_by_seed() -> None:
    held_out = baskets(*[(0, 1, 2)] * 30)

    one, two = (ask(TRAINING, held_out, HiddenConfig(max_cells=80))["basket"] for _ in range(2))

    assert len(one) == 10
    assert one.hidden.tolist() == two.hidden.tolist()


def test_known_products_are_never_ranked_before_the_hidden_one() -> None:
    asked = Questions(csr_array(np.array([[1.0, 1, 0, 0]])), np.array([3], dtype=np.int32))

    assert ranks_of(np.array([[9.0, 8, 1, 2]]), asked).tolist() == [0.0]


def test_a_score_is_the_sum_over_known_products() -> None:
    asked = Questions(csr_array(np.array([[1.0, 0, 1], [0, 1, 0]])), np.array([1, 2], dtype=np.int32))
    table = np.array([[0.0, 1, 2], [3, 0, 4], [5, 6, 0]])

    assert scores_of(lambda anchors: table[anchors], asked).tolist() == [[5, 7, 2], [3, 0, 4]]


def test_signals_that_see_habits_beat_popularity_and_noise() -> None:
    basket = FIGURES["basket"]

    for name in ("ease", "llr", "shrunk_lift", BLEND):
        assert basket[name]["hit_rate@10"].value > basket["popularity"]["hit_rate@10"].value
        assert basket[name]["hit_rate@10"].value > basket["text_cosine"]["hit_rate@10"].value


def test_the_inner_cut_lies_before_the_outer_one_and_chooses() -> None:
    assert all(one.inner_cut < one.cut for one in STORES)
    assert STORES[0].chosen.questions > 0
    assert STORES[0].chosen.weights["ease"] == 1


def test_pooled_figures_are_means_over_all_questions_within_their_intervals() -> None:
    ranks = np.concatenate([one.ranks["basket"]["ease"] for one in STORES])

    figure = FIGURES["basket"]["ease"]["hit_rate@10"]

    assert figure.value == pytest.approx((ranks < 10).mean())
    assert figure.interval is not None
    assert figure.interval.low <= figure.value <= figure.interval.high


def test_the_same_store_is_measured_alike_twice() -> None:
    again = measured(400, 2)

    assert all(
        (again.ranks[task][name] == ranks).all() for task in TASKS for name, ranks in STORES[1].ranks[task].items()
    )


def test_table_json_and_picture_name_every_signal() -> None:
    table, picture = signals_table(STORES, FIGURES), render(draw_signals(STORES, FIGURES)).decode()
    found = json.loads(json.dumps(signals_json(STORES, FIGURES), allow_nan=False))

    assert [row[0] for row in table.rows] == list(found["figures"]["basket"])
    assert all(f">{name}<" in picture for name in found["figures"]["basket"])
    assert found["questions"]["basket"] == sum(len(one.ranks["basket"][BLEND]) for one in STORES)


def test_a_curve_has_every_variant_and_measures_each_against_the_whole() -> None:
    ticks = iter(range(1_000))
    held = split(synthetic_store(300, 60, 1))

    points = measure_curve(held, vectors_of(60), RUN, lambda: float(next(ticks)))
    curve = curve_of([points])

    assert [point.name for point in curve] == [variant.name for variant in variants(RUN)]
    assert all(point.ms == 1_000 for point in curve)
    assert curve[0].difference.value == 0
    assert curve[3].difference.value == pytest.approx(curve[3].hit_rate.value - curve[0].hit_rate.value)
    assert len(curve_table(curve, 1).rows) == len(curve_json(curve)) == len(curve)
    assert b"a tenth of the combos" in render(draw_curve(curve))
    assert not math.isnan(curve[0].hit_rate.value)


def test_words_of_titles_bind_products_that_nobody_bought() -> None:
    words = title_words(["Rose Teapot", "Rose Mug", "Lamp", *["Thing"] * 20])
    orders = csr_array(np.eye(23, dtype=np.int32)[[0] * 8 + [1] * 8 + [2] * 8])

    weights = fit_ease(csr_array(vstack([orders, words], format="csr")), EaseConfig(min_orders=1))

    assert float(weights.of_pairs(np.array([0]), np.array([1]))[0]) > 0
    assert float(weights.of_pairs(np.array([0]), np.array([2]))[0]) == 0
