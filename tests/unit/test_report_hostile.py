"""What a hostile catalog and an obeying model leave on the report of a run: text."""

from html.parser import HTMLParser

import pytest

from cluster.report.page import render_report
from pipeline.config import RunConfig
from pipeline.generate import generate
from pipeline.record import record_of
from pipeline.selection.config import PortfolioConfig
from tests.support.generators import LINK, lying, obeying
from tests.support.hostile import COVERT, HOSTILE, planted
from tests.support.stores import context_of, no_vectors


class Tags(HTMLParser):
    """Every element and attribute of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


@pytest.mark.parametrize(
    ("title", "make"), [(HOSTILE[2], obeying), (HOSTILE[3], lying), (HOSTILE[4], obeying), (COVERT, obeying)]
)
def test_no_text_of_a_store_or_a_model_becomes_an_element_an_address_or_a_handler(title: str, make: type) -> None:
    snapshot, config = planted(title), RunConfig(portfolio=PortfolioConfig(method="greedy"))
    outcome = generate(snapshot, no_vectors(snapshot), config, texts=make())
    record = record_of(context_of(snapshot, config), outcome, config)

    page = Tags(render_report([bundle.to_json() for bundle in outcome.bundles], record))

    assert not {"script", "iframe", "object", "embed"} & set(page.elements)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert not [value for name, value in page.attributes if name in ("href", "src") and LINK in value]
    assert page.elements.count("img") == 0
