"""`basketry fleet embed` as a user runs it: all stores, none twice, one that is refused does not stop the others."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from actors.minilm import MiniLM
from pipeline.context.embedding import EmbeddingCache
from tests.support.processes import Finished, basketry, finish, start

pytestmark = pytest.mark.cluster

WAIT_S = 120.0


def lay_out(folder: Path, *, stores: int, products: int) -> list[str]:
    """Stores of which neighbours share half of their titles; every title."""
    titles = [
        f"Enamel {number} kettle in {number * 7919 % 104729} colours" for number in range(products * (stores + 1))
    ]
    for store in range(stores):
        own = titles[store * products // 2 : store * products // 2 + products]
        (folder / f"shop-{store}").mkdir(parents=True)
        rows = "".join(f"S{row},{title},4.00\n" for row, title in enumerate(own))
        (folder / f"shop-{store}" / "products.csv").write_text(f"sku,title,price\n{rows}")
    return titles[: (stores + 1) * products // 2]


def embed(folder: Path, home: Path, ray_local: str) -> Finished:
    return basketry("fleet", "embed", folder, "--data-dir", home / "data", "--address", ray_local, "--json", cwd=home)


def missing(titles: list[str], home: Path) -> list[str]:
    return EmbeddingCache(home / "data" / "vectors", MiniLM().info).missing(titles)


def test_every_text_of_every_store_is_embedded_and_a_second_time_none(ray_local: str, tmp_path: Path) -> None:
    titles = lay_out(tmp_path / "fleet", stores=6, products=40)
    (tmp_path / "fleet" / "broken").mkdir()
    (tmp_path / "fleet" / "broken" / "what.csv").write_text("a,b\n1,2\n")

    first = embed(tmp_path / "fleet", tmp_path, ray_local)
    second = embed(tmp_path / "fleet", tmp_path, ray_local)

    assert (first.code, second.code) == (3, 3), first.err
    assert first.json["stores"] == 7
    assert list(first.json["refused"]) == ["broken"]
    assert first.json["embedded"] >= len(titles)
    assert (second.json["embedded"], second.json["skipped"]) == (0, 0)
    assert missing(titles, tmp_path) == []


def test_what_was_embedded_before_a_kill_is_not_embedded_again(ray_local: str, tmp_path: Path) -> None:
    titles = lay_out(tmp_path / "fleet", stores=8, products=250)
    flags = ("fleet", "embed", tmp_path / "fleet", "--data-dir", tmp_path / "data", "--address", ray_local, "--json")
    process = start(*flags, cwd=tmp_path)
    until = time.monotonic() + WAIT_S
    while len(missing(titles, tmp_path)) == len(titles) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    finish(process)
    left = missing(titles, tmp_path)

    rest = embed(tmp_path / "fleet", tmp_path, ray_local)

    assert 0 < len(left) < len(titles), "the kill came too early or too late to show anything"
    assert rest.code == 0, rest.err
    assert len(left) <= rest.json["embedded"] <= 2 * len(left)  # two stores may ask for a title at the same time
    assert missing(titles, tmp_path) == []


def test_a_folder_without_stores_is_refused(ray_local: str, tmp_path: Path) -> None:
    (tmp_path / "fleet").mkdir()

    finished = embed(tmp_path / "fleet", tmp_path, ray_local)

    assert finished.code == 2
    assert "no sub-folder; expected one for each store" in finished.err
    assert not json.loads(finished.out or "{}")
