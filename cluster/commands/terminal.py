"""Talking to a person at a terminal, or to a program through JSON."""

import json
import sys
from contextlib import redirect_stdout
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from pipeline.errors import BasketryError, DataError, NotFoundError, SettingsError
from pipeline.storage import Place

out = Console(highlight=False)
"""Where results go."""

err = Console(stderr=True, highlight=False)
"""Where progress and errors go."""


def say_error(error: BasketryError) -> None:
    """One sentence, without a trace."""
    err.print(f"[bold red]✗[/] {_plain(str(error))}", soft_wrap=True)


def _plain(text: str) -> str:
    """Text from files, with nothing that rich would take for markup."""
    return text.replace("[", "\\[")


def exit_code(error: BasketryError) -> int:
    """2 for input that was refused, 1 for what failed on our side."""
    return 2 if isinstance(error, DataError | SettingsError | NotFoundError) else 1


def print_json(value: Any) -> None:
    """One JSON object on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def config_flags(data_dir: Place | None, **flags: Any) -> dict[str, Any]:
    """Flags as settings, nested."""
    return {"data_dir": data_dir, **flags}


class LiveProgress:
    """Phases and steps as bars on a terminal; plain lines elsewhere; nothing with `--json`.

    Until it ends, what anybody prints goes to standard error: Ray reports a lost worker on standard output, which is
    for results.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._bars = Progress(
            SpinnerColumn(), TextColumn("{task.description:<13}"), BarColumn(bar_width=28), MofNCompleteColumn(),
            TimeElapsedColumn(), console=err, transient=True, disable=quiet or not err.is_terminal,
        )  # fmt: skip
        self._aside = redirect_stdout(sys.stderr)
        self._current: TaskID | None = None
        self._says_lines = not quiet and not err.is_terminal

    def __enter__(self) -> Self:
        self._aside.__enter__()
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()
        self._aside.__exit__(kind, error, trace)

    def phase(self, name: str, steps: int | None = None) -> None:
        """A phase begins: the one before is done."""
        if self._current is not None:
            task = self._bars.tasks[self._bars.task_ids.index(self._current)]
            self._bars.update(self._current, total=task.total or 1, completed=task.total or 1)
        self._current = self._bars.add_task(name, total=steps)
        if self._says_lines:
            err.print(f"… {name}" + (f" ({steps:,})" if steps else ""))

    def step(self, count: int = 1) -> None:
        """Some steps of the phase are done."""
        if self._current is not None:
            self._bars.advance(self._current, count)
