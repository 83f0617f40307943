import json
from datetime import date

import numpy as np
import pytest

from pipeline.config import RunConfig
from pipeline.context.config import TagsConfig
from pipeline.context.embedding import catalog_texts
from pipeline.context.seasons import SEASONS
from pipeline.context.store import StoreContext, prepare
from pipeline.context.tags import Tagged, read_tags, tag_prompts, tag_texts, tags_of
from pipeline.context.zero_shot import label_texts, likely_tags, texts_to_embed, zero_shot
from pipeline.ports import Unanswered
from pipeline.prompts import ask
from pipeline.terms import Objective
from tests.support.generators import good
from tests.support.stores import DAY, Ware, bought, no_vectors, store_of

NOTHING = Tagged(
    gift=False, season="none", replenishable=False, premium=False, slow=False, new=False, audience="anyone", use="other"
)
CONFIG = RunConfig()


def seen(wares: list[Ware], baskets: list[list[str]], **said: object) -> StoreContext:
    """A store whose first SKU a model says `said` of."""
    snapshot = store_of(wares, [bought(*skus) for skus in baskets])
    texts = tag_texts(snapshot.catalog)
    tags = tags_of(texts, {texts[0]: NOTHING.model_copy(update=said)})
    return prepare(snapshot, no_vectors(snapshot), snapshot.default_as_of, CONFIG.context, tags)


WARES = [Ware("A", title="Brass Owl"), Ware("B", title="Tin Fox", cost=2.0, created=DAY - 900), Ware("C")]
BASKETS = [["B", "C"]] * 5


def test_fifty_titles_at_most_are_one_question_and_equal_texts_one_title() -> None:
    asked = tag_prompts([f"Mug {at % 120}" for at in range(500)], TagsConfig())

    assert sorted(text for one in asked for text in one.texts) == sorted(f"Mug {at}" for at in range(120))
    assert max(len(one.texts) for one in asked) <= 50
    assert len(asked) <= 5
    assert [row["title"] for row in json.loads(asked[1].prompt.data)["products"]] == list(asked[1].texts)
    assert [row["index"] for row in json.loads(asked[1].prompt.data)["products"]] == list(range(len(asked[1].texts)))


def test_another_order_of_the_catalog_asks_the_same_and_a_new_product_changes_few_questions() -> None:
    texts = [f"Mug {at}" for at in range(1_000)]
    before = {one.prompt for one in tag_prompts(texts, TagsConfig())}

    assert {one.prompt for one in tag_prompts(texts[::-1], TagsConfig())} == before
    for new in range(20):
        after = {one.prompt for one in tag_prompts([f"New {new}", *texts], TagsConfig())}
        assert len(after - before) <= 8
    assert len(before) <= 1.4 * 1_000 / 50


def test_answers_are_taken_by_index_and_unknown_ones_dropped() -> None:
    asked = tag_prompts(["Rose Mug", "Tin"], TagsConfig())
    assert len(asked) == 1
    answer = ask(good(), [asked[0].prompt], 0.0)[0]
    twice = answer.model_copy(update={"items": [*answer.items, answer.items[0].model_copy(update={"index": 9})]})  # type: ignore[union-attr]

    known = read_tags(asked, [twice])

    assert {text: tagged.gift for text, tagged in known.items()} == {"Rose Mug": True, "Tin": False}


def test_without_an_answer_there_are_no_tags() -> None:
    asked = tag_prompts(["Rose Mug"], TagsConfig())

    assert tags_of(["Rose Mug"], read_tags(asked, [Unanswered("timeout", "late")])) is None


@pytest.mark.parametrize(
    ("tag", "objective"),
    [
        ("premium", Objective.MARGIN_GUARD), ("slow", Objective.CLEAR_SLOW_MOVERS), ("new", Objective.NEW_LAUNCH),
        ("gift", Objective.GIFT_BOX), ("replenishable", Objective.SUBSCRIPTION_PUSH),
    ],
)  # fmt: skip
def test_a_tag_stands_in_where_no_fact_is_and_weighs_half(tag: str, objective: Objective) -> None:
    by_facts, tagged = seen(WARES, BASKETS), seen(WARES, BASKETS, **{tag: True})

    assert tagged.inferred is not None
    assert tagged.inferred.of(objective).tolist() == [True, False, False]  # type: ignore[union-attr]
    before, after = by_facts.lenses[objective].weight, tagged.lenses[objective].weight
    assert before[0] < after[0] < 1
    assert (after[1:] == before[1:]).all()


@pytest.mark.parametrize("tag", ["premium", "slow", "new"])
def test_a_fact_overrules_a_tag(tag: str) -> None:
    wares = [Ware("A", title="Brass Owl", cost=9.0, created=DAY - 900), *WARES[1:]]

    context = seen(wares, [["A", "B"]] * 5, **{tag: True})

    assert context.inferred is not None
    assert not any(getattr(context.inferred, name).any() for name in ("high_margin", "slow", "new"))


def test_a_season_counts_only_while_it_sells() -> None:
    day = (date(2025, 11, 1) - date(1970, 1, 1)).days
    baskets = [bought("B", "C", day=day)] * 5
    snapshot = store_of(WARES, baskets)
    texts = tag_texts(snapshot.catalog)

    def seasonal(name: str) -> list[bool]:
        tags = tags_of(texts, {texts[0]: NOTHING.model_copy(update={"season": name})})
        context = prepare(snapshot, no_vectors(snapshot), snapshot.default_as_of, CONFIG.context, tags)
        return context.features.is_seasonal.tolist()

    assert seasonal("Christmas") == [True, False, False]
    assert seasonal("Easter") == [False, False, False]


def test_likeness_gives_a_label_where_it_is_sure_and_none_elsewhere() -> None:
    phrases = label_texts()
    labels = np.eye(len(phrases), dtype=np.float32)
    vectors = np.zeros((50, len(phrases)), dtype=np.float32)
    vectors[:, 0] = 0.01
    vectors[0], vectors[1] = labels[0], labels[-1]

    tags = zero_shot(vectors, labels, TagsConfig())

    assert tags.season.tolist() == [0, *[-1] * 49]
    assert SEASONS[0].name == "Christmas"
    assert np.flatnonzero(tags.replenishable).tolist() == [1]
    assert not tags.gift.any()


def test_likeness_of_all_products_alike_says_nothing() -> None:
    labels = np.eye(len(label_texts()), dtype=np.float32)

    tags = zero_shot(np.repeat(labels[:1], 5, axis=0), labels, TagsConfig())

    assert not tags.gift.any()
    assert (tags.season == -1).all()


def test_likeness_is_asked_for_by_a_setting_and_needs_vectors_of_products_and_labels() -> None:
    catalog = store_of(WARES, [bought("A", "B", day=DAY)]).catalog
    likeness = TagsConfig(embedded=True)
    asked, not_asked = texts_to_embed(catalog, likeness), texts_to_embed(catalog, TagsConfig())
    assert asked == [*catalog_texts(catalog), *label_texts()]
    assert not_asked == catalog_texts(catalog)
    vectors = np.eye(len(asked), dtype=np.float32)

    products, tags = likely_tags(vectors, len(catalog), likeness)

    assert (products == vectors[: len(catalog)]).all()
    assert tags is not None
    assert len(tags.season) == len(catalog)
    assert likely_tags(vectors[: len(catalog)], len(catalog), TagsConfig())[1] is None
    assert likely_tags(vectors[:, :0], len(catalog), likeness)[1] is None
