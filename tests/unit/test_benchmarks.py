"""What the benchmarks say of their figures, without measuring any."""

import json
import time
from pathlib import Path

import pytest

from actors.shard import SnapshotRef
from benchmarks.measure import Figure, load_average, machine, timed
from benchmarks.plot import write_plot
from benchmarks.report import by_part, markdown, shown, table_of, write_report
from benchmarks.runs import PHASES, _tax
from benchmarks.stores import Subject, on_disk

ABOUT = {
    "date": "2026-01-01 00:00 UTC", "cpu": "a processor", "cores": 2, "ram_gb": 8.0, "system": "Linux",
    "load": {"start": (0.1, 0.2, 0.3), "end": (0.4, 0.5, 0.6)}, "repeats": 3, "versions": {"python": "3.11"},
}  # fmt: skip


def _run(store: str, part: str, total: float, target: float | None = None) -> list[Figure]:
    return [
        Figure(part, store, phase, "s", (total, total + 1), target if phase == "total" else None) for phase in PHASES
    ]


def _store(folder: Path) -> Subject:
    return Subject("shop", None, SnapshotRef("shop", folder), orders=10, products=5)


def test_a_figure_is_judged_by_its_median() -> None:
    figure = Figure("a part", "a store", "total", "s", (0.7, 9.0, 0.9), target=1.0)

    assert figure.median == 0.9
    assert figure.met is True


def test_a_ratio_that_must_be_large_misses_its_target_below_it() -> None:
    ratio = Figure("beside the control", "a store", "times faster", "×", (19.9,), target=20, at_least=True)

    assert ratio.met is False


def test_a_figure_without_a_target_is_neither_met_nor_missed() -> None:
    assert Figure("a part", "a store", "total", "s", (1.0,)).met is None


def test_work_that_waits_takes_wall_seconds() -> None:
    assert 0.05 <= timed(lambda: time.sleep(0.05)) < 5


def test_the_machine_is_named_with_its_versions() -> None:
    found = machine()

    assert found["cores"] >= 1
    assert found["versions"]["ray"].count(".") == 2
    assert len(load_average()) == 3


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [(0.5234, "s", "0.523 s"), (12.34, "s", "12.3 s"), (1234.5, "MB", "1,234 MB"), (1.254, "×", "1.25 ×")],
)
def test_a_figure_has_as_many_digits_as_it_can_bear(value: float, unit: str, expected: str) -> None:
    assert shown(value, unit) == expected


def test_runs_are_one_row_a_store_with_a_column_for_each_phase() -> None:
    figures = [*_run("small", "warm Ray, fresh context", 1.0, 0.5), *_run("large", "warm Ray, fresh context", 2.0)]

    headers, rows = table_of(figures)

    assert headers[1 : 1 + len(PHASES)] == PHASES
    assert [row[0] for row in rows] == ["small", "large"]
    assert rows[0][-2:] == ("≤ 0.500 s", "missed")
    assert rows[1][-2:] == ("", "")


def test_parts_keep_the_order_in_which_they_first_came() -> None:
    figures = [Figure(part, "x", "y", "s", (1.0,)) for part in ("b", "a", "b")]

    assert {part: len(held) for part, held in by_part(figures).items()} == {"b": 2, "a": 1}
    assert list(by_part(figures)) == ["b", "a"]


def test_what_ray_costs_is_told_pair_by_pair_and_may_be_negative(tmp_path: Path) -> None:
    milliseconds, share = _tax(_store(tmp_path), ray=[1.1, 0.9], inline=[1.0, 1.0])

    assert milliseconds.values == pytest.approx((100, -100))
    assert share.values == pytest.approx((10, -10))
    assert milliseconds.target == 150


def test_a_short_run_may_lose_a_tenth_of_a_second_to_ray(tmp_path: Path) -> None:
    milliseconds, _ = _tax(_store(tmp_path), ray=[0.3], inline=[0.2])

    assert milliseconds.target == 100


def test_a_moved_snapshot_is_the_same_files_under_another_name(tmp_path: Path) -> None:
    home = tmp_path / "abc"
    home.mkdir()
    (home / "snapshot.json").write_text("{}")

    first, second = (_store(home).moved(tmp_path / "shelf", repeat) for repeat in (0, 1))

    assert first != second
    assert first.folder.name == second.folder.name == "abc"
    assert on_disk(first.folder).resolve() == home.resolve()


def test_the_report_holds_every_repeat_and_the_machine(tmp_path: Path) -> None:
    write_report(tmp_path, _run("small", "warm Ray, fresh context", 1.0), ABOUT)

    body = json.loads((tmp_path / "bench.json").read_text())
    assert body["figures"][0]["values"] == [1.0, 2.0]
    assert body["about"]["load"]["end"] == [0.4, 0.5, 0.6]
    assert "| small | 1.500 s |" in (tmp_path / "bench.md").read_text()


def test_the_markdown_names_load_and_machine_before_any_figure() -> None:
    text = markdown(_run("small", "warm Ray, fresh context", 1.0), ABOUT)

    assert text.index("load average 0.1 at the start, 0.4 at the end") < text.index("## Warm Ray, fresh context")


def test_bars_are_drawn_where_runs_were_measured(tmp_path: Path) -> None:
    parts = ("warm Ray, fresh context", "warm Ray, kept context", "one process, no Ray")

    write_plot(tmp_path, [figure for part in parts for figure in _run("small", part, 1.0, 2.0)])

    assert (tmp_path / "bench.svg").read_text().startswith("<?xml")
    assert (tmp_path / "bench.png").stat().st_size > 1000


def test_no_runs_draw_nothing(tmp_path: Path) -> None:
    write_plot(tmp_path, [Figure("ingest", "x", "y", "s", (1.0,))])

    assert list(tmp_path.iterdir()) == []
