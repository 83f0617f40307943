import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cluster.coordinator import Coordinator, End
from cluster.database.database import Database
from cluster.database.engine import sqlite_url
from cluster.database.values import Claim
from configs.settings import FleetConfig
from pipeline.errors import PlatformError
from tests.support.fleets import FakeRunner, breaks, is_refused
from tests.support.queues import FakeClock, Shops, ending


@pytest.fixture
def shops(database: Database) -> Shops:
    return Shops(database, FakeClock())


def coordinate(shops: Shops, runner: FakeRunner, owner: str = "one", **config: Any) -> Coordinator:
    options = FleetConfig(**{"poll_s": 0.01, "commit_wait_s": 0, **config})
    return Coordinator(shops.database.queue(owner, options, shops.clock), runner, options, in_flight=4, fleet="f1")


def has_ended(shops: Shops) -> Callable[[], bool]:
    return lambda: not {"queued", "running"} & set(shops.database.fleets.counts("f1"))


def test_every_store_of_a_fleet_is_run_and_few_are_in_flight(shops: Shops) -> None:
    stores = [f"s{number}" for number in range(11)]
    shops.submit(*stores)
    runner = FakeRunner()
    coordinator = coordinate(shops, runner)

    coordinator.run(has_ended(shops))

    assert sorted(runner.started) == sorted(stores)
    assert runner.most == 4
    assert shops.database.fleets.counts("f1") == {"succeeded": 11}
    assert coordinator.counts["settled"] == 11


def test_a_store_that_waits_for_its_commit_keeps_no_other_from_being_started(shops: Shops) -> None:
    class OneIsSlow(FakeRunner):
        def ended(self, wait_s: float) -> Sequence[End]:
            slow = [claim for claim in self.running if claim.store == "slow"]
            self.running = [claim for claim in self.running if claim.store != "slow"]
            done = super().ended(wait_s)
            self.running = slow
            return done

    shops.submit("slow", *(f"s{number}" for number in range(6)))
    runner = OneIsSlow()
    coordinator = coordinate(shops, runner, commit_wait_s=60, commit_batch=8)

    coordinator.step()
    coordinator.step()

    assert len(runner.started) == 7
    assert runner.most == 4
    assert shops.database.fleets.counts("f1") == {"running": 7}


def test_a_store_that_breaks_its_worker_is_given_up_after_three_attempts_and_the_others_go_on(shops: Shops) -> None:
    shops.submit("a", "poison", "b", "unreadable")
    runner = FakeRunner(poison=breaks, unreadable=is_refused)

    coordinate(shops, runner).run(has_ended(shops))

    assert runner.started.count("poison") == 3
    assert runner.started.count("unreadable") == 1
    rows = {row.store: (row.state, row.error) for row in shops.database.fleets.rows("f1")}
    assert rows == {
        "a": ("succeeded", None), "b": ("succeeded", None),
        "poison": ("failed", "given up after 3 attempts: its worker died"),
        "unreadable": ("failed", "orders.csv: the file is empty"),
    }  # fmt: skip


def test_a_result_that_no_database_takes_costs_its_own_store_alone(shops: Shops) -> None:
    twice: dict[str, Any] = {
        "id": "b",
        "rank": 1,
        "objective": "gift_box",
        "type": "FIXED",
        "score": 0.5,
        "products": [],
    }

    def comes_to_nonsense(claim: Claim) -> End:
        return ending(claim, twice, twice)

    shops.submit("a", "nonsense", "b")

    coordinate(shops, FakeRunner(nonsense=comes_to_nonsense)).run(has_ended(shops))

    rows = {row.store: row.state for row in shops.database.fleets.rows("f1")}
    assert rows == {"a": "succeeded", "b": "succeeded", "nonsense": "failed"}
    assert "its result can't be kept" in str(shops.database.for_store("nonsense").run("f1-nonsense").error)


def test_what_was_lost_to_another_is_forgotten_and_changes_nothing(shops: Shops) -> None:
    shops.submit("a", "b")
    runner = FakeRunner()
    slow = coordinate(shops, runner, "slow")
    runner.is_held_back = True
    slow.step()
    shops.clock.pass_by(31)
    quick = coordinate(shops, FakeRunner(), "quick")
    quick.reap()
    quick.run(has_ended(shops))
    runner.is_held_back = False

    slow.beat()
    slow.step()

    assert sorted(runner.forgotten) == ["a", "b"]
    assert (slow.counts["fenced"], slow.counts["settled"]) == (2, 0)
    assert quick.counts["settled"] == 2
    assert [row.attempts for row in shops.database.fleets.rows("f1")] == [2, 2]


def test_a_zombie_that_ends_its_runs_before_it_looks_writes_nothing(shops: Shops) -> None:
    shops.submit("a")
    runner = FakeRunner()
    runner.is_held_back = True
    slow = coordinate(shops, runner, "slow")
    slow.step()
    shops.clock.pass_by(31)
    quick = coordinate(shops, FakeRunner(), "quick")
    quick.reap()
    quick.run(has_ended(shops))
    runner.is_held_back = False

    slow.step()

    assert (slow.counts["fenced"], slow.counts["settled"]) == (1, 0)


def test_who_stops_gives_back_what_it_holds_at_once(shops: Shops) -> None:
    shops.submit("a", "b")
    runner = FakeRunner()
    runner.is_held_back = True
    coordinator = coordinate(shops, runner)
    coordinator.step()
    coordinator.stop()

    coordinator.run(has_ended(shops))

    assert shops.database.fleets.counts("f1") == {"queued": 2}
    assert [row.attempts for row in shops.database.fleets.rows("f1")] == [0, 0]


def test_a_database_that_is_away_for_a_while_is_waited_for(shops: Shops, monkeypatch: pytest.MonkeyPatch) -> None:
    shops.submit("a")
    coordinator = coordinate(shops, FakeRunner())
    claim, calls = coordinator._queue.claim, iter(range(3))

    def fails_twice(*arguments: Any) -> list[Claim]:
        if next(calls) < 2:
            raise PlatformError("the database can't be used")
        monkeypatch.setattr(coordinator._queue, "claim", claim)
        return claim(*arguments)

    monkeypatch.setattr(coordinator._queue, "claim", fails_twice)

    coordinator.run(has_ended(shops))

    assert coordinator.counts["trouble"] == 2
    assert shops.database.fleets.counts("f1") == {"succeeded": 1}


def test_what_broke_while_the_database_was_away_is_given_back_once_it_is_there(
    shops: Shops, monkeypatch: pytest.MonkeyPatch
) -> None:
    shops.submit("a", "b", "c")
    coordinator = coordinate(shops, FakeRunner(a=breaks, b=breaks, c=is_refused))
    give_back, calls = coordinator._queue.give_back, iter(range(9))

    def fails_at_first(*arguments: Any) -> bool:
        if next(calls) < 2:
            raise PlatformError("the disk is full")
        monkeypatch.setattr(coordinator._queue, "give_back", give_back)
        return give_back(*arguments)

    monkeypatch.setattr(coordinator._queue, "give_back", fails_at_first)

    coordinator.run(has_ended(shops))

    assert coordinator.counts["trouble"] == 2
    assert shops.database.fleets.counts("f1") == {"failed": 3}


def test_a_run_that_can_not_be_started_costs_an_attempt_and_stops_nothing(shops: Shops) -> None:
    class Unstartable(FakeRunner):
        def start(self, claim: Claim) -> None:
            if claim.store == "bad":
                raise PlatformError("its past costs can't be read")
            super().start(claim)

    shops.submit("good", "bad", "fine")

    coordinate(shops, Unstartable()).run(has_ended(shops))

    assert shops.database.fleets.counts("f1") == {"failed": 1, "succeeded": 2}


POINTS = ("claimed", "started", "finished", "settling", "settled")


@pytest.mark.parametrize("point", POINTS)
def test_whoever_dies_at_a_named_point_leaves_a_fleet_that_another_finishes(tmp_path: Path, point: str) -> None:
    program = """
        import sys
        from pathlib import Path
        from cluster.database.database import Database
        from cluster.database.queue import database_time
        from tests.support.fleets import FakeRunner
        from tests.unit.test_coordinator import coordinate, has_ended
        from tests.support.queues import FakeClock, Shops

        with Database(sys.argv[1]) as database, database.coordinating():
            shops = Shops(database, FakeClock())
            coordinate(shops, FakeRunner(), "dies").run(has_ended(shops))
    """
    with Database(sqlite_url(tmp_path)) as database:
        database.upgrade()
        shops = Shops(database, FakeClock())
        shops.submit("a", "b", "c", "d", "e", "f")
        command = [sys.executable, "-c", textwrap.dedent(program), sqlite_url(tmp_path)]
        env = os.environ | {"BASKETRY_CRASH_AT": point, "PYTHONPATH": str(Path.cwd())}

        died = subprocess.run(command, env=env, capture_output=True, timeout=120)

        assert died.returncode == -signal.SIGKILL, died.stderr.decode()
        before = shops.database.fleets.counts("f1")
        with database.coordinating() as is_alone:
            assert is_alone
            shops.queue("next").recover()
            coordinate(shops, FakeRunner(), "next").run(has_ended(shops))
        assert before.get("succeeded", 0) == (4 if point == "settled" else 0)
        assert shops.database.fleets.counts("f1") == {"succeeded": 6}
        assert [row.attempts for row in shops.database.fleets.rows("f1")] == [1] * 6
