"""Which source's sets held-out baskets hold: what each way of finding candidates is worth to the list."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from pipeline.candidates.frame import SOURCES
from pipeline.evaluation.metrics import hits
from pipeline.evaluation.ranked import Ranked, holds


class SourceHits(NamedTuple):
    """The sets of one source among the first of a list."""

    source: str
    sets: int
    """FBT and FIXED bundles that it proposed, alone or with others."""
    hit_rate: float
    """Share of held-out baskets that hold every SKU of one of them."""


def hits_by_source(matrix: csr_array, ranked: Ranked, k: int) -> tuple[SourceHits, ...]:
    """HitRate@k by source, for those that have a set among the first `k`; a set of two sources counts for both.

    Args:
        matrix: `(m, products)` int32 ones where a held-out basket holds a SKU.
        ranked: A list with its sources; without them the answer is empty.
        k: Sets of the list that are looked at.
    """
    if ranked.source is None:
        return ()
    rows = ranked.set_rows(k)
    held, bits = holds(matrix, ranked.items[rows]), ranked.source[rows]
    found = []
    for place, name in enumerate(SOURCES):
        own = np.flatnonzero(bits >> place & 1)
        if len(own):
            hit = hits(csr_array(held.tocsc()[:, own]), len(own))
            found.append(SourceHits(name, len(own), float(hit.mean()) if len(hit) else 0.0))
    return tuple(found)
