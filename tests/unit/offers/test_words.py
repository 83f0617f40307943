import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.offers.config import WordsConfig
from pipeline.offers.english import listed_within, money, percent, times, with_article
from pipeline.offers.titles import clean_title, distinct_words, shared_words, short_title
from pipeline.offers.words import Facts, Words, write_words
from pipeline.terms import COMBOS, BundleType, Combo, Objective, Tier
from tests.support.facts import SIZES, TITLES, facts_of

CONFIG = WordsConfig()


def write(facts: Facts) -> Words:
    return write_words([facts], CONFIG)[0]


def sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?])\s+", text)


combos = st.sampled_from(COMBOS)
tiers = st.sampled_from(Tier)
wild_titles = st.text(min_size=0, max_size=400)


@given(combos, tiers, st.sampled_from([0, 1, 2, 14]), st.booleans(), st.uuids())
def test_every_figure_in_the_words_is_one_of_the_facts(
    combo: Combo, tier: Tier, count: int, is_discounted: bool, name: object
) -> None:
    facts = facts_of(combo, str(name), tier=tier, count=count, confidence=count / 40 if count else None)
    if not is_discounted:
        facts = replace(facts, price=facts.list_price, discount_pct=Decimal(0), get_discount_pct=None, breaks=())
    saved = facts.list_price - facts.price
    known = {facts.list_price, facts.price, saved, Decimal("5.00"), facts.discount_pct, Decimal("0.62"), Decimal("6.2")}
    known |= {Decimal(figure) for figure in (count, 276, 281, 40, 44, 140, 9, 1, round(100 * count / 40))}
    known |= {Decimal(figure) for step in facts.breaks for figure in step} | {facts.get_discount_pct or Decimal(0)}

    text = " ".join(write(facts))

    for title in TITLES:
        text = text.replace(title, "")
    assert {Decimal(figure) for figure in re.findall(r"\d+(?:\.\d+)?", text)} - {Decimal(3)} <= known


@settings(deadline=None)
@given(combos, tiers, st.lists(wild_titles, min_size=8, max_size=8), st.integers(0, 3))
def test_lengths_hold_and_nothing_is_empty_whatever_the_titles(
    combo: Combo, tier: Tier, titles: list[str], count: int
) -> None:
    chosen = tuple(titles[: SIZES.get(combo.type, 2)])
    words = write(facts_of(combo, titles=chosen, tier=tier, count=count))

    assert 0 < len(words.name) <= 60
    assert 0 < len(words.tagline) <= 90
    assert 0 < len(words.description) <= 300
    assert not re.search(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e]", "".join(words))


@given(combos, tiers, st.integers(0, 20), st.uuids())
def test_an_explanation_is_two_sentences(combo: Combo, tier: Tier, count: int, name: object) -> None:
    words = write(facts_of(combo, str(name), tier=tier, count=count))

    assert len(sentences(words.explanation)) == 2
    assert words.explanation.endswith(".")
    assert "{" not in "".join(words)
    assert "[" not in "".join(words)


@pytest.mark.parametrize("count", [0, 1, 14])
@pytest.mark.parametrize("combo", COMBOS, ids=str)
def test_ten_bundles_of_equal_figures_never_say_a_sentence_twice(combo: Combo, count: int) -> None:
    many = [
        facts_of(
            combo,
            str(at),
            count=count,
            titles=tuple(f"{title} {chr(65 + at)}" for title in TITLES)[: SIZES.get(combo.type, 2)],
        )
        for at in range(10)
    ]

    said = [
        s for w in write_words(many, CONFIG) for t in (w.tagline, w.description, w.explanation) for s in sentences(t)
    ]

    assert sorted(said) == sorted(set(said))


def test_the_same_list_gets_the_same_words() -> None:
    many = [facts_of(combo, str(at)) for at, combo in enumerate(COMBOS)]

    assert write_words(many, CONFIG) == write_words(many, CONFIG)


def test_no_two_bundles_of_a_list_share_a_name() -> None:
    many = [facts_of(combo, str(at)) for at, combo in enumerate(COMBOS[:6])]

    names = [words.name for words in write_words(many, CONFIG)]

    assert len(set(names)) == len(names)


def test_strong_evidence_is_said_in_its_figures() -> None:
    explanations = [write(facts_of(name=str(at))).explanation for at in range(20)]

    assert all("14 " in text and "281 days" in text for text in explanations)
    assert any("in 14 of 276 orders" in text and "6.2 times as often as chance" in text for text in explanations)


@pytest.mark.parametrize("combo", COMBOS, ids=str)
def test_a_bundle_without_orders_says_so(combo: Combo) -> None:
    bare = facts_of(
        combo, tier=Tier.COLD_START, count=0, window_orders=0, anchor_orders=0, confidence=None, shrunk_lift=None
    )

    value = sentences(write(bare).explanation)[0]

    assert re.search(r"^(No orders|Untested by orders|Not yet seen in an order|Still without an order)", value)
    assert "proposed" in value


def test_two_orders_are_called_thin() -> None:
    value = sentences(write(facts_of(count=2, confidence=0.05)).explanation)[0]

    assert re.search(r"[Oo]nly|[Tt]hin|Few", value)


def test_an_unknown_margin_is_never_shown() -> None:
    text = write(facts_of(Combo(Objective.MARGIN_GUARD, BundleType.FBT), margin_share=None)).explanation

    assert "44%" not in text
    assert re.search(r"no cost is known|[Cc]osts? (is|are) (un|not )known|No cost is on file", text)


def test_without_a_discount_nothing_is_saved() -> None:
    for kind in (BundleType.FBT, BundleType.FIXED, BundleType.MIX_MATCH):
        full = facts_of(Combo(Objective.INCREASE_AOV, kind))
        text = " ".join(write(replace(full, price=full.list_price, discount_pct=Decimal(0))))

        assert not re.search(r"\bsav(e|es|ing)\b|\boff\b|\bless\b|discount", text)


def test_all_orders_of_an_anchor_are_not_a_percentage() -> None:
    texts = [write(facts_of(name=str(at), count=40, confidence=1.0)).explanation for at in range(30)]

    assert any("All 40 orders with" in text for text in texts)
    assert not any("100%" in text for text in texts)


@pytest.mark.parametrize(
    ("titles", "name"),
    [
        (("Regency Teacup Green", "Regency Teacup Pink", "Regency Teacup Roses"), "Regency Teacup Trio"),
        (("Green Regency Teacup", "Pink Regency Teacup"), "Green & Pink Regency Teacup"),
        (("Spaceboy Childrens Cup", "Spaceboy Childrens Bowl"), "Spaceboy Childrens Cup & Bowl"),
        (("Set Of 12 Loaf Baking Cases", "Set Of 12 Fairy Baking Cases"), "Loaf & Fairy Baking Cases"),
        (("Party Bunting 47566B", "yellow watering can"), "Party Bunting & Yellow Watering Can"),
        (("WHITE HANGING HEART T-LIGHT HOLDER", "Chai"), "White Hanging Heart T-Light Holder & Chai"),
    ],
)
def test_a_name_is_what_a_merchant_would_write(titles: tuple[str, ...], name: str) -> None:
    assert write(facts_of(titles=titles)).name == name


def test_a_title_is_cleaned_of_what_could_break_a_sentence() -> None:
    assert clean_title("Lunch Bag  Black Skull.", 60) == "Lunch Bag Black Skull"
    assert clean_title("Mug , Dr. Who!\u202e", 60) == "Mug Dr Who"
    assert clean_title("Children'S You'Re", 60) == "Children's You're"
    assert clean_title("\x00 \u200b", 60) == "Product"
    assert clean_title("a" * 100, 20) == "a" * 20
    assert clean_title("Clay Plant Pot - Large", 60) == "Clay Plant Pot (Large)"


def test_a_shared_run_names_a_range_only_at_the_ends_of_titles() -> None:
    assert shared_words(["Charlotte Bag Apples Design", "Jumbo Bag Apples"]) is None
    assert shared_words(["Pink Large", "Pink Small"]) is None
    assert distinct_words(["Jam Making Set With Jars", "Jam Making Set Printed"], "Jam Making Set") == ["", "Printed"]


def test_a_short_title_keeps_amounts_and_drops_codes() -> None:
    assert short_title("Candle Vanilla 200ml", 40) == "Candle Vanilla 200ml"
    assert short_title("Candle Vanilla #85123A", 40) == "Candle Vanilla"
    assert short_title("Tote - Red / Small", 8) == "Tote"


def test_money_is_written_as_its_currency_is() -> None:
    assert money(Decimal("1234.5"), "EUR") == "€1,234.50"
    assert money(Decimal(1234), "JPY") == "¥1,234"
    assert money(Decimal("1.5"), "KWD") == "KWD\xa01.500"


def test_figures_are_said_as_english_says_them() -> None:
    with_articles = [with_article(percent(Decimal(number))) for number in (7, 8, 10, 11, 18, 80)]

    assert with_articles == ["a 7%", "an 8%", "a 10%", "an 11%", "an 18%", "an 80%"]
    assert times(1.96) == "twice"
    assert listed_within(["Teacup", "Saucer"], 3) == "Teacup and one more"
