"""Which categories go together in one bundle."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from pipeline.context.history import History
from pipeline.keys import distinct

UNCATEGORISED = "uncategorised"
"""Name of the category of products that have none."""

MIN_JOINT_ORDERS = 3


def category_joints(history: History, category: NDArray[np.int32], width: int) -> NDArray[np.int64]:
    """`(width, width)` orders that hold both categories; the diagonal holds each category's orders."""
    rows, columns = history.basket, category[history.item]
    cells = distinct(rows * width + columns)
    shape = (len(history), width)
    held = coo_array((np.ones(len(cells), dtype=np.int64), (cells // width, cells % width)), shape=shape).tocsr()
    return np.asarray((held.T @ held).toarray())


def bought_together(joint: NDArray[np.int64], orders: int) -> NDArray[np.bool_]:
    """Category pairs with lift ≥ 1 over at least three joint orders."""
    single = np.diag(joint)
    expected = np.outer(single, single) / max(orders, 1)
    return np.asarray((joint >= MIN_JOINT_ORDERS) & (joint >= expected))


def compatible_categories(
    joint: NDArray[np.int64], orders: int, centroids: NDArray[np.float64], names: list[str]
) -> NDArray[np.bool_]:
    """`(c, c)` whether two categories may share a bundle.

    The same category, an unknown one, or lift ≥ 1 over three joint orders; without joint orders,
    centroids at least as similar as the median pair of the store's categories.

    Args:
        joint: `(c, c)` joint orders.
        orders: All orders of the window.
        centroids: `(c, d)` mean vectors of the categories, `d` = 0 without vectors.
        names: Names of the categories.
    """
    together = bought_together(joint, orders)
    if centroids.shape[1] and len(names) > 1:
        unit = centroids / np.maximum(np.linalg.norm(centroids, axis=1, keepdims=True), 1e-12)
        similarity = np.round(unit @ unit.T, 6)
        middle = np.median(similarity[np.triu_indices(len(names), 1)])
        together |= (joint < MIN_JOINT_ORDERS) & (similarity >= middle)
    unknown = np.array([name == UNCATEGORISED for name in names], dtype=bool)
    together |= unknown[:, None] | unknown[None, :]
    np.fill_diagonal(together, True)
    return together
