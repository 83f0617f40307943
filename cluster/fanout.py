"""Fan-out: submit tasks with a stated number in flight and take results as they come."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import ray

from pipeline.plan import Plan

Item = TypeVar("Item")

ALONE_MS = 50.0
"""Estimated work from which a combo travels alone; below, combos share a task of about that much."""

CELLS_PER_MS = 2_500.0
"""Order lines that cost a combo a millisecond, on top of `COMBO_MS`."""

COMBO_MS = 5.0


def fan_out(
    items: Sequence[Item], submit: Callable[[Item], "ray.ObjectRef[Any]"], *, in_flight: int, wait_s: float,
    may_start: Callable[[], bool] = lambda: True,
) -> Iterator[tuple[Item, "ray.ObjectRef[Any]"]]:  # fmt: skip
    """Run one task for each item.

    Args:
        items: What the tasks are about, in order of submission.
        submit: Starts the task of an item.
        in_flight: Most tasks that are submitted and not done.
        wait_s: Longest wait for the next result, in seconds.
        may_start: Asked before each submission; once it says no, what was not submitted is left.

    Yields:
        Each item with the reference of its finished result, in order of completion.

    Raises:
        TimeoutError: no task finished within `wait_s`.
    """
    waiting = deque(items)
    running: dict[ray.ObjectRef[Any], Item] = {}
    while waiting or running:
        while waiting and len(running) < in_flight and may_start():
            item = waiting.popleft()
            running[submit(item)] = item
        if not running:
            return
        done, _ = ray.wait(list(running), num_returns=1, timeout=wait_s, fetch_local=False)
        if not done:
            raise TimeoutError(f"no task of {len(running)} finished within {wait_s:g} s")
        for reference in done:
            yield running.pop(reference), reference


def chunks(items: Sequence[Item], count: int) -> list[list[Item]]:
    """`items` dealt into at most `count` chunks like cards, so that neighbours of a kind are spread.

    >>> chunks([1, 2, 3, 4, 5], 2)
    [[1, 3, 5], [2, 4]]
    """
    return [list(items[start::count]) for start in range(min(count, len(items)))]


def chunk_count(plan: Plan, cells: int, fanout: str) -> int:
    """Tasks that a plan's combos make: one a combo, or as many as take about `ALONE_MS` each.

    What a combo takes is what the plan says the store's took lately, or else guessed by the size of its orders.

    Args:
        plan: With the admitted combos.
        cells: Distinct SKUs of all orders, summed.
        fanout: `combo` for a task each whatever they take, or `auto`.
    """
    combos = len(plan.admitted)
    each = COMBO_MS + cells / CELLS_PER_MS if plan.combo_ms is None else plan.combo_ms
    if fanout == "combo" or each >= ALONE_MS:
        return combos
    return max(1, round(combos * each / ALONE_MS))
