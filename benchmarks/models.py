"""`python -m benchmarks.models [STORE]`: runs beside a server that takes 400 ms for all, and what the gateway adds."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel

from actors.remote.budget import Payer
from actors.remote.embedder import OpenAIEmbedder
from actors.remote.thread_line import ThreadLine
from actors.remote.writer import OpenAIWriter
from benchmarks.runs import Bench
from benchmarks.stores import from_folder, on_disk, seeded
from cluster.database.database import Database
from cluster.session import RaySession
from configs.models import CapabilitiesConfig, ModelsConfig
from configs.settings import load_settings
from pipeline.offers.asked_words import ROLE, WrittenBatch
from pipeline.ports import Prompt, Unanswered
from pipeline.prompts import question

LATENCY_S = 0.4
REPEATS = 5
FIRST_S, CACHED_S = 4.5, 2.0
"""Seconds that a run of `germany` may take beside such a server: with nothing cached, and with vectors and answers."""
TEXTS, BATCH = 1_000, 100
CALLS = 5
ALLOWED = 1.2
"""How many times as long as the ideal schedule it may take."""


def prompts() -> list[Prompt]:
    """Five calls of ten bundles' words each."""
    bundle = {
        "type": "FBT", "objective": "increase_aov", "price": "£12.00", "list_price": "£14.00", "discount": "14.3 %",
        "products": [{"title": f"Hand-thrown stoneware mug number {at}", "category": "Cups"} for at in range(3)],
    }  # fmt: skip
    ten = [[bundle | {"index": index, "count": 10 * at + index} for index in range(10)] for at in range(CALLS)]
    return [question("words", "1", ROLE, {"bundles": bundles}, WrittenBatch, 2_200) for bundles in ten]


@contextmanager
def slow_server() -> Iterator[str]:
    """The address of a server in a process of its own."""
    command = [sys.executable, "-m", "tests.support.model_server", "--latency", str(LATENCY_S)]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def whole_runs(folder: Path, url: str) -> Iterator[tuple[str, float, float]]:
    """Runs of the store in `folder` that ask the server: what is told of each, its seconds, and those it may take.

    The first on a Ray whose workers have run another store, with nothing of this one cached; later ones know its
    vectors and answers, and work out everything else again.
    """
    with TemporaryDirectory(prefix="basketry-models-") as name:
        asked = {"source": "openai", "base_url": url}
        settings = load_settings({"data_dir": Path(name).resolve(), "models": asked})
        with RaySession(settings.cluster) as session, Database(settings.database) as database:
            database.prepare(upgrade_empty=True)
            store, other = from_folder(folder.name, folder, settings), seeded(500, 200, settings)
            session.wait()
            bench = Bench(settings, database, on_disk(settings.data_dir) / "moved", REPEATS)
            bench.warm(other)
            yield f"{store.name}, nothing cached", bench.run(store.ref)["total"], FIRST_S
            bench.warm(store)
            seconds = [bench.run(store.moved(bench.shelf, repeat))["total"] for repeat in range(REPEATS)]
            yield f"{store.name}, vectors and answers cached", statistics.median(seconds), CACHED_S


def main() -> None:
    folders = [Path(name).resolve() for name in sys.argv[1:]]
    os.environ.setdefault("OPENAI_API_KEY", "any: this server asks for none")
    with slow_server() as url:
        for name, took, may in (run for folder in folders for run in whole_runs(folder, url)):
            print(f"{name}: {took:.2f} s, {'within' if took <= may else 'ABOVE'} {may} s")
        config = ModelsConfig(base_url=url, capabilities=CapabilitiesConfig(max_inputs=BATCH))
        with ThreadLine(config, Payer("shop", "run")) as line:
            texts = [f"Product number {at} of the shop. Kitchen" for at in range(TEXTS)]
            embedding_s = timed(lambda: OpenAIEmbedder(config, line).embed(texts))
            answers: list[BaseModel | Unanswered] = []
            words_s = timed(lambda: answers.extend(OpenAIWriter(config, line).answer(prompts(), time.time() + 30)))
            assert not any(isinstance(answer, Unanswered) for answer in answers)
    calls = -(-TEXTS // BATCH)
    rows = (
        (f"{TEXTS} texts in batches of {BATCH}", embedding_s, -(-calls // config.pacing.embedding_calls) * LATENCY_S),
        (f"{CALLS} calls of words", words_s, -(-CALLS // config.pacing.chat_calls) * LATENCY_S),
    )
    for name, took, ideal in rows:
        verdict = "within" if took <= ALLOWED * ideal else "ABOVE"
        print(f"{name}: {took:.2f} s, ideal {ideal:.2f} s, {took / ideal:.2f} times: {verdict} {ALLOWED}")


if __name__ == "__main__":
    main()
