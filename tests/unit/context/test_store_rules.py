from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.context.rules import NO_LIMIT, rulebook_of
from pipeline.context.rules_config import RulesConfig, Selector
from pipeline.ingest.rules import Rule
from tests.support.stores import Ware, store_of

SHELF = [
    Ware("A1", category="Mugs", tags="blue, christmas"),
    Ware("a2", category="Mugs", tags="christmas tree"),
    Ware("B", category="Tea", tags=""),
    Ware("b", category="Tea", tags="blue"),
    Ware("C:9", category="Tea"),
]
CATALOG = store_of(SHELF).catalog
SKUS = CATALOG.sku.to_pylist()


def marked(*texts: str) -> set[str]:
    """SKUs that are excluded by rules written as `texts`."""
    rules = rulebook_of(CATALOG, "EUR", RulesConfig.model_validate({"exclude": texts}))
    assert rules is not None
    return {SKUS[at] for at in np.flatnonzero(rules.excluded)}


def test_a_store_without_rules_has_no_rulebook() -> None:
    assert rulebook_of(CATALOG, "EUR", RulesConfig()) is None
    assert RulesConfig().sha256() == ""


@pytest.mark.parametrize(
    ("text", "skus"),
    [
        ("sku:A1", {"A1"}),
        ("sku: a1 ", {"A1"}),  # one product only, whatever the case
        ("sku:B", {"B"}),  # the exact one of two
        ("sku:C:9", {"C:9"}),
        ("tag:christmas", {"A1"}),  # a whole tag
        ("tag:Blue", {"A1", "b"}),
        ("category:mugs", {"A1", "a2"}),
        ("vendor:VENDOR", {"A1", "a2", "B", "b", "C:9"}),
        ("sku:nobody", set()),
    ],
)
def test_a_selector_names_products(text: str, skus: set[str]) -> None:
    assert marked(text) == skus


def test_fields_of_one_rule_hold_together_and_rules_add_up() -> None:
    both = Selector(tag="blue", category="Tea")

    assert both.label == "tag:blue and category:Tea"
    assert marked("sku:A1", "sku:B") == {"A1", "B"}
    rules = rulebook_of(CATALOG, "EUR", RulesConfig(pin=(both,)))
    assert rules is not None
    assert [SKUS[at] for at in np.flatnonzero(rules.pinned)] == ["b"]


def test_an_excluded_product_is_not_pinned() -> None:
    config = RulesConfig.model_validate({"exclude": ["sku:A1"], "pin": ["category:Mugs"]})

    rules = rulebook_of(CATALOG, "EUR", config)

    assert rules is not None
    assert [SKUS[at] for at in np.flatnonzero(rules.pinned)] == ["a2"]


def test_a_rule_that_names_nothing_is_told() -> None:
    config = RulesConfig.model_validate(
        {"exclude": ["tag:none"], "pin": ["sku:x"], "never_together": [["A1", "x"], ["A1", "B"]]}
    )

    rules = rulebook_of(CATALOG, "EUR", config)

    assert rules is not None
    assert rules.unmatched == ("exclude tag:none", "pin sku:x", "never_together A1, x")
    assert len(rules.apart) == 1


def test_prices_are_rounded_to_the_inside_of_their_limits() -> None:
    config = RulesConfig(min_price=Decimal("9.991"), max_price=Decimal("20.009"))

    euro, yen = rulebook_of(CATALOG, "EUR", config), rulebook_of(CATALOG, "JPY", config)

    assert euro is not None
    assert yen is not None
    assert (euro.least, euro.most, yen.least, yen.most) == (1000, 2000, 10, 20)
    free = rulebook_of(CATALOG, "EUR", RulesConfig(min_price=Decimal(1)))
    assert free is not None
    assert free.most == NO_LIMIT


@pytest.mark.parametrize(
    ("given_rules", "said"),
    [
        ({"exclude": ["123"]}, "expected sku:…, tag:…, vendor:… or category:…"),
        ({"exclude": ["sku:"]}, "names no products"),
        ({"pin": [{}]}, "expected at least one of them"),
        ({"never_together": [["A", " A"]]}, "expected two SKUs"),
        ({"min_price": 5, "max_price": 4}, "above rules.max_price"),
        ({"min_price": -1}, "greater than or equal to 0"),
    ],
)
def test_a_rule_that_says_nothing_is_refused(given_rules: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said.replace(".", r"\.")):
        RulesConfig.model_validate(given_rules)


def test_the_rules_table_adds_to_the_settings() -> None:
    base = RulesConfig.model_validate({"exclude": ["sku:A1"], "max_price": "50"})
    table = [
        Rule("exclude", "", "", "clearance", "", ""),
        Rule("pin", "B", "", "", "", ""),
        Rule("never_together", "B", "A1", "", "", ""),
        Rule("exclude", "A1", "", "", "", ""),
    ]

    found = base.with_table(table)

    assert [one.label for one in found.exclude] == ["sku:A1", "tag:clearance"]
    assert [one.label for one in found.pin] == ["sku:B"]
    assert found.never_together == (("A1", "B"),)
    assert found.max_price == 50
    assert found.sha256() == base.with_table(table[::-1]).sha256() != base.sha256()


def test_rules_come_home_from_their_json() -> None:
    config = RulesConfig.model_validate({"exclude": ["tag:x"], "never_together": [["b", "a"]], "min_price": "1.50"})

    assert RulesConfig.model_validate(config.model_dump(mode="json")) == config


@given(st.lists(st.lists(st.integers(0, 4), min_size=2, max_size=4, unique=True), min_size=1, max_size=20), st.data())
def test_clashes_are_the_pairs_that_are_kept_apart(rows: list[list[int]], data: st.DataObject) -> None:
    pairs = data.draw(st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)).filter(lambda pair: pair[0] < pair[1])))
    config = RulesConfig(never_together=tuple((SKUS[a], SKUS[b]) for a, b in pairs), min_price=Decimal(0))
    items = np.array([[*row, *[-1] * (4 - len(row))] for row in rows], dtype=np.int32)

    rules = rulebook_of(CATALOG, "EUR", config)

    assert rules is not None
    expected = [sum(a in row and b in row for a, b in pairs) for row in rows]
    assert rules.clashes_in(items).tolist() == expected
