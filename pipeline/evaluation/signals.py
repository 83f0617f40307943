"""Every signal alone, and their blend, asked for the hidden product of held-out baskets.

A signal says of each known product how well every other goes with it; a basket's score is the sum over its known
products. Settings (EASE's penalties, what each part of the blend weighs) are chosen on an inner cut of the training
view, then measured once on the outer one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from pipeline.context.affinity import Affinity
from pipeline.context.association import log_likelihood_ratio, shrunk_lift, wilson
from pipeline.context.compatibility import category_joints
from pipeline.context.config import EaseConfig
from pipeline.context.ease import fit_ease
from pipeline.context.history import History
from pipeline.context.links import category_lift
from pipeline.context.store import StoreContext
from pipeline.errors import EmptyStoreError
from pipeline.evaluation.hidden import Floats, HiddenConfig, Questions, TaskName, ask, depth_gain, ranks_of
from pipeline.evaluation.holdout import Baskets, Holdout, split
from pipeline.evaluation.title_words import title_words
from pipeline.ingest.snapshot import Catalog

ROW_CELLS = 4_000_000
"""Products × products looked at at once: what bounds the memory."""

Rows = Callable[[NDArray[np.intp]], NDArray[np.floating]]
"""`(u,)` products to `(u, n)`: how well every product goes with each of them."""

BLEND = "blend"

WORDED = "ease_words"
"""EASE on orders and the words of titles."""

BLENDED = ("ease", WORDED, "llr", "shrunk_lift", "popularity", "affinity", "text_cosine")
"""What may be in a blend; the first is, with weight 1."""

WEIGHTS = (0.0, 0.1, 0.3, 1.0)
"""What each other part may weigh beside it."""

PENALTIES = ((20.0, 0.2), (5.0, 0.0), (20.0, 0.0), (50.0, 0.2), (100.0, 0.5))
"""Ridge and dropout of EASE that are tried."""

FEWEST, MOST = 20, 500
"""Inner baskets below which nothing is chosen, and above which no more are looked at."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Settings chosen on the inner cut."""

    ease: EaseConfig
    weights: dict[str, float]
    """What each part of the blend weighs, of z-scores within a question."""
    questions: int
    """Inner baskets that chose; 0: too few, and defaults stand."""


@dataclass(frozen=True, slots=True)
class StoreSignals:
    """Ranks of the hidden products of one store, by task and signal."""

    store: str
    training_orders: int
    held_out_orders: int
    cut: int
    inner_cut: int
    chosen: Chosen
    config: HiddenConfig
    ranks: dict[TaskName, dict[str, Floats]] = field(repr=False)
    """`(questions,)` each."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Pairs of a training view: symmetric, as a CSR matrix and as the columns of its cells."""

    joint: csr_array
    orders: NDArray[np.int64]
    total: int
    category: NDArray[np.int32]
    category_lift: NDArray[np.float64]

    def spread(self, values: NDArray[np.float64]) -> Rows:
        """Rows of a matrix that has these values where pairs were bought together, 0 elsewhere."""
        matrix = csr_array((values, self.joint.indices, self.joint.indptr), shape=self.joint.shape)
        return lambda anchors: matrix[anchors].toarray()


def count(history: History, category: NDArray[np.int32], categories: int) -> Counted:
    """Exact joint orders of all pairs."""
    matrix = history.matrix()
    joint = csr_array((matrix.T.tocsr() @ matrix).astype(np.float64))
    joint.setdiag(0)
    joint.eliminate_zeros()
    joint.sort_indices()
    orders = np.bincount(history.item, minlength=history.products)
    lift = category_lift(category_joints(history, category, categories), len(history))
    return Counted(joint, orders, len(history), category, lift)


def signals_of(counted: Counted, affinity: Affinity) -> dict[str, Rows]:
    """All signals but EASE and the blend, in the order of tables."""
    joint, orders, n = counted.joint, counted.orders.astype(np.float64), max(counted.total, 1)
    a = np.repeat(orders, np.diff(joint.indptr))
    b, c = orders[joint.indices], joint.data
    chance = a * b / n
    parts = {
        "support": c,
        "confidence": c / a,
        "wilson": wilson(c, a)[0],
        "lift": c / chance,
        "shrunk_lift": np.log(np.maximum(shrunk_lift(c, chance), 1.0)),
        "llr": log_likelihood_ratio(c, a, b, n),
        "cosine": c / np.sqrt(a * b),
        "jaccard": c / (a + b - c),
    }
    products = len(orders)
    return {
        "popularity": lambda anchors: np.broadcast_to(orders, (len(anchors), products)),
        **{name: counted.spread(values) for name, values in parts.items()},
        "smoothed_lift": lambda anchors: smoothed_rows(counted, anchors),
        "affinity": affinity.rows,
        "text_cosine": affinity.traits.cosine_rows,
    }


def smoothed_rows(counted: Counted, anchors: NDArray[np.intp]) -> NDArray[np.float64]:
    """Logarithm of lift shrunk to that of the categories, of every product beside each anchor; at least 0."""
    chance = counted.orders[anchors][:, None] * counted.orders[None, :] / max(counted.total, 1)
    prior = counted.category_lift[counted.category[anchors]][:, counted.category]
    together = counted.joint[anchors].toarray()
    return np.asarray(np.log(np.maximum(shrunk_lift(together, chance, prior), 1.0)))


def scores_of(rows: Rows, questions: Questions) -> NDArray[np.float32]:
    """`(q, n)` sum of a signal's rows over what each basket shows."""
    known, products = questions.known, questions.known.shape[1]
    anchors = np.unique(known.indices).astype(np.intp)
    scores = np.zeros((len(questions), products))
    columns = known.tocsc()
    for part in np.array_split(anchors, max(1, -(-len(anchors) * products // ROW_CELLS))):
        scores += columns[:, part] @ np.asarray(rows(part), dtype=np.float64)
    return scores.astype(np.float32)


def standardised(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores of each question with mean 0 and deviation 1; all 0 where they do not differ."""
    mean, spread = scores.mean(axis=1, keepdims=True), scores.std(axis=1, keepdims=True)
    return np.asarray(np.divide(scores - mean, spread, out=np.zeros_like(scores), where=spread > 0))


def blended(parts: Mapping[str, NDArray[np.float32]], weights: Mapping[str, float]) -> NDArray[np.float32]:
    """Weighted sum of standardised scores."""
    total = np.zeros_like(next(iter(parts.values())))
    for name, weight in weights.items():
        if weight:
            total += np.float32(weight) * parts[name]
    return total


class View:
    """What is known before a cut, ready to be asked.

    Args:
        context: The store as it was known then.
        catalog: Its products, whose titles and categories speak too.
    """

    def __init__(self, context: StoreContext, catalog: Catalog) -> None:
        self.history, self.affinity = context.history, context.affinity
        self.counted = count(self.history, context.shop.category, len(catalog.categories))
        self.signals = signals_of(self.counted, self.affinity)
        self._words = title_words(catalog.title.to_pylist())

    def ease(self, config: EaseConfig) -> Rows:
        """Rows of EASE's weights."""
        return fit_ease(self.history.matrix(), config).rows

    def ease_words(self, config: EaseConfig) -> Rows:
        """The same, where words of titles count as further orders."""
        return fit_ease(csr_array(vstack([self.history.matrix(), self._words], format="csr")), config).rows

    @property
    def baskets(self) -> Baskets:
        """The training baskets."""
        return Baskets(self.history.indptr, self.history.item, self.history.products)


def choose(view: View, questions: Questions, base: EaseConfig) -> Chosen:
    """Settings that put the hidden products of an inner cut highest, `depth_gain` on average.

    The penalties are tried all; then each other part in turn is given the best of its weights, EASE having 1. Equal
    ones: the first tried. Fewer than `FEWEST` questions choose nothing.
    """
    start = {BLENDED[0]: 1.0}
    questions = questions.first(MOST)
    if len(questions) < FEWEST:
        return Chosen(base, start, 0)
    tried = [base.model_copy(update={"ridge": ridge, "dropout": drop}) for ridge, drop in PENALTIES]
    found = [scores_of(view.ease(config), questions) for config in tried]
    gains = [depth_gain(ranks_of(scores, questions)) for scores in found]
    best = int(np.argmax(np.round(gains, 9)))
    parts = {BLENDED[0]: standardised(found[best])}
    weights, gain = start, gains[best]
    for name in BLENDED[1:]:
        rows = view.ease_words(tried[best]) if name == WORDED else view.signals[name]
        parts[name] = standardised(scores_of(rows, questions))
        options = [{**weights, name: weight} for weight in WEIGHTS[1:]]
        reached = [depth_gain(ranks_of(blended(parts, option), questions)) for option in options]
        top = int(np.argmax(np.round(reached, 9)))
        if round(reached[top] - gain, 9) > 0:
            weights, gain = options[top], reached[top]
    return Chosen(tried[best], weights, len(questions))


def answer(view: View, asked: Mapping[TaskName, Questions], chosen: Chosen) -> dict[TaskName, dict[str, Floats]]:
    """Ranks of every signal and of the blend on every task."""
    signals = {**view.signals, "ease": view.ease(chosen.ease), WORDED: view.ease_words(chosen.ease)}
    ranks: dict[TaskName, dict[str, Floats]] = {}
    for task, questions in asked.items():
        ranks[task], parts = {}, {}
        for name, rows in signals.items():
            scores = scores_of(rows, questions)
            ranks[task][name] = ranks_of(scores, questions)
            if chosen.weights.get(name):
                parts[name] = standardised(scores)
        ranks[task][BLEND] = ranks_of(blended(parts, chosen.weights), questions)
    return ranks


def measure(
    holdout: Holdout, known_before: Callable[[Holdout], StoreContext], config: HiddenConfig, ease: EaseConfig
) -> StoreSignals:
    """Choose on the inner cut, then ask once on the outer one.

    Args:
        holdout: A store, cut in two. The training view is cut again, as many days before its end.
        known_before: The context of a holdout's training view.
        config: What is hidden and measured.
        ease: EASE's settings; its penalties are chosen.
    """
    catalog = holdout.training.catalog
    before = _inner(holdout)
    chosen = Chosen(ease, {BLENDED[0]: 1.0}, 0)
    if before is not None:
        inner = View(known_before(before), catalog)
        chosen = choose(inner, ask(inner.baskets, before.baskets, config)["basket"], ease)
    outer = View(known_before(holdout), catalog)
    ranks = answer(outer, ask(outer.baskets, holdout.baskets, config), chosen)
    return StoreSignals(
        store=holdout.training.store,
        training_orders=len(outer.history),
        held_out_orders=len(holdout.baskets),
        cut=holdout.cut,
        inner_cut=before.cut if before else holdout.cut,
        chosen=chosen,
        ranks=ranks,
        config=config,
    )


def _inner(holdout: Holdout) -> Holdout | None:
    """The training view, cut as long before its end as the outer cut lies before the store's; None where empty."""
    try:
        return split(holdout.training, as_of=2 * holdout.cut - holdout.end)
    except EmptyStoreError:
        return None
