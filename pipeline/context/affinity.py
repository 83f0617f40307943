"""Expected co-purchase of two products from what they are: text, category and price.

Cosine alone hardly predicts what is bought together, so each of three features (cosine as a percentile
of random pairs, relation of the categories, ratio of the prices) gets the log-odds with which the store's
own co-bought pairs show it more often than random pairs do: naive Bayes over bins, closed form. A store
with too few such pairs uses the percentile of its cosine alone.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from pipeline.context.similarity import cosines, percentile_of

COSINE_EDGES = np.array([0.25, 0.5, 0.7, 0.8, 0.88, 0.94, 0.965, 0.985, 0.997])
"""Percentiles of random pairs that part the bins of text."""

PRICE_EDGES = np.log(np.array([1.15, 1.5, 2.0, 3.0, 5.0]))
"""Ratios of the dearer to the cheaper price that part the bins of price."""


class AffinityConfig(BaseModel):
    """When the store's own pairs are enough to learn from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_pairs: Annotated[int, Field(ge=1)] = 100
    """Fewest co-bought pairs to calibrate on; with fewer the store is cold."""
    smoothing: Annotated[float, Field(gt=0)] = 20.0
    """Pseudo-pairs spread over the bins of a feature."""
    temperature: Annotated[float, Field(ge=1)] = 2.0
    """What log-odds are divided by: text, category and price say partly the same."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What the affinity of two SKUs is made of."""

    vectors: NDArray[np.float32]
    """`(n, d)` unit vectors; `(n, 0)` where there are none yet."""
    category: NDArray[np.int32]
    price: NDArray[np.float64]
    joined: NDArray[np.bool_]
    """`(categories, categories)` which differing categories are bought together."""
    background: NDArray[np.float64]
    """Ascending cosines of random pairs; empty without vectors."""

    def cosine(self, a: NDArray[np.integer], b: NDArray[np.integer]) -> NDArray[np.float64]:
        """`(k,)` cosines rounded to 1e-6; NaN without vectors."""
        return cosines(self.vectors, a, b) if self.vectors.shape[1] else np.full(len(a), np.nan)

    def percentile(self, cosine: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of random pairs with a lower cosine, in [0, 1]; 0.5 without vectors."""
        return percentile_of(cosine, self.background) if len(self.background) else np.full(cosine.shape, 0.5)

    def bins(
        self, a: NDArray[np.integer], b: NDArray[np.integer], cosine: NDArray[np.float64] | None = None
    ) -> tuple[NDArray[np.intp], ...]:
        """Bin of each feature for the pairs `(a, b)`: text, category, price; `cosine` where it is known already."""
        share = self.percentile(self.cosine(a, b) if cosine is None else cosine)
        text = np.searchsorted(COSINE_EDGES, share, side="right")
        one, two = self.category[a], self.category[b]
        relation = np.where(one == two, 0, np.where(self.joined[one, two], 1, 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.abs(np.log(self.price[a]) - np.log(self.price[b]))
        price = np.searchsorted(PRICE_EDGES, np.nan_to_num(ratio, nan=np.inf), side="right")
        return text, relation, price


BINS = (len(COSINE_EDGES) + 1, 3, len(PRICE_EDGES) + 1)


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
        total = sum(odds[bins] for odds, bins in zip(self.odds, self.traits.bins(a, b, cosine), strict=True))
        return np.round(1 / (1 + np.exp(-np.asarray(total))), 9)


def calibrate(
    traits: Traits, a: NDArray[np.integer], b: NDArray[np.integer], rng: np.random.Generator, config: AffinityConfig
) -> Affinity:
    """Learn the log-odds from the co-bought pairs `(a, b)` against random pairs of the same SKUs."""
    if len(a) < config.min_pairs:
        return Affinity(traits, (), len(a))
    known = np.unique(np.concatenate([a, b]))
    draw = rng.integers(0, len(known), size=(2, 20_000))
    apart = draw[0] != draw[1]
    random = traits.bins(known[draw[0][apart]], known[draw[1][apart]])
    odds = []
    for width, bought, chance in zip(BINS, traits.bins(a, b), random, strict=True):
        prior = np.bincount(chance, minlength=width) + 1.0
        share = prior / prior.sum()
        seen = np.bincount(bought, minlength=width) + config.smoothing * share
        odds.append((np.log(seen / seen.sum()) - np.log(share)) / config.temperature)
    return Affinity(traits, tuple(odds), len(a))
