"""The first embedding of a catalog: through tasks and the cache, beside the bare model in as many processes."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from actors.minilm import MiniLM, shared_model
from benchmarks.measure import Figure, timed
from cluster.fanout import fan_out
from cluster.tasks import embed_task
from configs.settings import ClusterConfig
from pipeline.context.embedding import length_batches, unique_texts

SLOWER = 1.25
"""How many times the bare model's seconds tasks may take."""
EMBEDDING_WORKER_MB = 500.0


def through_tasks(texts: Sequence[str], config: ClusterConfig) -> float:
    """Seconds to embed `texts` into an empty cache, as a store's first run does it."""
    batches = [[texts[at] for at in rows] for rows in length_batches(texts, config.embed_batch)]
    with TemporaryDirectory() as name:
        begun = perf_counter()
        done = fan_out(
            batches[::-1], lambda batch: embed_task.remote(batch, Path(name)),
            in_flight=config.in_flight, wait_s=config.wait_s,
        )  # fmt: skip
        for _ in done:
            pass
        return perf_counter() - begun


@contextmanager
def bare_model(processes: int) -> Iterator[Callable[[Sequence[str]], float]]:
    """The model alone, one process a core, each with every n-th text; a process loads the weights at its first call."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.map(_ready, range(processes), chunksize=1)

        def seconds(texts: Sequence[str]) -> float:
            shares = [list(texts[start::processes]) for start in range(processes)]
            return timed(lambda: pool.map(_embed, shares, chunksize=1))

        yield seconds


def _ready(_: int) -> bool:
    return MiniLM().info.dimension > 0


def _embed(texts: list[str]) -> int:
    return len(shared_model().embed(texts))


def embedding_figures(subject: str, catalog: Sequence[str], config: ClusterConfig, repeats: int) -> Iterator[Figure]:
    """Both ways in turn; the first repeat of each loads the model and is kept apart."""
    texts, processes = unique_texts(catalog), config.workers or os.cpu_count() or 1
    label = f"{subject}, {len(texts):,} texts"
    tasks, alone = [], []
    with bare_model(processes) as bare:
        for _ in range(repeats + 1):
            tasks.append(through_tasks(texts, config))
            alone.append(bare(texts))
    for name, of_tasks, of_bare in (("model loaded", tasks[1:], alone[1:]), ("with loading", tasks[:1], alone[:1])):
        yield Figure("first embedding", label, f"tasks, {name}", "s", tuple(of_tasks))
        yield Figure("first embedding", label, f"bare model, {name}", "s", tuple(of_bare))
        ratios = tuple(a / b for a, b in zip(of_tasks, of_bare, strict=True))
        yield Figure("first embedding", label, f"tasks / bare, {name}", "×", ratios, SLOWER)
