"""Panels of Grafana's dashboards, drawn from Prometheus by what Grafana would ask it: for pictures where there is none.

It answers the two addresses that Ray's *Metrics* page needs of Grafana, `/api/health` and `/d-solo/UID/…?panelId=ID`,
and `/d/UID` for a board as a whole. A stat panel shows its figure of now, any other its series over time.
"""

import json
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

STEP_S = 5
"""Between two points of a series."""
MOST_NAMED = 6
"""Series that a legend has room for."""

_DRAWING = Lock()
"""Matplotlib draws one picture at a time."""

PAGE, LINE = 1400, 32
"""Pixels of a board's width, and of one of the units that heights of panels are given in."""

_SHAPE = "font:15px sans-serif;margin:0;background:#fff;color:#222"


class Prometheus:
    """Answers of a Prometheus server.

    Args:
        address: As in `http://127.0.0.1:9090`.
        span_s: How far back series go.
    """

    def __init__(self, address: str, span_s: float) -> None:
        self._address, self.span_s = address, span_s

    def series(self, expression: str) -> list[tuple[dict[str, str], NDArray[np.float64]]]:
        """Labels and `(points, 2)` seconds before now and values of each series."""
        now = time.time()
        asked = urllib.parse.urlencode(
            {"query": expression, "start": now - self.span_s, "end": now, "step": STEP_S}
        )  # fmt: skip
        with urllib.request.urlopen(f"{self._address}/api/v1/query_range?{asked}", timeout=20) as answer:
            found = json.load(answer)["data"]["result"]
        return [(row["metric"], np.array(row["values"], dtype=np.float64) - [now, 0.0]) for row in found]


def panels_of(board: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All panels of a dashboard, and the titles of its rows; those of folded rows too."""
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", ())


def expression_of(target: Mapping[str, Any]) -> str:
    """What Prometheus is asked: variables of intervals are a minute, all others anything."""
    text = re.sub(r"\$__(rate_)?interval\b|\$\{?interval\}?", "1m", str(target["expr"]))
    return re.sub(r"\$\{?\w+(:\w+)?\}?", ".*", text)


def draw(panel: Mapping[str, Any], prometheus: Prometheus) -> bytes:
    """A panel as PNG: its series over the last minutes, named as its legend says, or its one figure."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    drawn = [
        (_named(target, labels), points)
        for target in panel["targets"]
        if not target.get("hide")
        for labels, points in prometheus.series(expression_of(target))
    ]
    drawn.sort(key=lambda one: -float(np.nan_to_num(one[1][:, 1]).max()))
    place, unit = panel.get("gridPos", {}), _unit_of(panel)
    with _DRAWING:
        size = (place.get("w", 12) * PAGE / 24 / 100, place.get("h", 8) * LINE / 100)
        figure, axes = plt.subplots(figsize=size, dpi=100, layout="constrained")
        axes.set_title(panel["title"], fontsize=10, loc="left")
        if not drawn:
            axes.text(0.5, 0.5, "nothing of this kind", ha="center", transform=axes.transAxes, color="#888")
            axes.axis("off")
        elif panel["type"] == "stat":
            figure_now = _short(float(drawn[0][1][-1, 1]), unit)
            axes.text(0.5, 0.4, figure_now, ha="center", fontsize=20, transform=axes.transAxes)
            axes.axis("off")
        else:
            _draw_series(axes, drawn, unit)
            axes.set_xlim(-prometheus.span_s / 60, 0)
        picture = BytesIO()
        figure.savefig(picture, format="png")
        plt.close(figure)
    return picture.getvalue()


def _draw_series(axes: Any, drawn: list[tuple[str, NDArray[np.float64]]], unit: str) -> None:
    for place, (name, points) in enumerate(drawn):
        axes.plot(points[:, 0] / 60, points[:, 1], label=name if place < MOST_NAMED else f"_{name}")
    axes.set_xlabel("minutes", fontsize=8)
    low, high = axes.get_ylim()
    axes.set_ylim(min(0.0, low), high + 0.3 * (high - min(0.0, low)))  # room for the legend
    axes.tick_params(labelsize=8)
    axes.yaxis.set_major_formatter(lambda value, _: _short(value, unit))
    axes.legend(fontsize=7, loc="upper left", frameon=False, ncols=2)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _unit_of(panel: Mapping[str, Any]) -> str:
    unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit")
    return str(unit or next((axis.get("format") for axis in panel.get("yaxes", ())), "short"))


def _named(target: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    legend = str(target.get("legendFormat") or ", ".join(labels.values()) or "value")
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), legend)[:60].strip("_ ") or "value"


def _short(value: float, unit: str) -> str:
    """A tick's value with the unit that the panel gives."""
    match unit:
        case "bytes" | "decbytes" | "gbytes" | "Bps" | "binBps":
            scale = value * (1e9 if unit == "gbytes" else 1)
            return f"{_thousands(scale)}B"
        case "percentunit":
            return f"{100 * value:.3g} %"
        case "%" | "percent":
            return f"{value:.3g} %"
        case "s":
            return f"{value:.3g} s"
        case "currencyUSD":
            return f"$ {value:.3g}"
    return _thousands(value)


def _thousands(value: float) -> str:
    for factor, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:.3g} {name}"
    return f"{value:.3g}"


def _placed(uid: str, panel: Mapping[str, Any]) -> str:
    """A panel, or the title of a row, where its board has it."""
    place = panel["gridPos"]
    at = f"position:absolute;left:{place['x'] * PAGE / 24}px;top:{place['y'] * LINE}px"
    if panel["type"] == "row":
        return f'<b style="{at};padding:6px">{panel["title"]}</b>'
    return f'<img src="/panel/{uid}/{panel["id"]}.png" style="{at}">'


class Panels:
    """A server of panels on 127.0.0.1, at a free port.

    Args:
        boards: Folders and files of dashboards; read anew for every answer, since Ray writes its own when it starts.
        prometheus: Where their series are.
    """

    def __init__(self, boards: list[Path], prometheus: Prometheus) -> None:
        self._boards, self._prometheus = boards, prometheus
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "Panels":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def board(self, uid: str) -> dict[str, Any]:
        """The dashboard of this uid."""
        for place in self._boards:
            for file in sorted(place.glob("*.json")) if place.is_dir() else [place]:
                board = json.loads(file.read_text(encoding="utf-8"))
                if board.get("uid") == uid:
                    return dict(board)
        raise KeyError(uid)

    def answer(self, path: str) -> tuple[str, bytes]:
        """Type and body of the answer to a request.

        Raises:
            KeyError: no such address, dashboard or panel.
        """
        address = urllib.parse.urlparse(path)
        asked = {name: values[0] for name, values in urllib.parse.parse_qs(address.query).items()}
        match address.path.strip("/").split("/"):
            case ["api", "health"]:
                return "application/json", b'{"database": "ok"}'
            case ["d-solo", uid, *_]:
                picture = f"/panel/{uid}/{asked['panelId'].removeprefix('panel-')}.png"
                return "text/html", f'<body style="{_SHAPE}"><img src="{picture}" style="width:100%">'.encode()
            case ["d", uid, *_]:
                placed = "".join(_placed(uid, panel) for panel in panels_of(self.board(uid)))
                return "text/html", f'<body style="{_SHAPE}">{placed}'.encode()
            case ["panel", uid, name]:
                wanted = int(name.removesuffix(".png"))
                panels = {panel["id"]: panel for panel in panels_of(self.board(uid))}
                return "image/png", draw(panels[wanted], self._prometheus)
        raise KeyError(address.path)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        panels = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                try:
                    kind, body = panels.answer(self.path)
                    self.send_response(200)
                except KeyError as error:
                    kind, body = "text/plain", f"there is no {error}".encode()
                    self.send_response(404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing: a page asks for dozens of pictures."""

        return Handler
