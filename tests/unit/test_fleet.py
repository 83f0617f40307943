import heapq
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cluster.database.database import Database
from cluster.database.values import FleetRow
from cluster.fleet.page import render_fleet
from cluster.fleet.plots import by_size, throughput
from cluster.fleet.rows import exit_code, fleet_json, overview, parse_age_s
from cluster.fleet.sources import fetched, find_stores
from pipeline.errors import EmptyStoreError, SettingsError
from tests.support.queues import NOON, FakeClock, Shops, queued

SUMMARY: dict[str, Any] = {
    "orders": 40, "bundles": 12, "seconds": 0.5, "cost": "0.002", "tier": 3,
    "reasons": [{"code": "cold_start", "detail": "4 orders"}],
}  # fmt: skip


def row(store: str, state: Any = "succeeded", **fields: Any) -> FleetRow:
    summary = SUMMARY if state in ("succeeded", "degraded", "partial") else None
    values: dict[str, Any] = {
        "store": store, "run_id": f"r-{store}", "state": state, "is_reused": False, "attempts": 1, "error": None,
        "summary": summary, "started_at": NOON, "finished_at": NOON + timedelta(seconds=2),
    }  # fmt: skip
    return FleetRow(**values | fields)


def lay_out(folder: Path, **files: str) -> Path:
    for store, text in files.items():
        (folder / store).mkdir(parents=True, exist_ok=True)
        (folder / store / "orders.csv").write_text(text)
    return folder


def test_a_store_is_a_row_with_what_it_came_to() -> None:
    (found,) = fleet_json([row("a")])

    assert found == {
        "store": "a", "status": "succeeded", "orders": 40, "bundles": 12, "seconds": 0.5, "cost": "0.002", "tier": 3,
        "reasons": [{"code": "cold_start", "detail": "4 orders"}], "run_id": "r-a", "reused": False,
    }  # fmt: skip


def test_a_store_that_failed_is_a_row_with_its_reason() -> None:
    (found,) = fleet_json([row("a", "failed", error="its worker died")])

    assert (found["status"], found["bundles"], found["orders"]) == ("failed", 0, None)
    assert found["reasons"] == [{"code": "failed", "detail": "its worker died"}]


@pytest.mark.parametrize(
    ("states", "code", "status"),
    [
        (("succeeded",), 0, "succeeded"),
        (("succeeded", "degraded"), 3, "degraded"),
        (("degraded", "partial"), 4, "partial"),
        (("partial", "failed"), 1, "failed"),
        (("succeeded", "queued"), 0, "running"),
    ],
)
def test_a_fleet_is_as_good_as_its_worst_store(states: tuple[str, ...], code: int, status: str) -> None:
    rows = [row(f"s{place}", state) for place, state in enumerate(states)]

    assert exit_code(rows) == code
    assert overview("f1", rows)["status"] == status


def test_what_was_not_run_again_counts_among_stores_and_not_towards_the_rate() -> None:
    summary = overview("f1", [row("a"), row("b", finished_at=NOON + timedelta(seconds=4)), row("c", is_reused=True)])

    assert (summary["stores"], summary["reused"], summary["bundles"]) == (3, 1, 36)
    assert (summary["seconds"], summary["stores_per_s"]) == (4.0, 0.5)


def test_an_age_that_is_none_is_refused() -> None:
    for text in ("", "h", "24", "24y", "-1h", "infs"):
        with pytest.raises(SettingsError, match="expected one such as 24h"):
            parse_age_s(text)


def test_every_sub_folder_is_a_store_named_by_its_content(tmp_path: Path) -> None:
    folder = lay_out(tmp_path, b="one", a="two")
    (folder / ".hidden").mkdir()
    (folder / "notes.txt").write_text("no store")
    before = find_stores(str(folder))
    lay_out(tmp_path, b="one")
    again = find_stores(str(folder))
    lay_out(tmp_path, b="0ne")

    after = find_stores(str(folder))

    assert [store.store for store in before] == ["a", "b"]
    assert again == before
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False]
    assert before[1].content("settings") != before[1].content("other settings")


def test_a_store_in_object_storage_is_fetched_for_as_long_as_it_is_read(tmp_path: Path) -> None:
    address = lay_out(tmp_path, a="one").as_uri()
    (store,) = find_stores(address)

    with fetched(f"{address}/a") as folder:
        text = (folder / "orders.csv").read_text()

    assert (store.store, text) == ("a", "one")


def test_a_fleet_without_stores_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for address in (str(tmp_path), str(tmp_path / "none"), str(tmp_path / "file")):
        with pytest.raises(EmptyStoreError, match="sub-folder"):
            find_stores(address)
    with pytest.raises(SettingsError, match="can't be opened"):
        find_stores("nothing://here")


def test_the_page_tells_the_fleet_and_takes_names_for_data() -> None:
    rows = [row("a"), row("<b>", "failed", error="<script>alert(1)</script>"), row("c", is_reused=True)]

    page = render_fleet(overview("f1", rows), rows)

    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert "<b>" not in page.partition("<main")[2]
    for words in ("Stores that need a look", "Throughput over time", "Time by store size", "Lift smoothed by category"):
        assert words in page


def test_a_fleet_that_did_nothing_yet_has_a_page_too() -> None:
    rows = [row("a", "queued", started_at=None, finished_at=None)]

    page = render_fleet(overview("f1", rows), rows)

    assert "Throughput over time" not in page
    assert "1 queued" in page


def test_throughput_counts_every_store_once() -> None:
    plot = throughput([0.1 * place for place in range(1, 101)])

    assert plot is not None
    widths = plot["right"] - plot["left"]
    step = 10.0 / len(plot["bars"])
    scale = float(plot["y_ticks"][-1].text) / (plot["y_ticks"][0].at - plot["y_ticks"][-1].at)
    assert sum(bar.height * scale * step for bar in plot["bars"]) == pytest.approx(100, rel=0.01)
    assert plot["bars"][-1].x + plot["bars"][-1].width <= plot["left"] + widths + 0.1
    assert throughput([3.0]) is None


def test_sizes_lie_within_their_scales() -> None:
    plot = by_size([(0, 0.1), (3500, 4.0), (12, 0.13)])

    assert plot is not None
    assert [tick.text for tick in plot["x_ticks"]] == ["1", "10", "100", "1,000", "10,000"]
    places = [tuple(map(float, part.removesuffix("h0").split())) for part in plot["cloud"].split("M")[1:]]
    assert all(plot["left"] <= x <= plot["right"] and 0 < y <= plot["bottom"] for x, y in places)
    assert by_size([]) is None


def test_a_noisy_store_makes_nobody_wait_much_longer(database: Database) -> None:
    others = [f"s{number:02d}" for number in range(50)]

    alone = _dwell(Shops(database, FakeClock()), others, noisy=0)
    crowded = _dwell(Shops(database, FakeClock()), others, noisy=20_000)

    assert crowded <= 2 * alone


def _dwell(shops: Shops, stores: list[str], noisy: int) -> float:
    """The 95th percentile of seconds that runs of `stores` wait for one of eight workers, one run a store."""
    queue = shops.queue(f"with {noisy}", store_cap=2)
    label = f"n{noisy}"
    queue.submit([run for n in range(noisy) for run in queued(["noisy"], f"{label}-{n}")])
    shops.clock.pass_by(1)
    queue.submit(queued(stores, label))
    waited: list[float] = []
    working: list[tuple[float, str, str, int]] = []
    claims = {}
    at = 0.0
    while len(waited) < len(stores):
        for claim in queue.claim(8 - len(working)):
            claims[claim.run_id] = claim
            heapq.heappush(working, (at + 1.0 + 0.01 * len(waited), claim.run_id, claim.store, claim.fence))
            if claim.store != "noisy":
                waited.append(claim.waited_s)
        end, run_id, _, _ = heapq.heappop(working)
        shops.clock.pass_by(end - at)
        at = end
        queue.fail(claims.pop(run_id), "done")
    for claim in claims.values():
        queue.fail(claim, "done")
    return sorted(waited)[int(0.95 * len(waited))]


def test_the_rows_of_a_fleet_are_json() -> None:
    assert json.loads(json.dumps(fleet_json([row("a")])))[0]["store"] == "a"
