"""Expected co-purchase of two products from what they are: text, category and price.

Cosine alone hardly predicts what is bought together, so each of three features (cosine, relation of the categories,
ratio of the prices) gets the log-odds with which the store's own joint purchases show it more often than products
drawn by their orders do: the lift of a bin, naive Bayes, closed form. More alike texts never count less (pool adjacent
violators, Ayer et al. 1955), and between bins the odds of text are interpolated, so that near-twins differ. A store
with too few pairs uses the percentile of its cosine alone.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.context.config import AffinityConfig
from pipeline.context.similarity import cosines, percentile_of
from pipeline.keys import distinct
from pipeline.numbers import filled

COSINE_EDGES = np.array([0.25, 0.5, 0.7, 0.8, 0.88, 0.94, 0.965, 0.985, 0.997])
"""Percentiles of random pairs that part the bins of text; the last bin is parted in three, equally wide in cosine."""

PRICE_EDGES = np.log(np.array([1.15, 1.5, 2.0, 3.0, 5.0]))
"""Ratios of the dearer to the cheaper price that part the bins of price."""


@dataclass(frozen=True)
class Traits:
    """What the affinity of two SKUs is made of."""

    vectors: NDArray[np.float32]
    """`(n, d)` unit vectors on their grid; `(n, 0)` where there are none yet."""
    category: NDArray[np.int32]
    price: NDArray[np.float64]
    joined: NDArray[np.bool_]
    """`(categories, categories)` which differing categories are bought together."""
    background: NDArray[np.float64]
    """Ascending cosines of random pairs; empty without vectors."""

    def cosine(self, a: NDArray[np.integer], b: NDArray[np.integer]) -> NDArray[np.float64]:
        """`(k,)` cosines; NaN without vectors."""
        return cosines(self.vectors, a, b) if self.vectors.shape[1] else np.full(len(a), np.nan)

    def cosine_rows(self, anchors: NDArray[np.integer]) -> NDArray[np.float32]:
        """`(len(anchors), n)` cosines of each anchor with every SKU; 0 without vectors."""
        return np.asarray(self.vectors[anchors] @ self.vectors.T, dtype=np.float32)

    def percentile(self, cosine: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of random pairs with a lower cosine, in [0, 1]; 0.5 without vectors."""
        return percentile_of(cosine, self.background) if len(self.background) else np.full(cosine.shape, 0.5)

    @cached_property
    def text_edges(self) -> NDArray[np.float64]:
        """`(TEXT_BINS + 1,)` ascending cosines that bound the bins of text; zeros without vectors."""
        if not len(self.background):
            return np.zeros(TEXT_BINS + 1)
        low, *inner = np.quantile(self.background, [0.0, *COSINE_EDGES])
        return np.maximum.accumulate([low, *inner[:-1], *np.linspace(inner[-1], max(1.0, inner[-1]), 4)])

    def bins(self, a: NDArray[np.integer], b: NDArray[np.integer]) -> tuple[NDArray[np.intp], ...]:
        """Bin of each feature for the pairs `(a, b)`: text, category, price."""
        text = np.searchsorted(self.text_edges[1:-1], filled(self.cosine(a, b), 0.0), side="right")
        return text, self.relation(a, b), self.price_bin(a, b)

    def relation(self, a: NDArray[np.integer], b: NDArray[np.integer]) -> NDArray[np.intp]:
        """0 for the same category, 1 for two bought together, 2 for others."""
        one, two = self.category[a], self.category[b]
        return np.where(one == two, 0, np.where(self.joined[one, two], 1, 2))

    def price_bin(self, a: NDArray[np.integer], b: NDArray[np.integer]) -> NDArray[np.intp]:
        """Bin of the ratio of the prices; an unknown price is far from every other."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.abs(np.log(self.price[a]) - np.log(self.price[b]))
        return np.searchsorted(PRICE_EDGES, filled(ratio, np.inf), side="right")


TEXT_BINS = len(COSINE_EDGES) + 3

BINS = (TEXT_BINS, 3, len(PRICE_EDGES) + 1)


@dataclass(frozen=True, slots=True)
class Affinity:
    """Calibrated affinity of any two SKUs of a store."""

    traits: Traits
    odds: tuple[NDArray[np.float64], ...]
    """Log-odds by bin of text, category and price; empty when cold."""
    pairs: int
    """Co-bought pairs it was calibrated on."""

    @property
    def is_cold(self) -> bool:
        """Whether it rests on background percentiles alone."""
        return not self.odds

    def score(
        self, a: NDArray[np.integer], b: NDArray[np.integer], cosine: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """`(k,)` affinity of the pairs `(a, b)` in [0, 1]; 0.5 is that of a random pair.

        Args:
            a: `(k,)` SKUs.
            b: `(k,)` SKUs beside them.
            cosine: `(k,)` their cosines as `Traits.cosine` gives them, where they are known already.
        """
        if self.is_cold:
            return self.traits.percentile(self.traits.cosine(a, b) if cosine is None else cosine)
        _, relation, price = self.odds
        total = relation[self.traits.relation(a, b)] + price[self.traits.price_bin(a, b)]
        if len(self.traits.background):
            total = total + self._text(self.traits.cosine(a, b) if cosine is None else cosine)
        return np.round(1 / (1 + np.exp(-total)), 9)

    def _text(self, cosine: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-odds of text, interpolated between the middles of the bins."""
        edges = self.traits.text_edges
        return np.interp(cosine, (edges[1:] + edges[:-1]) / 2, self.odds[0])

    def rows(self, anchors: NDArray[np.integer]) -> NDArray[np.float64]:
        """`(len(anchors), n)` affinity of each anchor with every SKU."""
        products = len(self.traits.category)
        every = np.tile(np.arange(products), len(anchors))
        return self.score(np.repeat(anchors, products), every).reshape(len(anchors), products)


def calibrate(
    traits: Traits, a: NDArray[np.integer], b: NDArray[np.integer], count: NDArray[np.floating],
    orders: NDArray[np.integer], rng: np.random.Generator, config: AffinityConfig,
) -> Affinity:  # fmt: skip
    """Learn the log-odds from joint purchases against products drawn by their orders.

    Args:
        traits: What the SKUs are.
        a: `(p,)` first SKU of each co-bought pair.
        b: `(p,)` second SKU.
        count: `(p,)` orders with both.
        orders: `(n,)` orders of each SKU.
        rng: Source of the drawn pairs.
        config: When that is enough.
    """
    if len(a) < config.min_pairs:
        return Affinity(traits, (), len(a))
    known = distinct(np.concatenate([a, b]))
    share_of = orders[known] / orders[known].sum()
    draw = rng.choice(known, size=(2, 20_000), p=share_of)
    apart = draw[0] != draw[1]
    random = traits.bins(draw[0][apart], draw[1][apart])
    odds = []
    for width, bought, chance in zip(BINS, traits.bins(a, b), random, strict=True):
        prior = np.bincount(chance, minlength=width) + 1.0
        share = prior / prior.sum()
        # Orders that share a pair are not independent: a pair weighs as the root of its orders.
        seen = np.bincount(bought, weights=np.sqrt(count), minlength=width) + config.smoothing * share
        odds.append((np.log(seen / seen.sum()) - np.log(share)) / config.temperature)
        if width == TEXT_BINS:
            odds[0] = rising(odds[0].astype(np.float64), prior.astype(np.float64))
    return Affinity(traits, tuple(odds), len(a))


def rising(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest sequence that never falls, by weighted squares: pool adjacent violators.

    >>> rising(np.array([1.0, 3.0, 2.0]), np.array([1.0, 1.0, 3.0])).tolist()
    [1.0, 2.25, 2.25]
    """
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        mean, total, size = value, weight, 1
        while pools and pools[-1][0] > mean:
            before, mass, length = pools.pop()
            mean = (before * mass + mean * total) / (mass + total)
            total, size = total + mass, size + length
        pools.append((mean, total, size))
    return np.repeat([mean for mean, _, _ in pools], [size for _, _, size in pools])
