from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.offers.asked_words import allowed_of
from pipeline.offers.guard import Allowed, clean, fault_of
from pipeline.offers.model_words import other_titles
from tests.support.facts import PAIR, facts_of

OTHERS = other_titles(["Silver Teapot", "Mug", "Party Bunting", "Jam Making Set Printed Large"])
ALLOWED = allowed_of(facts_of(PAIR), OTHERS, "en", for_merchant=False)
MERCHANT = allowed_of(facts_of(PAIR), OTHERS, "en", for_merchant=True)


@pytest.mark.parametrize(
    "text",
    [
        "The Regency Cakestand 3 Tier and the Party Bunting make a party of two.",
        "Both for £9.00 instead of £10.00, a discount of 10%.",
        "Save £1.00 on the party bunting and the cakestand.",
        "One stand, one bunting: £5.00 each.",
        "A natural pair for a treat.",
    ],
)
def test_what_the_facts_hold_may_be_said(text: str) -> None:
    assert fault_of(text, ALLOWED) == ""


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Now 90% off", "percentage"), ("Now ninety percent off", "percentage"), ("12 pieces for you", "number"),
        ("A dozen treats for you all", "number"), ("Twelve of a kind", "number"), ("Only ½ of it", "number"),
        ("All for £8.99", "amount"), ("All for 9.00 EUR", "amount"), ("Costs 9 dollars", "amount"),
        ("See www.evil.example", "link"), ("See evil.shop/x", "link"), ("Ask me@evil.example now", "link"),
        ("<b>Nice</b>", "markup"), ("A **nice** set", "markup"), ("[Nice](x)", "markup"),
        ("&lt;script&gt;", "markup"),
        ("Cures headaches", "medical"), ("With a lifetime guarantee", "guarantee"),
        ("The best set there is", "superlative"),
        ("The cheapest set", "superlative"), ("Free shipping", "free or shipping"), ("Hurry, limited stock", "urgency"),
        ("Rated by all", "ratings"), ("At half the price", "share of price"), ("Use code PARTY", "address"),
        ("Made of organic cotton", "claim"), ("Goes with the Silver Teapot", "name"),
        ("Beside a Gucci handbag", "name"),
        ("x" * 3_000, "length"),
    ],
)  # fmt: skip
def test_what_the_facts_do_not_hold_may_not_be_said(text: str, kind: str) -> None:
    assert fault_of(text, ALLOWED).startswith(f"{kind}: ")


def test_figures_of_orders_are_for_the_merchant_alone() -> None:
    text = "Found together in 14 of 40 orders."

    assert fault_of(text, MERCHANT) == ""
    assert fault_of(text, ALLOWED) == "number: 14"


def test_saving_is_said_only_where_there_is_a_discount() -> None:
    full = replace(facts_of(PAIR), price=Decimal("10.00"), discount_pct=Decimal(0))

    assert fault_of("A saving for all", allowed_of(full, (), "en", for_merchant=False)).startswith("saving")


def test_a_title_may_be_quoted_whole_whatever_it_claims() -> None:
    allowed = allowed_of(facts_of(PAIR, titles=("Best Mum Mug 90% Cocoa", "Tin")), (), "en", for_merchant=False)

    assert fault_of("The Best Mum Mug 90% Cocoa with a tin", allowed) == ""
    assert fault_of("The best mug, 90% cocoa", allowed) != ""


def test_capitals_tell_no_name_in_german() -> None:
    german = allowed_of(facts_of(PAIR), (), "de", for_merchant=False)

    assert fault_of("Das ist ein Abend mit Freunden", german) == ""


@given(st.text(max_size=300))
def test_no_digit_passes_that_is_no_fact(text: str) -> None:
    shown = clean(text)

    if fault_of(shown, Allowed()) == "":
        assert not any(letter.isnumeric() for letter in shown if letter.isdigit())
        assert "%" not in shown
        assert not set("<>[]{}`*") & set(shown)


@given(st.integers(0, 10_000), st.sampled_from(["{}", "{}%", "£{}", "{} EUR", "{}.00", "{},000"]))
def test_a_figure_passes_only_as_what_it_is(figure: int, form: str) -> None:
    said = form.format(figure)

    fault = fault_of(f"A set with {said} in it", MERCHANT)

    true = {"2", "1", "14", "40", "10%", "£9", "£10", "£5", "£1"}
    true |= {f"{count}.00" for count in (1, 2, 14, 40)}
    assert (fault == "") == (said in true)
