"""A fleet whose coordinator, workers or stores go wrong: bundles are those of an undisturbed fleet, byte for byte, and
nothing that was acknowledged is lost or done again."""

import random
import signal
import time
from pathlib import Path

import pytest

from cluster.database.database import Database
from tests.support.disturbed import QUICK, SPREAD_OUT, STORES, Fleet, kill, kill_workers, poisoned, write_stores
from tests.support.postgres import Server
from tests.support.processes import finish

pytestmark = [pytest.mark.ray, pytest.mark.cluster]


@pytest.fixture
def fleet(undisturbed: Fleet, tmp_path: Path) -> Fleet:
    """The same stores, not run yet; their texts are embedded."""
    return undisturbed.but(home=tmp_path / "fleet").with_vectors_of(undisturbed)


def resume_and_compare(fleet: Fleet, undisturbed: Fleet) -> None:
    """Go on after a fault: the rest is done, what was done is not, and all bytes are equal."""
    before = fleet.kept()

    resumed = fleet.run("--resume")

    assert resumed.code == 0, resumed.err
    assert fleet.bundles() == undisturbed.bundles()
    after = fleet.kept()
    assert before.items() <= after.items()
    assert len(after) == STORES
    assert resumed.json["reused"] == len(before)


@pytest.mark.parametrize("point", ["claimed", "started:2", "finished", "settling:2", "settled", "renewed"])
def test_a_coordinator_killed_at_any_point_is_resumed(fleet: Fleet, undisturbed: Fleet, point: str) -> None:
    killed = fleet.run("--set", "fleet.lease_s=0.6", env={"BASKETRY_CRASH_AT": point})

    assert killed.code == -signal.SIGKILL, killed.err
    resume_and_compare(fleet, undisturbed)


@pytest.mark.parametrize("cycle", range(3))
def test_a_coordinator_killed_at_any_moment_is_resumed(fleet: Fleet, undisturbed: Fleet, cycle: int) -> None:
    process = fleet.start()
    fleet.wait_for("running")
    time.sleep(random.Random(cycle).uniform(0, 1.5))

    kill(process)

    resume_and_compare(fleet, undisturbed)


def test_workers_killed_while_stores_run_cost_attempts_and_nothing_else(fleet: Fleet, undisturbed: Fleet) -> None:
    process = fleet.start("--set", "fleet.max_attempts=8")

    killed = kill_workers(process, "store:", 3)
    finished = finish(process)

    assert finished.code == 0, finished.out
    assert fleet.bundles() == undisturbed.bundles()
    assert 1 <= killed <= 3
    assert finished.json["counts"]["again"] >= 1


def test_a_shard_and_combos_killed_while_stores_are_spread_out(fleet: Fleet, undisturbed: Fleet) -> None:
    process = fleet.start(*SPREAD_OUT, "--set", "fleet.max_attempts=8")

    killed = [kill_workers(process, named, 1) for named in ("combo:", "StoreShard", "portfolio:")]
    finished = finish(process)

    assert finished.code == 0, finished.out
    assert fleet.bundles() == undisturbed.bundles()
    assert sum(killed) >= 2


def test_a_coordinator_that_slept_through_its_lease_changes_nothing(
    fleet: Fleet, undisturbed: Fleet, postgres: Server
) -> None:
    """The other one works on a Ray of its own: the sleeper's workers wait for it on theirs."""
    fleet = fleet.but(url=postgres.url(postgres.create()), flags=(*QUICK, "--set", "fleet.lease_s=2"))
    sleeper = fleet.start()
    fleet.wait_for("running", 2)
    sleeper.send_signal(signal.SIGSTOP)

    try:
        other = fleet.but(address="local", flags=(*fleet.flags, "--workers", 2)).run("--resume")
        before = _written(fleet)
    finally:
        sleeper.send_signal(signal.SIGCONT)
    awake = finish(sleeper)

    assert other.code == 0, other.err
    assert fleet.bundles() == undisturbed.bundles()
    assert _written(fleet) == before
    assert awake.json["counts"]["fenced"] >= 1, awake.err


def test_a_poison_store_is_given_up_after_three_attempts_and_the_others_go_on(
    undisturbed: Fleet, tmp_path: Path
) -> None:
    stores = write_stores(tmp_path / "stores", STORES)
    for good, bad in (("store-01", "segfault"), ("store-03", "endless"), ("store-05", "greedy")):
        (stores / good).rename(stores / bad)
    flags = (*QUICK, "--set", "fleet.store_deadline_s=15", "--set", "fleet.store_memory_mb=3000")
    fleet = Fleet(stores, tmp_path / "fleet", "local", flags=(*flags, "--workers", 2)).with_vectors_of(undisturbed)

    finished = fleet.run(env=poisoned(tmp_path / "poison"))

    rows = {row["store"]: row for row in finished.json["rows"]}
    assert finished.code == 1
    assert {store for store, row in rows.items() if row["status"] == "failed"} == {"segfault", "endless", "greedy"}
    assert all("given up after 3 attempts" in rows[bad]["reasons"][0]["detail"] for bad in ("segfault", "greedy"))
    assert "MemoryError" in rows["greedy"]["reasons"][0]["detail"]
    whole = undisturbed.bundles()
    assert fleet.bundles() == {store: whole[store] for store in ("store-00", "store-02", "store-04")}


def _written(fleet: Fleet) -> dict[str, object]:
    """Everything that the database keeps of the fleet's runs."""
    with Database(fleet.database) as database:
        return {
            row.store: (row.run_id, row.state, database.for_store(row.store).bundles(row.run_id))
            for row in fleet.rows()
        }
