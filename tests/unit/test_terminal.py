"""Exit codes, sentences and JSON of the command line, without running a command."""

import json
import sys

import pytest

from cluster.commands.run import EXIT_CODES, parse_duration_ms
from cluster.commands.terminal import LiveProgress, exit_code, print_json, say_error
from pipeline.errors import (
    BasketryError,
    EmptyStoreError,
    LeakError,
    NotFoundError,
    PlatformError,
    SchemaError,
    SettingsError,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EmptyStoreError("nothing here"), 2),
        (SettingsError("no such setting"), 2),
        (NotFoundError("run", "x"), 2),
        (PlatformError("the disk is full"), 1),
        (SchemaError("too old"), 1),
        (LeakError("2026-01-01", 1, 0), 1),
    ],
)
def test_input_that_is_refused_exits_with_2_and_our_failures_with_1(error: BasketryError, code: int) -> None:
    assert exit_code(error) == code


def test_every_end_of_a_run_has_its_exit_code() -> None:
    assert EXIT_CODES == {"succeeded": 0, "failed": 1, "degraded": 3, "partial": 4}


def test_an_error_is_one_line_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    say_error(SettingsError("word " * 100 + "end"))

    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert said.err.rstrip().endswith("end")


def test_markup_in_an_error_is_shown_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    say_error(EmptyStoreError("no products in [red]shop[/red] [link=http://x]"))

    assert "no products in [red]shop[/red] [link=http://x]" in capsys.readouterr().err


def test_json_is_one_object_with_real_characters(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "Müsli × 2"})

    out = capsys.readouterr().out
    assert json.loads(out) == {"name": "Müsli × 2"}
    assert "Müsli" in out


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("12s", 12_000), ("1.5s", 1500), ("800ms", 800), (" 2s ", 2000), ("0.1ms", 1)]
)
def test_durations_are_read(text: str, milliseconds: int) -> None:
    assert parse_duration_ms(text) == milliseconds


@pytest.mark.parametrize("text", ["", "12", "s", "-1s", "0s", "1h", "1s2s", "1 s", "1e3ms"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="expected one such as 12s or 800ms"):
        parse_duration_ms(text)


def test_no_duration_leaves_the_setting_as_it_is() -> None:
    assert parse_duration_ms(None) is None


def test_progress_without_a_terminal_is_a_line_a_phase(capsys: pytest.CaptureFixture[str]) -> None:
    with LiveProgress(quiet=False) as progress:
        progress.phase("ingest")
        progress.phase("embedding", 1200)
        progress.step(600)

    said = capsys.readouterr()
    assert said.err.splitlines() == ["… ingest", "… embedding (1,200)"]
    assert said.out == ""


def test_quiet_progress_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with LiveProgress(quiet=True) as progress:
        progress.phase("ingest")
        progress.step()

    said = capsys.readouterr()
    assert said.err + said.out == ""


def test_what_others_print_while_a_command_works_is_kept_out_of_its_results(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with LiveProgress(quiet=True):
        sys.stdout.write("(raylet) a worker died\n")
    print_json({})

    said = capsys.readouterr()
    assert said.out == "{}\n"
    assert "a worker died" in said.err


def test_standard_output_is_back_after_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SettingsError), LiveProgress(quiet=True):
        raise SettingsError("no")

    print_json({})

    assert capsys.readouterr().out == "{}\n"
