import threading
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from cluster.database import tables
from cluster.database.database import Database
from cluster.database.engine import database_time, reading, writing
from cluster.database.values import Claim
from pipeline.errors import LostLeaseError, SettingsError
from tests.support.queues import NOON, FakeClock, Shops, ending, queued


@pytest.fixture
def shops(database: Database) -> Shops:
    return Shops(database, FakeClock())


def bundle(name: str) -> dict[str, Any]:
    return {"id": name, "rank": 1, "objective": "gift_box", "type": "FIXED", "score": 0.5, "products": []}


def names(claims: list[Claim]) -> list[str]:
    return [claim.store for claim in claims]


def test_a_claimed_run_comes_with_all_it_needs_and_nobody_else_gets_it(shops: Shops) -> None:
    shops.submit("a")
    shops.clock.pass_by(5)

    (claim,) = shops.queue().claim(4)

    assert (claim.store, claim.run_id, claim.source, claim.settings) == ("a", "f1-a", "/shops/a", {"seed": 0})
    assert (claim.fence, claim.attempt, claim.waited_s, claim.cost_ms) == (1, 1, 5.0, None)
    assert shops.queue("two").claim(4) == []
    assert shops.database.for_store("a").run("f1-a").state == "running"


def test_stores_take_turns_whatever_one_of_them_has_waiting(shops: Shops) -> None:
    queue = shops.queue(store_cap=2)
    for number in range(5):
        queue.submit(queued(["noisy"], f"f{number}"))
    shops.clock.pass_by(1)
    queue.submit(queued(["a", "b"]))

    claimed = [names(queue.claim(1)) for _ in range(5)]

    # By age the noisy store would have been first with all of its runs.
    assert claimed == [["noisy"], ["a"], ["b"], ["noisy"], []]


def test_among_stores_with_equally_many_runs_in_hand_the_one_served_longest_ago_is_first(shops: Shops) -> None:
    shops.submit("a", "b", fleet="f1")
    queue = shops.queue()
    for claim in queue.claim(2):
        shops.clock.pass_by(1 if claim.store == "a" else 2)
        assert queue.settle([ending(claim)]) == [None]
    shops.submit("b", fleet="f2")
    shops.clock.pass_by(1)
    (served,) = queue.claim(1)
    assert queue.settle([ending(served)]) == [None]
    shops.submit("b", fleet="f3")
    shops.clock.pass_by(1)
    shops.submit("a", fleet="f4")

    assert names(queue.claim(1)) == ["a"]


def test_one_coordinator_may_be_held_to_its_own_fleet(shops: Shops) -> None:
    shops.submit("a", fleet="f1")
    shops.submit("b", fleet="f2")

    assert names(shops.queue().claim(5, fleet="f2")) == ["b"]


def test_what_a_run_came_to_is_kept_whole(shops: Shops) -> None:
    shops.submit("a")
    queue = shops.queue()
    (claim,) = queue.claim(1)

    shops.clock.pass_by(2)
    assert queue.settle([ending(claim, bundle("b1"))]) == [None]

    records = shops.database.for_store("a")
    run = records.run()
    assert (run.state, run.snapshot, run.plan, run.finished_at) == ("succeeded", "a" * 64, {"seed": 7}, shops.clock.now)
    assert records.bundles() == [bundle("b1")]
    (row,) = shops.database.fleets.rows("f1")
    assert (row.summary or {})["bundles"] == 1


def test_a_fence_refuses_every_write_of_a_zombie_and_keeps_what_its_successor_wrote(shops: Shops) -> None:
    shops.submit("a", "b")
    slow, quick = shops.queue("slow"), shops.queue("quick")
    mine, other = slow.claim(2)
    shops.clock.pass_by(31)
    assert quick.reap() == (2, 0)
    again = quick.claim(2)
    assert quick.settle([ending(again[0], bundle("late"))]) == [None]

    refused = slow.settle([ending(mine, bundle("early")), ending(other, bundle("early"))])

    assert [type(error) for error in refused] == [LostLeaseError, LostLeaseError]
    assert shops.database.for_store("a").bundles() == [bundle("late")]
    records = shops.database.for_store("b", other.fence)
    for write in (
        lambda: records.save_plan("f1-b", {}),
        lambda: records.save_preliminary("f1-b", [bundle("early")]),
        lambda: records.fail_run("f1-b", error="x", at=NOON),
        lambda: slow.give_back(other, "x"),
        lambda: slow.fail(other, "x"),
        lambda: slow.release(other),
    ):
        with pytest.raises(LostLeaseError, match="its lease ended"):
            write()
    assert shops.database.for_store("b").run("f1-b").state == "running"
    assert slow.renew() == set()


def test_a_zombie_is_fenced_off_even_before_anybody_claimed_its_run_again(shops: Shops) -> None:
    shops.submit("a")
    slow = shops.queue("slow")
    (claim,) = slow.claim(1)
    shops.clock.pass_by(31)
    shops.queue("quick").reap()

    (error,) = slow.settle([ending(claim)])

    assert isinstance(error, LostLeaseError)
    assert shops.database.for_store("a").run("f1-a").state == "queued"


def test_one_that_is_lost_takes_none_of_its_batch_with_it(shops: Shops) -> None:
    shops.submit("a", "b", "c")
    queue = shops.queue()
    first, second, third = queue.claim(3)
    queue.release(second)

    kept = queue.settle([ending(first, bundle("b1")), ending(second), ending(third, bundle("b1"))])

    assert [error is None for error in kept] == [True, False, True]
    assert shops.database.fleets.counts("f1") == {"succeeded": 2, "queued": 1}


def test_a_lease_holds_while_it_is_renewed(shops: Shops) -> None:
    shops.submit("a")
    queue, other = shops.queue("one"), shops.queue("two")
    (claim,) = queue.claim(1)

    for _ in range(5):
        shops.clock.pass_by(20)
        assert queue.renew() == {("a", "f1-a", claim.fence)}
        assert other.reap() == (0, 0)

    shops.clock.pass_by(31)
    assert other.reap() == (1, 0)


def test_a_run_is_given_up_after_its_last_attempt_with_the_last_reason(shops: Shops) -> None:
    shops.submit("a")
    queue = shops.queue(max_attempts=3)

    left = []
    for attempt in range(3):
        (claim,) = queue.claim(1)
        left.append(queue.give_back(claim, f"its worker died, time {attempt + 1}"))

    assert left == [True, True, False]
    run = shops.database.for_store("a").run("f1-a")
    assert (run.state, run.attempts) == ("failed", 3)
    assert run.error == "given up after 3 attempts: its worker died, time 3"
    assert queue.claim(1) == []


def test_a_run_whose_coordinators_all_vanish_is_given_up_too(shops: Shops) -> None:
    shops.submit("a")
    queue = shops.queue(max_attempts=2)
    queue.claim(1)
    shops.clock.pass_by(31)
    assert queue.reap() == (1, 0)
    queue.claim(1)
    shops.clock.pass_by(31)

    assert queue.reap() == (0, 1)

    run = shops.database.for_store("a").run("f1-a")
    assert (run.state, run.finished_at) == ("failed", shops.clock.now)
    assert "its lease ended" in (run.error or "")


def test_what_was_not_tried_goes_back_without_counting(shops: Shops) -> None:
    shops.submit("a")
    queue = shops.queue()
    (claim,) = queue.claim(1)
    queue.release(claim)

    (again,) = queue.claim(1)

    assert (claim.attempt, again.attempt) == (1, 1)
    assert again.fence > claim.fence
    assert shops.queue("alone").recover() == 1
    assert shops.queue().claim(1)[0].attempt == 1


def test_a_run_without_a_lease_is_never_reaped(shops: Shops) -> None:
    shops.database.for_store("a").begin_run(
        "r1", snapshot="s" * 64, settings_sha256="c" * 64, settings={}, code_version="0.1.0", at=NOON
    )
    shops.clock.pass_by(10_000)

    assert shops.queue().reap() == (0, 0)
    assert shops.queue().recover() == 0
    assert shops.database.for_store("a").run("r1").state == "running"


def test_the_cost_of_a_store_moves_towards_its_newest_run(shops: Shops) -> None:
    queue = shops.queue()
    for fleet, seconds in (("f1", 1.0), ("f2", 2.0)):
        shops.submit("a", fleet=fleet)
        (claim,) = queue.claim(1)
        queue.settle([ending(claim, phase_timings={"total": 1000 * seconds})])
    shops.submit("a", fleet="f3")

    (claim,) = queue.claim(1)

    assert claim.cost_ms == pytest.approx(0.8 * 1000 + 0.2 * 2000)


def test_a_fleet_takes_over_what_waits_and_uses_again_what_ended_with_the_same_content(shops: Shops) -> None:
    shops.submit("done", "waits", "changed", "old")
    queue = shops.queue()
    claims = {claim.store: claim for claim in queue.claim(9)}
    queue.settle([ending(claims["done"]), ending(claims["changed"])])
    queue.release(claims["waits"])
    queue.fail(claims["old"], "it broke")
    shops.clock.pass_by(60)
    wanted = [*queued(["done", "waits", "old", "new"], "f2"), *queued(["changed"], "f2", content="c2")]

    begun = shops.database.fleets.begin("f2", wanted, at=shops.clock.now, reuse_after=NOON - timedelta(hours=24))

    assert begun == (3, 1, 1)
    rows = {row.store: (row.run_id, row.state, row.is_reused) for row in shops.database.fleets.rows("f2")}
    assert rows == {
        "done": ("f1-done", "succeeded", True), "waits": ("f1-waits", "queued", False),
        "old": ("f2-old", "queued", False), "new": ("f2-new", "queued", False),
        "changed": ("f2-changed", "queued", False),
    }  # fmt: skip
    assert shops.database.fleets.newest() == "f2"


def test_a_fleet_that_takes_nothing_over_cancels_what_an_earlier_one_left_waiting(shops: Shops) -> None:
    shops.submit("a", fleet="f1")

    assert shops.submit("a", fleet="f2") == (1, 0, 0)

    assert shops.database.for_store("a").run("f1-a").state == "cancelled"
    assert names(shops.queue().claim(5)) == ["a"]


def test_what_ended_too_long_ago_is_done_again(shops: Shops) -> None:
    shops.submit("a", fleet="f1")
    queue = shops.queue()
    queue.settle([ending(claim) for claim in queue.claim(1)])
    shops.clock.pass_by(3600)

    begun = shops.submit("a", fleet="f2", reuse_after=shops.clock.now - timedelta(minutes=30))

    assert begun == (1, 0, 0)


def test_many_claim_at_once_and_no_run_is_given_out_twice(shops: Shops) -> None:
    stores = [f"s{number:02d}" for number in range(40)]
    shops.submit(*stores)
    claimed: list[str] = []

    def claim_some(owner: str) -> None:
        queue = shops.queue(owner)
        while found := queue.claim(3):
            claimed.extend(names(found))

    threads = [threading.Thread(target=claim_some, args=[f"owner {number}"]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    claimed += names(shops.queue("rest").claim(40))

    assert sorted(claimed) == stores


def test_the_databases_clock_has_an_offset_and_goes_on(database: Database) -> None:
    with reading(database._engine) as connection:
        first, second = database_time(connection), database_time(connection)

    assert first.utcoffset() == timedelta(0)
    assert first <= second


def test_sqlite_takes_one_coordinator_and_postgresql_any_number(database: Database) -> None:
    is_sqlite = database._engine.dialect.name == "sqlite"
    with database.coordinating() as is_alone:
        assert is_alone is is_sqlite
        if is_sqlite:
            with pytest.raises(SettingsError, match="BASKETRY_DATABASE_URL=postgresql"), database.coordinating():
                pass
        else:
            with database.coordinating():
                pass
    with database.coordinating():
        pass


class TestRowLevelSecurity:
    """PostgreSQL holds a store to its own rows, whatever a statement asks for."""

    @pytest.fixture
    def database(self, postgres: Any, migrated: str) -> Any:
        with Database(postgres.url(postgres.create(migrated))) as database:
            yield database

    def test_rows_of_another_store_are_invisible(self, shops: Shops) -> None:
        shops.submit("a", "b")

        with reading(shops.database._engine, "a") as connection:
            found = [connection.execute(sa.select(table.c.store)).scalars().all()
                     for table in (tables.run, tables.store, tables.fleet_run)]  # fmt: skip

        assert found == [["a"], ["a"], ["a"]]

    def test_without_a_store_nothing_is_visible(self, shops: Shops) -> None:
        shops.submit("a")

        with shops.database._engine.connect() as connection:
            assert connection.execute(sa.select(tables.run.c.store)).all() == []

    def test_a_row_of_another_store_is_refused(self, shops: Shops) -> None:
        shops.submit("a", "b")
        row = {"store": "b", "fleet": "f9", "run_id": "f1-b", "is_reused": False}

        with (
            pytest.raises(sa.exc.ProgrammingError, match="row-level security"),
            writing(shops.database._engine, "a") as connection,
        ):
            connection.execute(sa.insert(tables.fleet_run), [row])

    def test_what_a_transaction_may_see_ends_with_it(self, shops: Shops) -> None:
        shops.submit("a")
        with reading(shops.database._engine) as connection:
            assert connection.execute(sa.select(tables.run.c.store)).scalars().all() == ["a"]

        with shops.database._engine.connect() as connection:
            assert connection.execute(sa.select(tables.run.c.store)).all() == []

    def test_every_table_with_a_store_is_guarded_on_both_ways(self, database: Database) -> None:
        guarded = sa.text(
            "select c.relname from pg_class c join pg_policy p on p.polrelid = c.oid where c.relrowsecurity "
            "and c.relforcerowsecurity and p.polqual is not null and p.polwithcheck is not null"
        )

        with reading(database._engine) as connection:
            found = set(connection.execute(guarded).scalars())

        assert found == {name for name, table in tables.metadata.tables.items() if "store" in table.c}
