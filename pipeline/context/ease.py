"""What each product says of each other once all the others have spoken: EASE, a linear model in closed form.

EASE (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data") finds the weights `B`, with a zero diagonal,
that best rebuild every basket from itself: `min ‖X − XB‖² + ‖Λ^½ B‖²`, so `B = −P / diag(P)` off the diagonal, where
`P = (XᵀX + Λ)⁻¹`. The penalty grows with a product's orders, as if items had been dropped at random (Steck 2020,
"Autoencoders that don't overfit towards the Identity"): `Λ = ridge + p / (1 − p) · diag(XᵀX)`.

A pair that only rides on a third product gets a weight near zero, where counts alone can't tell.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pipeline.context.config import EaseConfig

DECIMALS = 9
"""Weights are rounded to so many digits: linear algebra libraries differ beyond."""


@dataclass(frozen=True, slots=True)
class ItemWeights:
    """Weights between `k` products of a catalog."""

    items: NDArray[np.int32]
    """`(k,)` ascending rows of the catalog."""
    weights: NDArray[np.float64]
    """`(k, k)` what having the row's product says of the column's; diagonal 0, mostly within [−0.5, 1]."""
    products: int
    """Products of the catalog."""

    def of_pairs(self, a: NDArray[np.integer], b: NDArray[np.integer]) -> NDArray[np.float64]:
        """`(p,)` weights from `a` to `b`; 0 where one of them was not fitted."""
        place = np.full(self.products, -1, dtype=np.intp)
        place[self.items] = np.arange(len(self.items))
        at, to = place[a], place[b]
        known = (at >= 0) & (to >= 0)
        found = np.zeros(len(at))
        found[known] = self.weights[at[known], to[known]]
        return found

    def rows(self, anchors: NDArray[np.integer]) -> NDArray[np.float64]:
        """`(len(anchors), products)` weights from each anchor to every product."""
        place = np.full(self.products, -1, dtype=np.intp)
        place[self.items] = np.arange(len(self.items))
        known = np.flatnonzero(place[anchors] >= 0)
        found = np.zeros((len(anchors), self.products))
        if len(known):
            found[np.ix_(known, self.items)] = self.weights[place[anchors[known]]]
        return found


def fitted_items(orders: NDArray[np.integer], config: EaseConfig) -> NDArray[np.int32]:
    """The products to fit, ascending: those of the most orders; of equal ones the first."""
    if not config.enabled:
        return np.zeros(0, dtype=np.int32)
    most = np.argsort(-orders, kind="stable")[: config.max_items]
    return np.sort(most[orders[most] >= config.min_orders]).astype(np.int32)


def fit_ease(matrix: csr_array, config: EaseConfig) -> ItemWeights:
    """Fit the weights to all baskets.

    Args:
        matrix: `(m, n)` ones where a basket holds a SKU.
        config: Penalties, and which products to fit.

    Returns:
        Weights of the fitted products, rounded to nine digits; none where no product has enough orders.
    """
    orders = np.bincount(matrix.indices, minlength=matrix.shape[1])
    items = fitted_items(orders, config)
    return ItemWeights(items, ease_weights(gram(matrix, items, config.full_basket), config), matrix.shape[1])


def gram(matrix: csr_array, items: NDArray[np.int32], full_basket: int) -> NDArray[np.float64]:
    """`(k, k)` weighted orders with both of two products; a basket weighs `min(1, full_basket / size)`."""
    sizes = np.diff(matrix.indptr)
    root = np.sqrt(np.minimum(1.0, full_basket / np.maximum(sizes, 1)))
    place = np.full(matrix.shape[1], -1, dtype=np.int32)
    place[items] = np.arange(len(items), dtype=np.int32)
    column = place[matrix.indices]
    keep = column >= 0
    row = np.repeat(np.arange(matrix.shape[0]), sizes)[keep]
    member = csr_array((root[row], (row, column[keep])), shape=(matrix.shape[0], len(items)))
    return np.asarray((member.T @ member).toarray())


def ease_weights(joint: NDArray[np.float64], config: EaseConfig) -> NDArray[np.float64]:
    """The closed form.

    Two products always bought together in 90 orders, ridge 10, no dropout: `P ∝ [[100, −90], [−90, 100]]`.

    >>> ease_weights(np.full((2, 2), 90.0), EaseConfig(ridge=10, dropout=0)).tolist()
    [[0.0, 0.9], [0.9, 0.0]]

    Args:
        joint: `(k, k)` weighted orders with both products, on the diagonal those with the one.
        config: Penalties.

    Returns:
        `(k, k)` weights, diagonal 0.
    """
    if not len(joint):
        return np.zeros((0, 0))
    own = np.diag(joint)
    penalised = joint + np.diag(config.ridge + config.dropout / (1 - config.dropout) * own)
    from scipy.linalg.lapack import dpotrf, dpotri  # slow to import, and few runs come here

    factor, _ = dpotrf(penalised, lower=1, overwrite_a=1)
    inverse, _ = dpotri(factor, lower=1, overwrite_c=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    weights = inverse / -np.diag(inverse)[None, :]
    np.fill_diagonal(weights, 0.0)
    return np.asarray(np.round(weights, DECIMALS) + 0.0)
