"""What a text model thinks of candidates near selection: how appealing each is, and what discount it would give.

Neither decides. Appeal moves the semantic signal within a bounded share; a discount is clamped to the 80 % interval of
what the store's own prices say and weighs 0.4 against it, and the margin floor holds as for any price.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.suggestions import ABOUT, guarded_reason
from pipeline.context.store import StoreContext
from pipeline.ingest.snapshot import Catalog
from pipeline.offers.config import AdviceConfig
from pipeline.ports import Prompt
from pipeline.prompts import Answer, Form, as_answer, named, question, told
from pipeline.selection.judged import Judged
from pipeline.selection.reach import reach
from pipeline.terms import COMBOS

PURPOSE, VERSION = "advice", "1"
MOST_APPEAL = 10.0

ROLE = (
    "You judge product bundles of an online shop before they are offered. For each bundle in the data give "
    "appeal, 0 to 10: how much customers would want these products together (5: neither here nor there); "
    "discount_low and discount_high in percent, 0 to 50: the range that would make them take it, no deeper than "
    "needed; and a reason of at most 15 words that names no product, figure or price. Answer each bundle by its "
    "index."
)


class AdvisedItem(Form):
    """What a model thinks of one bundle."""

    index: int
    appeal: float
    discount_low: float
    discount_high: float
    reason: str


class AdvisedBatch(Form):
    """The answer to a question for advice."""

    items: list[AdvisedItem]


@dataclass(frozen=True, slots=True)
class Advised:
    """A question and the candidates it is about."""

    prompt: Prompt
    rows: tuple[int, ...]
    """Position of each among the judged candidates, by its index in the question."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a model thinks of one candidate."""

    appeal: float
    """In [0, 10]."""
    low: float
    """Least discount it would give, as a share in [0, 0.5]."""
    high: float
    reason: str
    """Empty where it held what it may not."""

    @property
    def discount(self) -> float:
        """The middle of its range."""
        return round((self.low + self.high) / 2, 6)


def near_selection(judged: Judged, demand: float, most: int) -> NDArray[np.intp]:
    """`(≤ most,)` candidates that are likely to be bundles, by what they are worth to a list; equal ones in order.

    Args:
        judged: All candidates.
        demand: Weight of how many orders one reaches, as the portfolio has it.
        most: How many.
    """
    worth = (1 - demand) * judged.scores.score + demand * reach(judged)
    order = np.argsort(-np.round(worth, 9), kind="stable")
    return np.asarray(order[judged.verdicts.passed[order]][:most])


def advice_prompts(
    context: StoreContext, catalog: Catalog, judged: Judged, demand: float, config: AdviceConfig
) -> list[Advised]:
    """Questions about the candidates near selection, the most promising first."""
    asked: list[Advised] = []
    rows = [int(row) for row in near_selection(judged, demand, config.candidates)]
    for at in range(0, len(rows), config.batch):
        part = rows[at : at + config.batch]
        data = {
            "currency": context.shop.currency,
            "bundles": [{"index": i} | _row(catalog, judged, row) for i, row in enumerate(part)],
        }
        prompt = question(PURPOSE, VERSION, ROLE, data, AdvisedBatch, 60 * len(part) + 200)
        asked.append(Advised(prompt, tuple(part)))
    return asked


def _row(catalog: Catalog, judged: Judged, row: int) -> dict[str, Any]:
    combo, items = COMBOS[judged.combo[row]], judged.found.items[row]
    return {
        "type": str(combo.type),
        "goal": ABOUT[combo.objective],
        "products": [_product(catalog, int(item)) for item in items[items >= 0]],
    }


def _product(catalog: Catalog, item: int) -> dict[str, Any]:
    category = str(catalog.categories[int(catalog.category[item])].as_py())
    title = named(str(catalog.title[item].as_py()), category)
    return {"title": title, "category": told(category), "price": float(catalog.price[item])}


def read_advice(asked: Sequence[Advised], answers: Sequence[Answer]) -> dict[int, Opinion]:
    """Opinions by position among the judged candidates; what is out of range is dropped, the first of two counts."""
    opinions: dict[int, Opinion] = {}
    for one, answer in zip(asked, answers, strict=True):
        batch = as_answer(answer, AdvisedBatch)
        for item in batch.items if batch else ():
            if 0 <= item.index < len(one.rows) and _is_sound(item):
                opinions.setdefault(one.rows[item.index], _opinion(item))
    return opinions


def _is_sound(item: AdvisedItem) -> bool:
    figures = (item.appeal, item.discount_low, item.discount_high)
    if not all(math.isfinite(figure) for figure in figures):
        return False
    return 0 <= item.appeal <= MOST_APPEAL and 0 <= item.discount_low <= item.discount_high <= 100


def _opinion(item: AdvisedItem) -> Opinion:
    low, high = (round(min(figure / 100, 0.5), 6) for figure in (item.discount_low, item.discount_high))
    return Opinion(round(item.appeal, 2), low, high, guarded_reason(item.reason))


def lifted(semantic: NDArray[np.float64], appeal: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    """The semantic signal with appeal in it: unmoved at 5, towards 1 above and towards 0 below.

    A fixed map that rises with both: 10 goes `weight` of the way to 1, 0 the same share of the way to 0.

    >>> lifted(np.array([0.4, 0.4, 0.4]), np.array([10.0, 5.0, 0.0]), 0.5).tolist()
    [0.7, 0.4, 0.2]

    Args:
        semantic: `(k,)` in [0, 1].
        appeal: `(k,)` in [0, 10]; NaN leaves the signal.
        weight: In [0, 0.5].
    """
    turn = weight * (np.nan_to_num(appeal, nan=5.0) / 5 - 1)
    room = np.where(turn > 0, 1 - semantic, semantic)
    return np.round(semantic + turn * room, 9)
