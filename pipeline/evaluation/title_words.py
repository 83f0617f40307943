"""Words of titles as if they were orders: a word holds the products that carry it.

Beside real orders they let EASE learn that products of one range go together before enough customers have said so
(side information as further rows, Jeunen, Van Balen & Goethals 2020, "Closed-Form Models for Collaborative Filtering
with Side-Information").
"""

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array

WORD = re.compile(r"\w+")

COMMON = 0.1
"""A word that more than this share of the products carry tells none of them apart."""


def title_words(titles: Sequence[str]) -> csr_array:
    """`(words, products)` ones where a title holds a word, or two in a row; without those of one product, or of many.

    >>> title_words(["Red Mug", "Red Mug Large", "Blue Plate", *["Tea"] * 17]).shape    # red, mug, red mug
    (3, 20)
    """
    place: dict[tuple[str, ...], int] = {}
    cells: list[tuple[int, int]] = []
    for product, title in enumerate(titles):
        words = WORD.findall(title.lower())
        held = dict.fromkeys([*((word,) for word in words), *pairwise(words)])
        cells.extend((place.setdefault(one, len(place)), product) for one in held)
    row, column = np.array(cells, dtype=np.int64).reshape(-1, 2).T
    matrix = csr_array((np.ones(len(row), dtype=np.int32), (row, column)), shape=(len(place), len(titles)))
    carriers = np.diff(matrix.indptr)
    return csr_array(matrix[np.flatnonzero((carriers >= 2) & (carriers <= COMMON * len(titles)))])
