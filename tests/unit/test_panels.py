import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlparse

import pytest

from benchmarks.panels import Panels, Prometheus, expression_of, panels_of
from tests.support.watching import BOARD, board

ASKED: list[str] = []
"""Expressions that the server below was asked for."""


class _OneSeries(BaseHTTPRequestHandler):
    """Answers every expression with one series of three points, as Prometheus does."""

    def do_GET(self) -> None:
        ASKED.append(parse_qs(urlparse(self.path).query)["query"][0])
        now = time.time()
        values = [[now - 10, "1"], [now - 5, "2"], [now, "NaN"]]
        body = json.dumps({"data": {"result": [{"metric": {"state": "succeeded"}, "values": values}]}}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def panels() -> Iterator[Panels]:
    ASKED.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _OneSeries)
    Thread(target=server.serve_forever, daemon=True).start()
    with Panels([BOARD], Prometheus(f"http://127.0.0.1:{server.server_port}", 60.0)) as running:
        yield running
    server.shutdown()
    server.server_close()


def fetch(panels: Panels, path: str) -> bytes:
    with urllib.request.urlopen(panels.address + path, timeout=30) as answer:
        return bytes(answer.read())


def test_no_variable_is_left_in_what_prometheus_is_asked() -> None:
    asked = [expression_of(target) for panel in panels_of(board()) for target in panel.get("targets", ())]

    assert asked
    assert [expression for expression in asked if "$" in expression] == []


def test_rays_page_finds_its_panels(panels: Panels) -> None:
    chart = next(panel for panel in panels_of(board()) if panel["type"] == "timeseries")

    assert json.loads(fetch(panels, "/api/health")) == {"database": "ok"}
    page = fetch(panels, f"/d-solo/basketry/any?orgId=1&panelId={chart['id']}&theme=light").decode()
    picture = f"/panel/basketry/{chart['id']}.png"
    assert picture in page
    assert fetch(panels, picture).startswith(b"\x89PNG")
    assert [expression_of(target) for target in chart["targets"]] == ASKED


def test_a_board_shows_every_panel_where_it_has_it(panels: Panels) -> None:
    page = fetch(panels, "/d/basketry").decode()

    for panel in panels_of(board()):
        shown = "<b style" if panel["type"] == "row" else f"/panel/basketry/{panel['id']}.png"
        assert shown in page


@pytest.mark.parametrize("path", ["/d/nobody", "/panel/basketry/99999.png", "/elsewhere"])
def test_what_is_not_there_is_not_found(panels: Panels, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        fetch(panels, path)
