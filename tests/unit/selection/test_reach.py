from dataclasses import replace

import numpy as np
import pytest

from pipeline.combo import judge
from pipeline.config import RunConfig
from pipeline.selection.judged import Judged
from pipeline.selection.reach import reach
from pipeline.terms import BundleType, Combo, Objective, Tier
from tests.support.stores import Ware, bought, context_of, sets_of, store_of


def judged(kind: BundleType, **counts: float) -> Judged:
    """One candidate of a type, with these figures among its counts."""
    context = context_of(store_of([Ware("A"), Ware("B")], [bought("A", "B")] * 3))
    found = judge(context, Combo(Objective.INCREASE_AOV, kind), Tier.RULES, sets_of([0, 1]), RunConfig())
    changed = {name: np.array([figure]) for name, figure in counts.items()}
    return replace(found, counts=replace(found.counts, **changed))


@pytest.mark.parametrize(("support", "reached"), [(0.0, 0.0), (0.02, 0.5), (0.06, 0.75)])
def test_a_set_reaches_half_at_two_percent(support: float, reached: float) -> None:
    assert reach(judged(BundleType.FBT, support_lately=support, alive=1.0)) == pytest.approx([reached])


def test_a_discount_on_what_sells_together_anyway_reaches_half_later() -> None:
    assert reach(judged(BundleType.BXGY, support_lately=0.04, alive=1.0)) == pytest.approx([0.5])


def test_orders_of_what_is_hardly_bought_any_more_count_less() -> None:
    found = reach(judged(BundleType.FBT, support_lately=0.08, alive=0.25))

    assert found == pytest.approx([0.5])
