"""All parts in one run, in an order that lets none disturb another: commands first, then one warm Ray."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from actors.places import open_folder
from benchmarks.embedding import EMBEDDING_WORKER_MB, embedding_figures
from benchmarks.ingest import ingest_figures
from benchmarks.measure import Figure, load_average, machine
from benchmarks.plot import write_plot
from benchmarks.report import by_part, describe, print_part, write_report
from benchmarks.runs import WORKER_MB, Bench, worker_memory
from benchmarks.shell import help_figure, run_figures
from benchmarks.stores import Subject, on_disk, subjects
from cluster.database.database import Database
from cluster.run import RunRequest, StoreRunner
from cluster.session import RaySession
from configs.settings import Settings, load_settings
from pipeline.context.embedding import catalog_texts
from pipeline.ingest.store import read_snapshot

FRESH = "warm Ray, fresh context"


def run_all(folders: Sequence[Path], parts: frozenset[str], repeats: int, out: Path) -> None:
    """Measure `parts`, print each table when it is full, write the files into `out`."""
    console = Console(width=180, highlight=False)
    about = {"date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", **machine(), "repeats": repeats}
    load = {"start": load_average(), "end": load_average()}
    figures: list[Figure] = []
    with TemporaryDirectory(prefix="basketry-bench-") as name:
        settings = load_settings({"data_dir": Path(name).resolve()})
        stores = subjects(folders, settings)
        for figure in _measured(stores, parts, repeats, settings):
            if figures and figure.part != figures[-1].part:
                console.print(f"[dim]measured: {figures[-1].part}[/]")
            figures.append(figure)
    load["end"] = load_average()
    about["load"] = load
    figures = [figure for of_part in by_part(figures).values() for figure in of_part]
    console.print("", describe(about), "", soft_wrap=True)
    for part, of_part in by_part(figures).items():
        print_part(console, part, of_part)
    write_report(out, figures, about)
    write_plot(out, figures)
    console.print(f"written: {', '.join(str(out / f'bench.{ending}') for ending in ('json', 'md', 'svg', 'png'))}")


def _measured(stores: list[Subject], parts: frozenset[str], repeats: int, settings: Settings) -> Iterator[Figure]:
    _embed_all(stores, settings)
    if "shell" in parts:
        yield help_figure(repeats)
        for store in (store for store in stores if store.folder is not None):
            yield from run_figures(store, on_disk(settings.data_dir), repeats)
    if "ingest" in parts:
        yield from ingest_figures(repeats)
    if parts & {"runs", "control", "embedding"}:
        yield from _on_warm_ray(stores, parts, repeats, settings)


def _embed_all(stores: list[Subject], settings: Settings) -> None:
    """One run of each store that nobody counts, on a Ray of its own: it leaves the vectors in the cache."""
    with RaySession(settings.cluster) as session, Database(settings.database) as database:
        database.prepare(upgrade_empty=True)
        session.wait()
        runner = StoreRunner(settings, database)
        for store in stores:
            runner.run(RunRequest(store.ref))


def _on_warm_ray(stores: list[Subject], parts: frozenset[str], repeats: int, settings: Settings) -> Iterator[Figure]:
    with RaySession(settings.cluster) as session, Database(settings.database) as database:
        session.wait()
        bench = Bench(settings, database, on_disk(settings.data_dir) / "moved", repeats)
        fresh: list[tuple[Subject, Figure]] = []
        for store in stores if parts & {"runs", "control"} else []:
            found = list(bench.measure(store))
            fresh += [(store, figure) for figure in found if figure.part == FRESH and figure.name == "total"]
            yield from found if "runs" in parts else []
        yield from worker_memory("no model, after these runs", WORKER_MB)
        if "embedding" in parts:
            subject = max(stores, key=lambda store: (store.folder is not None, store.products))
            texts = catalog_texts(read_snapshot(open_folder(subject.ref.folder)).catalog)
            yield from embedding_figures(subject.name, texts, settings.cluster, repeats)
            yield from worker_memory("with the model", EMBEDDING_WORKER_MB)
    # Without Ray beside it: the control gets the machine for itself.
    for store, total in fresh if "control" in parts else []:
        yield from bench.beside_control(store, total)
