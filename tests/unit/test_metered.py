"""What a coordinator's metrics and logs are made of: each thing once, whoever else listens."""

from collections.abc import Mapping, Sequence

import pytest

from actors.shelf import ShelfFigures
from cluster import metrics
from cluster.coordinator import Broken, End, Refused
from cluster.database.values import Claim, RunState
from cluster.fleet.gauges import Gauges, watching
from cluster.fleet.metered import Metered
from cluster.logs import set_up_logs
from pipeline.errors import PlatformError

CLAIM = Claim("shop-7", "r1", 3, 1, "/shops/shop-7", {}, 100.0, None, 2.5)
Counted = dict[str, list[object]]


class Listener:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def claimed(self, claims: Sequence[Claim]) -> None:
        self.heard.append(f"claimed {len(claims)}")

    def closed(self, end: End, *, again: bool = False) -> None:
        self.heard.append(f"closed {again}")

    def counted(self, what: str, number: int = 1) -> None:
        self.heard.append(f"{number} {what}")


@pytest.fixture(autouse=True)
def _quiet() -> None:
    set_up_logs("off")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Everything that is recorded, by the name of its metric."""
    found: Counted = {}

    def collect(name: str, value: float = 1, **labels: str) -> None:
        if value:
            found.setdefault(name, []).append((value, *labels.values()))

    for recorder in ("_count", "_observe", "_set"):
        monkeypatch.setattr(metrics, recorder, collect)
    return found


def test_a_claim_says_how_long_it_waited(counted: Counted, capsys: pytest.CaptureFixture[str]) -> None:
    listener = Listener()
    set_up_logs("json")

    Metered(listener).claimed([CLAIM, CLAIM])

    assert counted == {"queue_dwell_seconds": [(2.5,), (2.5,)]}
    assert listener.heard == ["claimed 2"]
    assert capsys.readouterr().err.count('"event": "run claimed", "store": "shop-7", "run": "r1"') == 2


def test_only_the_last_attempt_is_a_failed_run(counted: Counted, capsys: pytest.CaptureFixture[str]) -> None:
    listener = Listener()
    meter = Metered(listener)
    set_up_logs("json")

    meter.closed(Broken(CLAIM, "its worker died"), again=True)
    assert counted == {}
    meter.closed(Broken(CLAIM, "its worker died"))
    meter.closed(Refused(CLAIM, "no orders"))

    assert counted == {"runs_total": [(1, "failed"), (1, "failed")]}
    assert listener.heard == ["closed True", "closed False", "closed False"]
    said = capsys.readouterr().err
    assert [event in said for event in ("tried again", "its worker died", "no orders")] == [True] * 3


def test_fences_lost_claims_and_dead_letters_are_metrics_the_rest_is_not(counted: Counted) -> None:
    listener = Listener()
    meter = Metered(listener)

    for what, number in (("fenced", 1), ("reaped", 2), ("dead", 1), ("settled", 5)):
        meter.counted(what, number)

    assert counted == {"fence_rejected_total": [(1,)], "leases_expired_total": [(2,)], "dead_letters_total": [(1,)]}
    assert listener.heard == ["1 fenced", "2 reaped", "1 dead", "5 settled"]


def test_the_queue_is_what_waits_and_what_is_under_way(counted: Counted) -> None:
    Gauges(lambda: {"queued": 4, "running": 2, "succeeded": 9}, dict).look()

    assert counted["queue_runs"] == [(4, "queued"), (2, "running")]


def test_a_shard_that_was_restarted_counts_from_nothing(counted: Counted) -> None:
    shards = {"00": _figures(hits=5, misses=5)}
    gauges = Gauges(dict, lambda: shards)

    gauges.look()
    shards["00"] = _figures(hits=8, misses=5)
    gauges.look()
    shards["00"] = _figures(hits=1, misses=2)
    gauges.look()

    assert counted["cache_hits_total"] == [(5, "shard"), (3, "shard"), (1, "shard")]
    assert counted["cache_misses_total"] == [(5, "shard"), (2, "shard")]
    assert counted["shard_bytes"] == [(100, "00")] * 3


def test_a_database_that_does_not_answer_is_passed_over(counted: Counted) -> None:
    def fail() -> Mapping[RunState, int]:
        raise PlatformError("the database is away")

    with watching(Gauges(fail, dict), every_s=0.001):
        pass

    assert counted == {}


def test_what_models_answered_and_cost_is_counted_by_purpose(counted: Counted) -> None:
    metrics._record_models({
        "questions": {
            "words": {"questions": 9, "kept": 2, "silent": 2},
            "tags": {"questions": 3, "kept": 0, "silent": 0},
        },
        "asked": {"words": {"input_tokens": 900, "output_tokens": 100, "usd": "0.0125"}},
    })  # fmt: skip

    assert counted == {
        "model_calls_total": [(5, "words", "ok"), (2, "words", "no_answer"), (3, "tags", "ok")],
        "model_tokens_total": [(1000, "words")],
        "model_usd_total": [(0.0125, "words")],
        "cache_hits_total": [(2, "answers")],
        "cache_misses_total": [(7, "answers"), (3, "answers")],
    }


def _figures(*, hits: int, misses: int) -> ShelfFigures:
    return ShelfFigures(stores=2, values=4, bytes=100, hits=hits, misses=misses, evictions=0, unkept=0)
