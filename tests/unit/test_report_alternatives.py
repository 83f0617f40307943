import re
from typing import Any

import pytest

from cluster.report.alternatives import EDGE, HEIGHT, TALLEST, WIDTH, alternatives
from cluster.report.page import render_report
from tests.support.run_sample import bundle, record

PORTFOLIO: dict[str, Any] = {
    "method": "nsga2", "aims": ["revenue", "margin", "new_aim"], "taken": 1, "greedy": [0.1, 0.5, 0.4],
    "front": [[0.1, 0.9, 0.4], [0.2, 0.8, 0.4], [0.3, 0.1, 0.4]], "generations": 20, "evaluated": 1001,
    "hypervolume": 0.06, "random_hypervolume": 0.02,
}  # fmt: skip


def found(**changes: Any) -> dict[str, Any]:
    """The section of a search with `changes`."""
    section = alternatives(PORTFOLIO | changes)
    assert section is not None
    return section


def test_marks_lie_between_the_worst_and_the_best_of_their_own_aim() -> None:
    revenue, margin, flat = found()["strips"]

    assert (revenue.taken, revenue.greedy) == (WIDTH / 2, EDGE)
    assert (margin.taken, margin.greedy) == (pytest.approx(EDGE + 7 / 8 * (WIDTH - 2 * EDGE)), WIDTH / 2)
    assert (flat.taken, flat.greedy) == (WIDTH / 2, WIDTH / 2)


def test_bars_are_as_tall_as_lists_are_many() -> None:
    front = [[0.0], [1.0], [1.0], [1.0], [1.0]]

    bars = found(aims=["margin"], front=front, greedy=[0.0])["strips"][0].bars

    heights = [float(height) for height in re.findall(rf" {HEIGHT}v-([\d.]+)", bars)]
    assert heights == [TALLEST / 4, TALLEST]


def test_words_and_figures_say_what_the_marks_show() -> None:
    revenue, margin, flat = found()["strips"]

    assert [strip.words for strip in (revenue, margin, flat)] == [
        "better than 50% of the front", "better than 50% of the front", "better than 0% of the front",
    ]  # fmt: skip
    assert revenue.figures == ("0.200", "0.100", "0.300")
    assert (revenue.name, flat.name) == ("Revenue", "New aim")


def test_the_search_is_told_in_two_sentences() -> None:
    section = found()

    assert section["summary"].startswith("1,001 lists were put together in 20 generations; 3 of them are the front")
    assert section["volume"] == "The front covers 3.0 times the volume that 50 lists of random weights cover."
    assert found(random_hypervolume=0.0)["volume"] == ""


def test_a_record_without_the_greedy_list_shows_none() -> None:
    assert {strip.greedy for strip in found(greedy=None)["strips"]} == {None}


@pytest.mark.parametrize("changes", [{"front": []}, {"front": None}, {"taken": None}, {"taken": 3}, {"taken": -1}])
def test_there_is_no_section_without_a_search(changes: dict[str, Any]) -> None:
    assert alternatives(PORTFOLIO | changes) is None
    assert alternatives({"method": "greedy", "points": []}) is None


def test_the_page_shows_the_section_and_leads_to_it() -> None:
    with_search = render_report([bundle()], record() | {"portfolio": {"points": [], **PORTFOLIO}})
    without = render_report([bundle()], record())

    assert 'id="alternatives"' in with_search
    assert '<a href="#alternatives">' in with_search
    assert "alternatives" not in without[without.index("<body>") :]
