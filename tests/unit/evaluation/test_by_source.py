import numpy as np
from scipy.sparse import csr_array

from pipeline.candidates.frame import bit
from pipeline.candidates.suggestions import proposal_prompts, read_proposals
from pipeline.config import RunConfig
from pipeline.evaluation.by_source import SourceHits, hits_by_source
from pipeline.evaluation.delivered import deliver
from pipeline.evaluation.ranked import Ranked
from pipeline.generate import plan_for
from tests.support.generators import good
from tests.support.hostile import NEUTRAL, planted
from tests.support.stores import context_of

BASKETS = csr_array(np.array([[1, 1, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1], [0, 1, 0, 0]], dtype=np.int32))


def ranked(source: list[int] | None) -> Ranked:
    """Sets {0, 1}, {2, 3} and {0, 3}, and a pool that no basket is asked for."""
    items = np.array([[0, 1], [2, 3], [0, 3], [1, 2]], dtype=np.int32)
    marks = np.array([True, True, True, False])
    return Ranked(items, marks, None if source is None else np.array(source, dtype=np.int32))


def test_a_source_is_worth_the_baskets_that_hold_one_of_its_sets() -> None:
    both = bit("itemsets") | bit("llm")

    found = hits_by_source(BASKETS, ranked([bit("itemsets"), bit("llm"), both, bit("popularity")]), 10)

    assert found == (SourceHits("itemsets", 2, 0.5), SourceHits("llm", 2, 0.5))


def test_only_the_first_sets_of_the_list_count() -> None:
    found = hits_by_source(BASKETS, ranked([bit("itemsets"), bit("llm"), bit("llm"), 0]), 1)

    assert found == (SourceHits("itemsets", 1, 0.5),)


def test_a_list_without_sources_says_nothing() -> None:
    assert hits_by_source(BASKETS, ranked(None), 10) == ()


def test_a_delivered_list_names_a_model_s_sets() -> None:
    snapshot, config = planted(NEUTRAL), RunConfig()
    context = context_of(snapshot, config)
    asked = proposal_prompts(context, snapshot.catalog, plan_for(context, config), config.proposals)
    answers = good().answer([one.prompt for one in asked], 0.0)

    with_model = deliver(context, config, suggested=read_proposals(context, asked, answers, config.proposals))

    assert with_model.source is not None
    assert (with_model.source & bit("llm")).any()
