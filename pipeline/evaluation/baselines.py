"""What a shop would show without us: the pairs that sell most together, and the rules a user would mine."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.sparse import csr_array

from pipeline.context.config import MiningConfig
from pipeline.context.itemsets_mlxtend import FrequentItemsets, Rules, frequent_itemsets, rules
from pipeline.context.pairs import Pairs, count_pairs
from pipeline.evaluation.holdout import Baskets
from pipeline.evaluation.ranked import Ranked


class ControlConfig(BaseModel):
    """How the rules-only control mines, and what it may cost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_support: Annotated[float, Field(gt=0, le=1)] = 0.01
    """Least share of orders that hold a set."""
    min_count: Annotated[int, Field(ge=1)] = 3
    """Fewest orders that hold a set, where `min_support` asks for less."""
    min_lift: Annotated[float, Field(ge=0)] = 1.0
    """Least lift of a rule."""
    max_items: Annotated[int, Field(ge=2, le=3)] = 3
    """Most products of a set."""
    max_overlap: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Jaccard similarity from which a set counts as a copy of a better one."""
    max_pairs: Annotated[int, Field(ge=1)] = 20_000
    """Frequent pairs that mlxtend may meet; the least count rises until they fit."""
    max_lines: Annotated[int, Field(ge=1)] = 100_000
    """Order lines of frequent products up to which mlxtend is asked; above, pairs are counted sparsely."""
    max_cells: Annotated[int, Field(ge=1)] = 200_000_000
    """Baskets × frequent products up to which mlxtend is asked: the bytes of its frame."""
    max_rules: Annotated[int, Field(ge=1)] = 500_000
    """Splits of sets that may be measured as rules; the least count of a set of three rises until they fit."""


@dataclass(frozen=True, slots=True)
class Control:
    """The control's list, and what it took to make it."""

    ranked: Ranked
    engine: Literal["mlxtend", "sparse pairs"]
    min_count: int
    """Fewest orders of a set, after any raise."""
    asked_count: int
    """Fewest orders that the settings ask for."""
    itemsets: int
    rules: int

    @property
    def note(self) -> str:
        """One sentence for the protocol."""
        raised = "" if self.min_count == self.asked_count else f", raised from {self.asked_count} to stay affordable"
        return (
            f"rules only, {self.engine}, sets in at least {self.min_count} orders{raised}: "
            f"{self.itemsets} sets, {self.rules} rules, by lift then confidence"
        )


def popularity(baskets: Baskets, is_sellable: NDArray[np.bool_], limit: int) -> Ranked:
    """The pairs of sellable SKUs most often bought together.

    A strong baseline for HitRate, since frequent pairs go on being frequent; it shows the same few best-sellers.
    Equal counts are ordered by SKU.
    """
    pairs = _frequent_pairs(_columns_of(baskets.matrix(), is_sellable), MiningConfig().max_pairs)
    best = np.lexsort((pairs.b, pairs.a, -pairs.count))[:limit]
    return Ranked(np.column_stack([pairs.a[best], pairs.b[best]]).astype(np.int32), np.ones(len(best), dtype=bool))


def control(baskets: Baskets, is_sellable: NDArray[np.bool_], limit: int, config: ControlConfig) -> Control:
    """Rules alone, as one would write it with mlxtend: fpgrowth, association rules, best lift first.

    Args:
        baskets: Training baskets.
        is_sellable: `(products,)` SKUs that may be in a set.
        limit: Longest list.
        config: Thresholds and limits of cost.

    Returns:
        Distinct sets by lift, then confidence, then count, then SKUs, without near copies of better ones. Where
        mlxtend would cost too much, the least count is raised, or pairs alone are counted, and the result says so.
    """
    asked = max(config.min_count, int(np.ceil(config.min_support * len(baskets) - 1e-9)))
    matrix = _columns_of(baskets.matrix(), is_sellable)
    pairs = _frequent_pairs(matrix, config.max_pairs, asked)
    item_count = np.asarray(matrix.sum(axis=0), dtype=np.int32)
    frequent = item_count >= pairs.min_count
    affordable = (
        int(item_count[frequent].sum()) <= config.max_lines and len(baskets) * int(frequent.sum()) <= config.max_cells
    )
    itemsets = (
        frequent_itemsets(matrix, pairs.min_count, config.max_items) if affordable else _pair_sets(item_count, pairs)
    )
    itemsets, least = _affordable_sets(itemsets, config.max_rules, pairs.min_count)
    mined = rules(itemsets, len(baskets), config.min_lift)
    return Control(
        ranked=_best_sets(mined, limit, config.max_overlap),
        engine="mlxtend" if affordable else "sparse pairs",
        min_count=least,
        asked_count=asked,
        itemsets=len(itemsets),
        rules=len(mined),
    )


def _columns_of(matrix: csr_array, kept: NDArray[np.bool_]) -> csr_array:
    """The baskets without the other SKUs; baskets stay, so that counts are of all orders."""
    thinned = matrix.copy()
    thinned.data = np.asarray(kept[thinned.indices], dtype=np.int32)
    thinned.eliminate_zeros()
    return thinned


def _frequent_pairs(matrix: csr_array, max_pairs: int, min_count: int = 1) -> Pairs:
    """Pairs in at least `min_count` baskets, or in more where they are too many; exact counts."""
    frequent = np.asarray(matrix.sum(axis=0)) >= min_count
    found = count_pairs(_columns_of(matrix, frequent), np.ones(matrix.shape[0]), max_pairs)
    least = max(min_count, found.min_count)
    keep = found.count >= least
    return Pairs(found.a[keep], found.b[keep], found.count[keep], found.weight[keep], least, found.products)


def _pair_sets(item_count: NDArray[np.int32], pairs: Pairs) -> FrequentItemsets:
    single = np.flatnonzero(item_count >= pairs.min_count).astype(np.int32)
    items = np.full((len(single) + len(pairs), 2), -1, dtype=np.int32)
    items[: len(single), 0] = single
    items[len(single) :] = np.column_stack([pairs.a, pairs.b])
    return FrequentItemsets(items, np.concatenate([item_count[single], pairs.count]).astype(np.int32))


def _affordable_sets(itemsets: FrequentItemsets, max_rules: int, min_count: int) -> tuple[FrequentItemsets, int]:
    """Sets of few enough rules, a pair giving 2 and a set of three 6: the least count rises until they fit."""
    splits = np.array([0, 0, 2, 6])[itemsets.sizes]
    least = min_count
    while int(splits[itemsets.count >= least].sum()) > max_rules:
        least += 1
    keep = itemsets.count >= least
    return FrequentItemsets(itemsets.items[keep], itemsets.count[keep]), least


def _best_sets(mined: Rules, limit: int, max_overlap: float) -> Ranked:
    """Distinct sets of the rules, anchor side first, best rule of each set kept."""
    both = np.concatenate([mined.antecedent, mined.consequent], axis=1)
    width = both.shape[1] // 2
    order = np.lexsort((*both.T[::-1], -mined.count, -mined.confidence, -mined.lift))
    key = np.sort(both[order], axis=1)
    distinct = order[np.sort(np.unique(key, axis=0, return_index=True)[1])]
    chosen: list[list[int]] = []
    for row in both[distinct]:
        items = [int(sku) for sku in row if sku >= 0]
        if all(_jaccard(items, other) < max_overlap for other in chosen):
            chosen.append(items)
        if len(chosen) == limit:
            break
    listed = Ranked.of(chosen)
    padding = max(0, width - listed.items.shape[1])
    return Ranked(np.pad(listed.items, ((0, 0), (0, padding)), constant_values=-1), listed.is_set_type)


def _jaccard(first: list[int], second: list[int]) -> float:
    return len({*first} & {*second}) / len({*first} | {*second})
