import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.report import account, sections
from cluster.report.cards import card, initials, picture
from cluster.report.figures import bar, day, duration, percent
from cluster.report.page import render_report, stylesheet
from cluster.report.scatter import scatter
from tests.support.run_sample import bundle, record

VOID = {"meta", "img", "input", "br", "hr", "link"}


class Page(HTMLParser):
    """What a test asks of a page: tags in order, whether they close, ids, texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.unclosed: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unclosed.append(tag)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def test_a_run_becomes_one_page_with_every_section() -> None:
    html = render_report([bundle()], record())

    page = Page(html)
    assert not page.unclosed
    assert not page.open
    for section in ("bundles", "funnel", "front", "objectives", "combos", "timings", "sources", "ingest", "around"):
        assert f'id="{section}"' in html
    for words in (
        "Teacup &amp; Bunting",
        "£9.00",
        "£10.00",
        "Save £1.00 (10%)",
        "14 of 276 orders hold every product (5.1%; 6.1% with recent orders counting more)",
    ):
        assert words in html


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    page = Page(render_report([bundle()], record()))

    assert not page.named("script")
    assert not page.named("link")
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") or name == "style" for name in attrs)]
    policy = next(str(a["content"]) for a in page.named("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_text_of_a_store_is_never_markup() -> None:
    attack = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    product = bundle()["products"][0] | {"title": attack, "sku": attack, "category": attack}
    hostile = bundle(products=[product], name=attack, tagline=attack, description=attack, explanation=attack)
    run = record(store=attack, status="degraded", reasons=[{"code": attack, "detail": attack}])

    page = Page(render_report([hostile], run))

    assert not page.named("script")
    assert not page.named("img")
    assert not page.unclosed


def test_ids_are_unique_and_every_link_and_label_has_its_target() -> None:
    page = Page(render_report([bundle(rank) for rank in (1, 2, 3)], record()))

    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    targets = [str(a["href"])[1:] for a in page.named("a")]
    labels = [name for _, attrs in page.tags for name in str(attrs.get("aria-labelledby") or "").split()]
    assert len(ids) == len(set(ids))
    assert set(targets) | set(labels) <= set(ids)


def test_tables_have_headers_and_headings_do_not_skip_a_level() -> None:
    page = Page(render_report([bundle()], record()))

    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all("scope" in attrs for attrs in page.named("th"))
    assert {"header", "main", "nav", "footer"} <= {tag for tag, _ in page.tags}


@pytest.mark.parametrize("absent", sorted(record()))
def test_any_key_of_the_record_may_be_absent_or_null(absent: str) -> None:
    without = {key: value for key, value in record().items() if key != absent}

    for run in (without, record() | {absent: None}):
        assert not Page(render_report([bundle()], run)).unclosed


def test_an_empty_record_and_no_bundles_make_a_page_that_says_so() -> None:
    html = render_report([], {"why_empty": "the store has 1 sellable product; a bundle needs two"})

    assert "No bundles: the store has 1 sellable product" in html
    assert not Page(html).unclosed


@pytest.mark.parametrize("absent", sorted(bundle()))
def test_any_key_of_a_bundle_may_be_absent(absent: str) -> None:
    bare = {key: value for key, value in bundle().items() if key != absent}

    assert not Page(render_report([bare], record())).unclosed


def test_the_same_run_gives_the_same_page() -> None:
    assert render_report([bundle()], record()) == render_report([bundle()], json.loads(json.dumps(record())))


@pytest.mark.parametrize(
    ("url", "is_shown"),
    [
        ("https://cdn.example.com/a.jpg?v=1", True),
        ("http://cdn.example.com/a.jpg", False),
        ("//cdn.example.com/a.jpg", False),
        ("javascript:alert(1)", False),
        ("data:image/svg+xml,<svg>", False),
        ("https://user@cdn.example.com/a.jpg", False),
        ("https://[broken/a.jpg", False),
        ('https://cdn.example.com/a.jpg" onload=x', False),
        ("", False),
        (None, False),
    ],
)
def test_only_https_pictures_are_shown(url: str | None, is_shown: bool) -> None:
    product = bundle()["products"][0] | {"image_url": url}

    pictures = Page(render_report([bundle(products=[product])], record())).named("img")

    assert (picture(url) is not None) is is_shown
    assert len(pictures) == is_shown
    assert all(a["loading"] == "lazy" and a["referrerpolicy"] == "no-referrer" for a in pictures)


def test_a_window_without_orders_has_no_dates() -> None:
    nothing = {"from": "1970-01-01", "to": "1970-01-01", "orders": 0}

    assert sections.header(record(window=nothing), [])["window"] == ""
    assert sections.header(record(), [])["window"] == "1 January 2026 to 31 October 2026"


def test_the_funnel_counts_every_reason() -> None:
    rows = sections.funnel(record(), 1)

    lost = sum(int(row["count"].replace(",", "")) for row in rows if row["kind"] == "lost")
    assert [row["count"] for row in rows if row["kind"] == "kept"] == ["1,000", "700", "1"]
    assert lost == 1000 - 1


def test_a_state_of_the_grid_that_is_no_find_is_explained() -> None:
    rows = sections.grid(record())

    assert rows[0]["cells"][1]["state_name"] == "not admitted"
    assert sections.legend(rows) == [("not admitted", "the time budget or the mode left it out of the plan")]


def test_the_filter_offers_what_there_is_and_names_the_pairs_without_a_bundle() -> None:
    bundles = [bundle(1), bundle(2, objective="gift_box", type="FIXED")]

    choices = sections.filters(bundles)

    assert [(value, total) for value, _, total in choices["objectives"]] == [("increase_aov", 1), ("gift_box", 1)]
    assert choices["missing"] == [("increase_aov", "FIXED"), ("gift_box", "FBT")]
    assert ':has(#type-FBT:checked) .card:not([data-type="FBT"])' in stylesheet(choices)


def test_signals_fill_as_much_of_the_bar_as_the_score() -> None:
    shown = card(bundle())["signals"]

    assert [part["text"] for part in shown] == ["0.50 × 0.20 = 0.10", "1.00 × 0.60 = 0.60", "0.75 × 0.20 = 0.15"]
    assert shown[2]["start"] + shown[2]["length"] == pytest.approx(85.0)


def test_evidence_is_said_in_plain_words() -> None:
    lines = dict(card(bundle())["evidence"])

    assert lines["Orders"] == (
        "14 of 276 orders hold every product (5.1%; 6.1% with recent orders counting more), "
        "1 January 2026 to 31 October 2026."
    )
    assert (
        lines["Confidence"] == "35% of the 40 orders with its first product hold the bundle (95% interval 22 to 50%)."
    )
    assert lines["Lift"].startswith("6.2 times as often as chance; 2.1 ")
    assert lines["Also serves"] == "Gift box"


def test_offers_are_said_as_they_are_sold() -> None:
    tiers = [{"quantity": 6, "unit_price": "4.50", "price": "27.00", "discount_pct": "10.0"}]
    offer = bundle()["offer"]

    volume = card(bundle(type="VOLUME", offer=offer | {"tiers": tiers}))["offer"]
    pool = card(bundle(type="MIX_MATCH", offer=offer | {"pick": 2}))["offer"]
    got = card(bundle(type="BXGY", offer=offer | {"get_discount_pct": "27.1"}))["offer"]
    plain = card(bundle(offer=offer | {"price": "10.00", "discount_pct": "0.0"}))["offer"]

    assert (volume["headline"], volume["saving"]) == ("£4.50 each", "Up to 10% off")
    assert (pool["headline"], pool["saving"]) == ("Any two of two", "10% off")
    assert got["note"] == "27.1% off what is got, nothing off what is bought."
    assert (plain["was"], plain["saving"]) == (None, None)


def test_an_unknown_margin_lies_in_its_own_lane() -> None:
    plot = scatter([{"score": 0.5, "margin": None}, {"score": 0.6, "margin": 0.3}], [bundle()], passed=10)

    assert plot is not None
    assert plot["lane"] > plot["base"]
    assert plot["summary"].startswith("2 of 10 candidates")


@given(st.lists(st.tuples(st.floats(0, 1), st.none() | st.floats(-1, 1)), max_size=30))
def test_every_point_lies_inside_the_plot(points: list[tuple[float, float | None]]) -> None:
    plot = scatter([{"score": score, "margin": margin, "front": True} for score, margin in points], [])

    if not points:
        assert plot is None
        return
    assert plot is not None
    places = [tuple(map(float, place)) for place in re.findall(r"M([\d.]+) ([\d.]+)h0", plot["cloud"])]
    assert 1 <= len(places) <= len(points)
    assert all(plot["left"] <= x <= plot["right"] and 0 <= y <= plot["bottom"] for x, y in places)


def test_figures_are_said_as_people_say_them() -> None:
    spans = [duration(value) for value in (0.01, 2.04, 14.2, 1031.0, 125_000, None)]

    assert spans == ["0 ms", "2.0 ms", "14 ms", "1.03 s", "2 min 5 s", "–"]
    assert day("2026-11-01", back=1) == "31 October 2026"
    assert percent(0.254) == "25%"
    assert bar(0.001, 100, "").percent == 0.4
    assert initials("the “Regency” 3 Tier") == "T3"


def test_ingest_names_what_was_left_out() -> None:
    shown = account.ingest(record()["ingest"])

    assert shown["codes"] == [("bad quantity", "2")]
    assert shown["unmatched"][0]["name"] == "POST"


def _luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance of an sRGB colour, WCAG 2.2."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _palettes() -> list[dict[str, tuple[float, ...]]]:
    """The light, the dark and the printed colours of the style sheet."""
    css = (Path(sections.__file__).parent / "templates" / "report.css").read_text(encoding="utf-8")
    found = []
    for block in re.findall(r":root \{(.*?)\}", css, flags=re.DOTALL):
        colours = {}
        for name, value in re.findall(r"--([\w-]+): #([0-9a-f]{3,6});", block):
            full = value if len(value) == 6 else "".join(2 * digit for digit in value)
            colours[name] = tuple(int(full[at : at + 2], 16) / 255 for at in (0, 2, 4))
        found.append(colours)
    return found


@pytest.mark.parametrize("palette", _palettes(), ids=["light", "dark", "print"])
def test_text_can_be_read_on_every_ground(palette: dict[str, tuple[float, ...]]) -> None:
    pairs = [(ink, ground) for ink in ("text", "soft", "accent") for ground in ("page", "surface", "sunken")]
    pairs += [("accent", "accent-soft"), ("warn", "warn-soft"), ("surface", "accent"), ("warn", "surface")]
    darkest = tuple(0.58 * a + 0.42 * b for a, b in zip(palette["accent-mid"], palette["surface"], strict=True))
    faded = tuple(0.86 * a + 0.14 * b for a, b in zip(palette["text"], darkest, strict=True))

    assert {pair: c for pair in pairs if (c := _contrast(palette[pair[0]], palette[pair[1]])) < 4.5} == {}
    assert _contrast(faded, darkest) >= 4.5
