import json
import re
from pathlib import Path
from typing import Any

import pytest

from cluster.report.page import render_report
from tests.support.browser import DARK, browse, chromium
from tests.support.run_sample import bundle, record

pytestmark = pytest.mark.e2e

FRAME = """<title>waiting</title><iframe src="report.html" style="border:0;width:{width}px;height:900px"></iframe>
<script>
onload = () => {{
  const page = document.querySelector("iframe").contentDocument, view = page.defaultView;
  const shown = () => [...page.querySelectorAll(".card")].filter((e) => e.getClientRects().length).length;
  const choose = (id) => {{ page.getElementById(id).click(); return shown(); }};
  const outside = [...page.body.querySelectorAll("*")].filter(
    (e) => !e.closest(".scroll, .sr, svg") && e.getBoundingClientRect().right > view.innerWidth + 1);
  const ground = view.getComputedStyle(page.body).backgroundColor;
  document.title = JSON.stringify({{
    fits: page.documentElement.scrollWidth <= view.innerWidth, outside: outside.length, ground,
    all: shown(), kits: choose("type-FIXED"), gift_kits: choose("objective-gift_box"),
    says_none: view.getComputedStyle(page.querySelector(".none")).display,
  }});
}};
</script>"""
"""A page that looks into the report: that one runs nothing, and a frame may be as narrow as a phone."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a report of three bundles, one of them with an endless word."""
    chromium()
    endless = bundle()["products"][0] | {"title": "Endlessword" * 8}
    bundles = [
        bundle(1),
        bundle(2, type="FIXED", products=[endless] * 3, name="Endlessword" * 5),
        bundle(3, objective="gift_box"),
    ]
    (tmp_path / "report.html").write_text(render_report(bundles, record(status="partial")), encoding="utf-8")
    return tmp_path


def look(folder: Path, width: int, *options: str) -> dict[str, Any]:
    """What a window of `width` shows of the report."""
    frame = folder / "frame.html"
    frame.write_text(FRAME.format(width=width), encoding="utf-8")
    flags = ("--allow-file-access-from-files", "--virtual-time-budget=5000", "--dump-dom", *options)
    title = re.search("<title>(.*?)</title>", browse(frame, folder / "profile", *flags))
    assert title is not None
    seen: dict[str, Any] = json.loads(title[1])
    return seen


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_wider_than_the_window(folder: Path, width: int) -> None:
    seen = look(folder, width)

    assert seen["fits"]
    assert seen["outside"] == 0


def test_the_filter_shows_what_was_chosen_and_says_when_nothing_is_left(folder: Path) -> None:
    seen = look(folder, 1280)

    assert (seen["all"], seen["kits"], seen["gift_kits"]) == (3, 1, 0)
    assert seen["says_none"] == "block"


def test_the_page_follows_the_readers_scheme_under_its_own_policy(folder: Path) -> None:
    light, dark = look(folder, 1280)["ground"], look(folder, 1280, DARK)["ground"]

    assert light == "rgb(250, 249, 246)"
    assert dark == "rgb(19, 21, 19)"


def _printed_pages(page: Path) -> int:
    pdf = page.with_suffix(".pdf")
    browse(page, page.parent / "profile", "--no-pdf-header-footer", f"--print-to-pdf={pdf}")
    return len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes()))


def test_the_page_prints_with_its_evidence_open(folder: Path) -> None:
    page, closed = folder / "report.html", folder / "closed.html"
    html = render_report([bundle(rank) for rank in range(1, 13)], record())
    page.write_text(html, encoding="utf-8")
    closed.write_text(re.sub(r"<details>.*?</details>", "<details></details>", html, flags=re.DOTALL), encoding="utf-8")

    assert _printed_pages(page) > _printed_pages(closed)
