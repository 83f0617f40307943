"""Embedding a fleet's catalogs through Ray Data, beside the bare model in as many processes."""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.embedding import bare_model
from benchmarks.measure import Figure, load_average
from cluster.bulk import FleetEmbedder
from cluster.progress import Silent
from cluster.session import RaySession
from configs.settings import load_settings

TEXTS, PRODUCTS = 50_000, 500
SHARE = 0.85
"""Of the bare model's rate on all cores, the start of the actors included."""
NOUNS = ("Kettle", "Bunting", "Cake Stand", "Lantern", "Lunch Bag", "Photo Frame", "Doormat", "Tea Towel", "Lamp")
KINDS = ("Enamel", "Vintage", "Retrospot", "Wicker", "Porcelain", "Polkadot", "Glass", "Wooden", "Hanging", "Folding")
COLOURS = ("red", "ivory", "pale blue", "mint", "charcoal", "ochre", "rose", "forest green")


def title(number: int) -> str:
    """A product's title, another for each number, as long as those of real shops."""
    noun, kind, colour = NOUNS[number % 9], KINDS[number // 9 % 10], COLOURS[number // 90 % 8]
    extra = ("", f" set of {number % 7 + 2}", f" with {KINDS[number % 10].lower()} lid and box")[number % 3]
    return f"{kind} {noun} {colour}{extra} {number // 720}"


def lay_out(folder: Path, texts: int) -> list[str]:
    """Stores of `PRODUCTS` products; their titles."""
    titles = [title(number) for number in range(texts)]
    for at in range(0, texts, PRODUCTS):
        home = folder / f"store-{at // PRODUCTS:04}"
        home.mkdir(parents=True)
        rows = "".join(f"S{row},{name},4.00\n" for row, name in enumerate(titles[at : at + PRODUCTS]))
        (home / "products.csv").write_text(f"sku,title,price\n{rows}", encoding="utf-8")
    return titles


def fleet_embedding_figures(texts: int) -> list[Figure]:
    """Seconds of the stream and of the bare model, and the share of its rate."""
    cores = os.cpu_count() or 1
    with TemporaryDirectory(prefix="basketry-fleet-embed-") as name:
        titles = lay_out(Path(name) / "fleet", texts)
        settings = load_settings({"data_dir": Path(name) / "data"})
        with RaySession(settings.cluster) as session:
            session.wait()
            found = FleetEmbedder(settings, Silent()).embed(f"{name}/fleet")
        assert found.embedded == texts, found
    with bare_model(cores) as bare:
        bare(titles[:64])  # loads the weights
        alone = bare(titles)
    label = f"{texts:,} titles of {texts // PRODUCTS} stores, {cores} cores"
    return [
        Figure("fleet embedding", label, "through Ray Data", "s", (found.seconds,)),
        Figure("fleet embedding", label, "bare model", "s", (alone,)),
        Figure("fleet embedding", label, "share of the bare rate", "×", (alone / found.seconds,), SHARE, True),
    ]


if __name__ == "__main__":
    print("load average", load_average())
    for figure in fleet_embedding_figures(int(sys.argv[1]) if len(sys.argv) > 1 else TEXTS):
        print(f"{figure.subject}  {figure.name:28} {figure.median:8.2f} {figure.unit}")
    print("load average", load_average())
