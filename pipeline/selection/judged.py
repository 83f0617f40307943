"""Candidates that were counted, priced, gated and scored: what phase 1 hands to phase 2."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.counts import Counts
from pipeline.candidates.frame import Proposals
from pipeline.columns import Columns
from pipeline.offers.pricing import Prices
from pipeline.selection.gates import Verdicts
from pipeline.selection.scoring import Scores


@dataclass(frozen=True)
class Judged(Columns):
    """`k` candidates of any combos, with all that was found about each."""

    combo: NDArray[np.int16]
    """Position in `COMBOS`."""
    found: Proposals
    prices: Prices
    counts: Counts
    verdicts: Verdicts
    scores: Scores
