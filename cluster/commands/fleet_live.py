"""A fleet while it runs: a table on a terminal, a line now and then elsewhere, nothing with `--json`."""

import sys
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cluster.commands.terminal import err

if TYPE_CHECKING:
    from cluster.coordinator import End
    from cluster.database.fleets import Begun
    from cluster.database.values import Claim, QueuedRun

LINE_EVERY_S = 10.0
RECENT = 6


class LiveFleet:
    """Hears of claims and ends, shows them, and writes each store's bundles as they come.

    Args:
        runs: The fleet's runs.
        out: Where a folder a store goes; none for no files.
        quiet: Show nothing.
    """

    def __init__(self, runs: "Sequence[QueuedRun]", *, out: Path | None, quiet: bool) -> None:
        self._estimates = {run.store: run.estimate_ms for run in runs}
        self._out, self._quiet = out, quiet
        self._aside = redirect_stdout(sys.stderr)
        self._live = Live(console=err, refresh_per_second=4, transient=True) if not quiet and err.is_terminal else None
        self._states: Counter[str] = Counter()
        self._working: dict[str, float] = {}
        self._recent: deque[str] = deque(maxlen=RECENT)
        self._total = self._to_do = len(runs)
        self._left_ms = sum(self._estimates.values())
        self._started, self._said = time.monotonic(), 0.0

    def __enter__(self) -> Self:
        self._aside.__enter__()
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
        self._aside.__exit__(kind, error, trace)

    def begin(self, fleet: str, begun: "Begun") -> None:
        """The fleet has a name, and so many runs to do."""
        self._to_do = self._total - begun.reused
        self._left_ms = max(self._left_ms * self._to_do / max(self._total, 1), 1.0)
        self._whole_ms = self._left_ms
        self._started = time.monotonic()
        if not self._quiet:
            reused = f", {begun.reused:,} ended well before and are not run again" if begun.reused else ""
            err.print(f"… fleet {fleet}: {self._to_do:,} of {self._total:,} stores to run{reused}")

    def claimed(self, claims: "Sequence[Claim]") -> None:
        """These are worked on now."""
        self._working |= {claim.store: time.monotonic() for claim in claims}
        self._show()

    def closed(self, end: "End", *, again: bool = False) -> None:
        """This is in the database."""
        store = end.claim.store
        took = time.monotonic() - self._working.pop(store, time.monotonic())
        state = "again" if again else getattr(end, "state", "failed")
        self._states[state] += 1
        if not again:
            self._left_ms -= self._estimates.get(store, 0.0)
            self._write(store, end)
        self._recent.append(f"{store}: {state} after {took:.1f} s")
        self._show()

    def counted(self, what: str, number: int = 1) -> None:
        """What needs no line of its own."""

    @property
    def _done(self) -> int:
        return sum(count for state, count in self._states.items() if state != "again")

    def _write(self, store: str, end: "End") -> None:
        bundles = getattr(end, "bundles", None)
        if self._out is None or bundles is None:
            return
        from cluster.outputs import to_json_text, write_text

        folder = self._out / store
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "bundles.json", to_json_text(list(bundles)))

    def _show(self) -> None:
        if self._live:
            self._live.update(self._table())
        elif not self._quiet and time.monotonic() - self._said > LINE_EVERY_S:
            self._said = time.monotonic()
            err.print(f"… {self._numbers()}")

    def _numbers(self) -> str:
        elapsed = max(time.monotonic() - self._started, 1e-6)
        share = 1 - max(self._left_ms, 0.0) / self._whole_ms
        left = f", about {_time(elapsed * (1 - share) / share)} left" if share > 0.02 else ""
        states = "".join(f", {count:,} {state}" for state, count in sorted(self._states.items()))
        return f"{self._done:,} of {self._to_do:,} stores{states}, {self._done / elapsed:.1f} a second{left}"

    def _table(self) -> Group:
        bar = ProgressBar(total=max(self._to_do, 1), completed=self._done, width=48)
        table = Table(box=None, show_header=False, pad_edge=False)
        now = time.monotonic()
        longest = sorted(self._working.items(), key=lambda item: item[1])[:RECENT]
        rows = [f"{store}: {now - since:.0f} s" for store, since in longest]
        for place in range(max(len(rows), len(self._recent))):
            table.add_row(
                Text(rows[place] if place < len(rows) else "", style="cyan"),
                Text(self._recent[place] if place < len(self._recent) else "", style="dim"),
            )
        return Group(Text(self._numbers()), bar, table)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
