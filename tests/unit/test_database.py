import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from cluster.database import tables
from cluster.database.database import MIGRATIONS, Database
from cluster.database.engine import sqlite_url
from cluster.database.records import StoreRecords
from cluster.database.rejections import pack
from cluster.database.values import ComboOutcome, ModelUsage
from pipeline.errors import NotFoundError, PlatformError, RunStateError, SchemaError, SettingsError
from pipeline.terms import BundleType, Objective, Reason, Rejection, Tier

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
FBT_PAIR = Rejection(("A", "B"), Objective.INCREASE_AOV, BundleType.FBT, Reason.LOW_SUPPORT, 0.004)
FBT_TRIPLE = Rejection(("A", "B", "C"), Objective.INCREASE_AOV, BundleType.FBT, Reason.MARGIN_TOO_LOW, 0.12)
KIT = Rejection(("C", "D"), Objective.GIFT_BOX, BundleType.FIXED, Reason.DUPLICATE)
COMBO = ComboOutcome(Objective.GIFT_BOX, BundleType.FIXED, "found", Tier.RULES, 12, 40.0)


@pytest.fixture
def shop(database: Database) -> StoreRecords:
    return database.for_store("shop")


def bundle(name: str, rank: int = 1, score: float = 0.5) -> dict[str, Any]:
    products = [{"sku": "B", "title": "Čaj"}, {"sku": "A", "title": "<b>"}]
    return {"id": name, "rank": rank, "objective": "gift_box", "type": "FIXED", "score": score, "products": products}


def begin(records: StoreRecords, run_id: str, at: datetime = NOON) -> None:
    settings = {"seed": 0}
    records.begin_run(
        run_id, snapshot="s" * 64, settings_sha256="c" * 64, settings=settings, code_version="0.1.0", at=at
    )


def finish(records: StoreRecords, run_id: str, bundles: list[dict[str, Any]], *combos: ComboOutcome) -> None:
    records.finish_run(
        run_id, state="succeeded", record={"run_id": run_id, "order": (1, 2)}, at=NOON, bundles=bundles,
        combos=combos, rejections=[],
    )  # fmt: skip


def test_what_attempts_asked_of_models_adds_up_whoever_has_the_run_by_then(shop: StoreRecords) -> None:
    words = ModelUsage("openai", "gpt-6-luna", "words", 2, 1_200, 300, 64, Decimal("0.25"))
    tags = ModelUsage("local", "nano", "tags", 1, 10, 20)
    begin(shop, "r1")
    shop.add_usage("r1", [words, tags])
    begin(shop, "r1")
    shop.add_usage("no such run", [])  # nothing was asked: the database is not

    shop.finish_run("r1", state="succeeded", record={}, at=NOON, bundles=[], combos=[], rejections=[], cost=[words])
    shop.add_usage("r1", [tags])

    assert shop.usage("r1") == [
        ModelUsage("local", "nano", "tags", 2, 20, 40),
        ModelUsage("openai", "gpt-6-luna", "words", 4, 2_400, 600, 128, Decimal("0.5")),
    ]
    assert shop.spent_since(NOON) == (60 + 3_000, Decimal("0.5"))


def test_a_run_keeps_what_it_came_to(shop: StoreRecords) -> None:
    begin(shop, "r1")
    shop.save_plan("r1", {"seed": 7})
    usage = ModelUsage("openai", "gpt-6-luna", "words", 2, 1_200, 300, 64, Decimal("0.000270001"))

    shop.finish_run(
        "r1", state="degraded", record={"why": "words"}, at=NOON + timedelta(seconds=9), bundles=[bundle("b1")],
        combos=[COMBO], rejections=list(pack([KIT, FBT_PAIR])), cost=[usage],
    )  # fmt: skip

    run = shop.run("r1")
    assert (run.state, run.plan, run.record) == ("degraded", {"seed": 7}, {"why": "words"})
    assert (run.settings, run.snapshot, run.attempts) == ({"seed": 0}, "s" * 64, 1)
    assert (run.started_at, run.finished_at) == (NOON, NOON + timedelta(seconds=9))
    assert shop.bundles("r1") == [bundle("b1")]
    assert shop.usage("r1") == [usage]
    assert shop.rejections("r1") == [FBT_PAIR, KIT]


def test_final_bundles_replace_the_preliminary_ones(shop: StoreRecords) -> None:
    begin(shop, "r1")
    shop.save_preliminary("r1", [bundle("early", 1), bundle("both", 2)])
    before = [body["id"] for body in shop.bundles("r1")]

    finish(shop, "r1", [bundle("late", 2), bundle("both", 1)])

    assert before == ["early", "both"]
    assert [body["id"] for body in shop.bundles("r1")] == ["both", "late"]
    assert shop.find_bundle("both").stage == "final"
    with pytest.raises(NotFoundError, match="early"):
        shop.find_bundle("early")


def test_a_finish_that_breaks_leaves_the_run_as_it_was(shop: StoreRecords) -> None:
    begin(shop, "r1")
    shop.save_preliminary("r1", [bundle("early")])

    with pytest.raises(sa.exc.IntegrityError):
        finish(shop, "r1", [bundle("twice"), bundle("twice")])

    assert shop.run("r1").state == "running"
    assert shop.bundles("r1") == [bundle("early")]


def test_numbers_that_json_does_not_know_are_refused(shop: StoreRecords) -> None:
    begin(shop, "r1")

    with pytest.raises((sa.exc.StatementError, ValueError), match="not JSON compliant"):
        shop.save_preliminary("r1", [bundle("b1") | {"lift": float("nan")}])

    assert shop.bundles("r1") == []


def test_finishing_twice_with_one_record_changes_nothing_and_with_another_is_refused(shop: StoreRecords) -> None:
    begin(shop, "r1")
    finish(shop, "r1", [bundle("b1")])

    finish(shop, "r1", [bundle("b1")])

    assert shop.bundles("r1") == [bundle("b1")]
    with pytest.raises(RunStateError, match="r1 is succeeded and can't finish"):
        shop.finish_run("r1", state="partial", record={}, at=NOON, bundles=[], combos=[], rejections=[])
    with pytest.raises(RunStateError):
        shop.save_preliminary("r1", [])
    with pytest.raises(RunStateError):
        begin(shop, "r1")


def test_a_further_attempt_forgets_the_one_before(shop: StoreRecords) -> None:
    begin(shop, "r1")
    shop.save_preliminary("r1", [bundle("early")])

    begin(shop, "r1", NOON + timedelta(minutes=1))

    run = shop.run("r1")
    assert (run.attempts, run.created_at, run.started_at) == (2, NOON, NOON + timedelta(minutes=1))
    assert shop.bundles("r1") == []


def test_a_failed_run_has_no_bundles_and_says_why(shop: StoreRecords) -> None:
    begin(shop, "r1")
    shop.save_preliminary("r1", [bundle("early")])

    shop.fail_run("r1", error="the disk is full", at=NOON)

    assert (shop.run("r1").state, shop.run("r1").error) == ("failed", "the disk is full")
    assert shop.bundles("r1") == []


def test_a_run_nobody_began_is_not_found(shop: StoreRecords) -> None:
    with pytest.raises(NotFoundError, match="no run 'r9'"):
        shop.save_preliminary("r9", [])
    with pytest.raises(NotFoundError, match="no run 'r9'"):
        shop.bundles("r9")
    with pytest.raises(NotFoundError, match="ended well"):
        shop.bundles()


def test_the_latest_run_is_the_newest_that_ended_well(shop: StoreRecords) -> None:
    for minute, run_id in enumerate(["old", "new", "failed", "running"]):
        begin(shop, run_id, NOON + timedelta(minutes=minute))
    finish(shop, "old", [bundle("b1", score=0.1)])
    finish(shop, "new", [bundle("b1", score=0.2)])
    shop.fail_run("failed", error="x", at=NOON)

    latest = shop.run("latest")

    assert latest.run_id == "new"
    assert shop.bundles()[0]["score"] == 0.2
    assert [run.run_id for run in shop.runs()] == ["running", "failed", "new", "old"]
    assert [run.run_id for run in shop.runs(limit=1)] == ["running"]


def test_a_bundle_is_found_in_its_newest_final_run_or_in_the_one_that_is_named(shop: StoreRecords) -> None:
    for minute, run_id in enumerate(["old", "new", "running"]):
        begin(shop, run_id, NOON + timedelta(minutes=minute))
    finish(shop, "old", [bundle("b1")])
    finish(shop, "new", [bundle("b1"), bundle("b2", 2)])
    shop.save_preliminary("running", [bundle("b1"), bundle("b3", 2)])

    found = {name: shop.find_bundle(name).run_id for name in ("b1", "b2", "b3")}

    assert found == {"b1": "new", "b2": "new", "b3": "running"}
    assert shop.find_bundle("b1", "old").run_id == "old"
    with pytest.raises(NotFoundError, match=r"no bundle 'b2'; run old of store 'shop'"):
        shop.find_bundle("b2", "old")


def test_one_store_never_sees_another(database: Database, shop: StoreRecords) -> None:
    other = database.for_store("other")
    begin(shop, "r1")
    finish(shop, "r1", [bundle("b1")], COMBO)
    begin(other, "r2")

    assert [run.run_id for run in other.runs()] == ["r2"]
    assert other.combo_costs() == []
    for look in (other.run, other.bundles, other.rejections, other.rejection_counts, other.usage):
        with pytest.raises(NotFoundError):
            look("r1")
    with pytest.raises(NotFoundError):
        other.find_bundle("b1")
    with pytest.raises(NotFoundError):
        finish(other, "r1", [])
    with pytest.raises(NotFoundError):
        other.fail_run("r1", error="x", at=NOON)


def test_two_stores_may_name_a_run_and_a_bundle_alike(database: Database, shop: StoreRecords) -> None:
    other = database.for_store("other")
    for records in (shop, other):
        begin(records, "r1")
        finish(records, "r1", [bundle("b1") | {"store": records.store}])

    assert [records.bundles("r1")[0]["store"] for records in (shop, other)] == ["shop", "other"]


def test_an_operator_finds_runs_and_bundles_of_any_store(database: Database, shop: StoreRecords) -> None:
    begin(shop, "r1")
    finish(shop, "r1", [bundle("b1")])

    assert database.stores() == ["shop"]
    assert database.find_run("r1").store == "shop"
    assert database.find_bundle("b1").body == bundle("b1")
    for look in (database.find_run, database.find_bundle):
        with pytest.raises(NotFoundError):
            look("unknown")


def test_why_not_finds_every_candidate_that_holds_the_skus_exact_ones_first(shop: StoreRecords) -> None:
    begin(shop, "r1")
    shop.finish_run(
        "r1",
        state="succeeded",
        record={},
        at=NOON,
        bundles=[],
        combos=[],
        rejections=list(pack([FBT_TRIPLE, KIT, FBT_PAIR])),
    )

    assert shop.rejections("r1", ["B", "A"]) == [FBT_PAIR, FBT_TRIPLE]
    assert shop.rejections("r1", ["A", "D"]) == []
    assert shop.rejections("r1") == [FBT_TRIPLE, FBT_PAIR, KIT]
    assert shop.rejection_counts("r1") == {
        Reason.NOT_SELLABLE: 0, Reason.MARGIN_TOO_LOW: 1, Reason.LOW_SUPPORT: 1, Reason.INVALID_PRICE: 0,
        Reason.INCOMPATIBLE_CATEGORIES: 0, Reason.EXCLUDED: 0, Reason.NEVER_TOGETHER: 0, Reason.PRICE_LIMIT: 0,
        Reason.DUPLICATE: 1,
    }  # fmt: skip


def test_the_cost_of_a_combo_is_a_mean_a_run_oldest_first(shop: StoreRecords) -> None:
    skipped = ComboOutcome(Objective.GIFT_BOX, BundleType.FBT, "not_admitted")
    slow = ComboOutcome(Objective.GIFT_BOX, BundleType.BXGY, "found", Tier.RULES, 3, 80.0)
    for minute, run_id in enumerate(["old", "new", "failed"]):
        begin(shop, run_id, NOON + timedelta(minutes=minute))
    finish(shop, "old", [], COMBO, slow, skipped)
    finish(shop, "new", [], COMBO)
    shop.fail_run("failed", error="x", at=NOON)

    assert shop.combo_costs() == [60.0, 40.0]


def test_times_come_back_in_utc_and_one_without_an_offset_is_refused(shop: StoreRecords) -> None:
    begin(shop, "r1", datetime(2026, 11, 21, 14, tzinfo=timezone(timedelta(hours=2))))

    assert shop.run("r1").created_at == NOON
    assert shop.run("r1").created_at.tzinfo is UTC
    with pytest.raises(sa.exc.StatementError, match="without an offset"):
        begin(shop, "r2", datetime(2026, 11, 21))


def test_writers_wait_for_each_other(shop: StoreRecords) -> None:
    names = [f"r{number}" for number in range(24)]

    def begin_some(part: list[str]) -> None:
        for name in part:
            begin(shop, name)

    threads = [threading.Thread(target=begin_some, args=[names[at::4]]) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(run.run_id for run in shop.runs()) == sorted(names)


def test_the_embedded_database_is_durable_and_checks_its_keys(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path))
    database.upgrade()
    with sqlite3.connect(tmp_path / "basketry.db") as connection:
        mode = connection.execute("PRAGMA journal_mode").fetchone()
    with database._engine.connect() as inside:
        ours = [inside.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("synchronous", "foreign_keys")]
    database.close()

    assert mode == ("wal",)
    assert ours == [2, 1]


def test_a_new_database_that_another_writes_first_is_waited_for(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "basketry.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    with closing(other), closing(sqlite3.connect(tmp_path / "basketry.db")) as impatient:
        # What SQLite itself does, whatever the timeout.
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            impatient.execute("PRAGMA journal_mode = WAL")
        release = threading.Timer(0.2, other.execute, args=["COMMIT"])
        release.start()
        with Database(sqlite_url(tmp_path)) as database:
            assert database.revision() is None
        release.join()


def test_the_steps_lead_to_the_tables_the_code_reads(database: Database) -> None:
    with database._engine.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), tables.metadata)

    assert difference == []
    known = [step.revision for step in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    assert tuple(known[::-1]) == tables.REVISIONS


def test_the_way_back_leaves_no_table_and_can_be_taken_again(database: Database) -> None:
    database.downgrade()
    with database._engine.connect() as connection:
        left = sa.inspect(connection).get_table_names()

    assert left == ["alembic_version"]
    assert database.revision() is None
    database.upgrade()
    assert database.revision() == tables.REVISIONS[-1]


def test_two_that_upgrade_at_once_both_succeed(empty_url: str) -> None:
    databases = [Database(empty_url) for _ in range(2)]
    failures: list[BaseException] = []

    def upgrade(one: Database) -> None:
        try:
            one.upgrade()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=upgrade, args=[one]) for one in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert [one.revision() for one in databases] == [tables.REVISIONS[-1]] * 2
    for one in databases:
        one.close()


def test_an_empty_database_is_only_filled_when_asked_to(empty_url: str) -> None:
    with Database(empty_url) as database:
        with pytest.raises(SchemaError, match="has no tables, expected revision 0002; run `basketry db upgrade`"):
            database.prepare()

        database.prepare(upgrade_empty=True)

        database.prepare()
        assert database.stores() == []


def test_the_folder_of_an_embedded_database_is_made(tmp_path: Path) -> None:
    with Database(sqlite_url(tmp_path / "new" / "folder")) as database:
        database.prepare(upgrade_empty=True)

        assert database.stores() == []


def test_an_older_database_keeps_its_runs_when_its_tables_are_made_anew(database: Database, shop: StoreRecords) -> None:
    begin(shop, "r1")
    finish(shop, "r1", [bundle("b1")], COMBO)
    database.downgrade("0001")
    with pytest.raises(SchemaError, match="is at schema revision 0001, expected revision 0002"):
        database.prepare()

    database.upgrade()

    assert shop.bundles("r1") == [bundle("b1")]
    assert shop.combo_costs() == [40.0]


def test_a_schema_of_a_newer_version_is_left_alone(database: Database) -> None:
    with database._engine.begin() as connection:
        connection.execute(sa.text("update alembic_version set version_num = '9999'"))

    for attempt in (database.prepare, database.upgrade):
        with pytest.raises(SchemaError, match="revision 9999, which this version does not know"):
            attempt()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "basketry.db").write_bytes(b"not a database" * 100)

    with pytest.raises(PlatformError, match=r"basketry\.db can't be used"):
        Database(sqlite_url(tmp_path)).prepare()


@pytest.mark.parametrize("url", ["nonsense", "sqlite://", "mysql+pymysql://u:secret@h/d", "sqlite:///:memory:"])
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Database(url)

    assert "secret" not in str(caught.value)


def test_the_tables_can_be_made_on_postgresql() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]

    made = [str(CreateTable(table).compile(dialect=dialect)) for table in tables.metadata.sorted_tables]

    assert all("PRIMARY KEY (store" in statement for statement in made)
    assert all("TIMESTAMP WITH TIME ZONE" in statement for statement in made if "_at" in statement)
