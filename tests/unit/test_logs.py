"""Logs are JSON lines with the ids that a search asks for, or nothing."""

import json
from contextlib import redirect_stderr
from io import StringIO
from typing import Any

import pytest

from cluster.logs import log, log_problem, log_run, set_up_logs

RECORD: dict[str, Any] = {
    "status": "degraded", "store": "shop-7", "run_id": "r1", "diversity_selection": {"final_bundle_count": 12},
    "candidates_generated": 340, "phase_timings": {"total": 812.5},
    "reasons": [{"code": "source_failed", "detail": "rules: no memory"}],
}  # fmt: skip


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    said = capsys.readouterr()
    assert said.out == ""
    return [json.loads(line) for line in said.err.splitlines()]


def test_a_line_has_time_level_and_event_first_then_the_ids(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("json")

    log("claimed", store="shop-7", run="r1", attempt=2)

    (line,) = _lines(capsys)
    assert list(line) == ["timestamp", "level", "event", "store", "run", "attempt"]
    assert line["timestamp"].endswith("Z")
    assert (line["level"], line["store"], line["run"]) == ("info", "shop-7", "r1")


def test_a_run_that_did_not_simply_succeed_is_a_warning_with_its_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("json")

    log_run(RECORD)
    log_run(RECORD | {"status": "succeeded", "reasons": []})

    bad, good = _lines(capsys)
    assert (bad["level"], bad["state"], bad["reasons"]) == ("warning", "degraded", ["source_failed"])
    assert (good["level"], good["bundles"], good["milliseconds"]) == ("info", 12, 812.5)


def test_text_of_a_shop_can_not_break_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("json")

    log_problem("run failed", store="a\nb", error='"quoted" é\u2028')

    (line,) = _lines(capsys)
    assert (line["store"], line["error"]) == ("a\nb", '"quoted" é\u2028')


def test_lines_follow_standard_error_when_it_is_exchanged() -> None:
    with redirect_stderr(StringIO()) as first:
        set_up_logs("json")
    first.close()

    with redirect_stderr(StringIO()) as second:
        log("claimed")

    assert json.loads(second.getvalue())["event"] == "claimed"


def test_without_the_setting_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("off")

    log("claimed")
    log_problem("run failed")

    assert _lines(capsys) == []
