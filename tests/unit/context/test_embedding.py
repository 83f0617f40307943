import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.context import segments
from pipeline.context.embedding import (
    EmbeddingCache,
    catalog_texts,
    length_batches,
    product_text,
)
from pipeline.errors import EmbeddingError
from pipeline.ingest.snapshot import Catalog
from pipeline.ports import ModelInfo

MODEL = ModelInfo("test", "model", "f" * 64, 8)


def unit_vectors(texts: list[str], width: int = 8) -> NDArray[np.float32]:
    seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) for text in texts]
    raw = np.array([np.random.default_rng(seed).normal(size=width) for seed in seeds]).reshape(len(texts), width)
    return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True), dtype=np.float32)


def catalog(titles: list[str], categories: list[str], descriptions: list[str]) -> Catalog:
    count, names = len(titles), sorted(set(categories))
    blank, zeros, unknown = pa.array([""] * count), np.zeros(count, dtype=np.int32), np.full(count, np.nan)
    return Catalog(
        sku=pa.array([f"S{row}" for row in range(count)]),
        title=pa.array(titles),
        description=pa.array(descriptions),
        tags=blank,
        image_url=blank,
        product_id=blank,
        family=zeros,
        category=np.array([names.index(name) for name in categories], dtype=np.int32),
        vendor=zeros,
        categories=pa.array(names, type=pa.string()),
        vendors=pa.array([""]),
        price=unknown,
        compare_at=unknown,
        cost=unknown,
        stock=unknown,
        created_day=zeros,
        is_sellable=np.ones(count, dtype=np.bool_),
    )


def files_of(root: Path) -> list[Path]:
    return sorted(root.rglob("*.vectors"))


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(max_size=9), st.sampled_from(["Mugs", "uncategorised", ""]), st.text(max_size=150))))
def test_a_catalog_says_what_its_products_say_one_by_one(products: list[tuple[str, str, str]]) -> None:
    titles, categories, descriptions = ([product[part] for product in products] for part in range(3))

    texts = catalog_texts(catalog(titles, categories, descriptions))

    assert texts == [product_text(*product) for product in products]


def test_a_product_says_title_category_and_the_start_of_its_description() -> None:
    text = product_text("Rose Mug", "Kitchen", "a" * 250)

    assert text == "Rose Mug. Kitchen. " + "a" * 100


def test_batches_hold_each_text_once_and_neighbours_in_length() -> None:
    texts = ["aaaa", "b", "cc", "d", "eee"]

    batches = length_batches(texts, 2)

    assert batches == [[1, 3], [2, 4], [0]]


def test_what_was_put_is_read_back_by_another_process_to_the_bit(tmp_path: Path) -> None:
    texts = [f"product {number}" for number in range(300)]
    vectors = unit_vectors(texts)
    EmbeddingCache(tmp_path, MODEL).put(texts, vectors)

    found, is_known = EmbeddingCache(tmp_path, MODEL).get(["unseen", *reversed(texts), texts[5]])

    assert is_known.tolist() == [False] + [True] * 301
    assert (found[1:301] == vectors[::-1]).all()
    assert (found[301] == vectors[5]).all()


def test_a_reader_sees_what_another_wrote_after_it_was_opened(tmp_path: Path) -> None:
    reader = EmbeddingCache(tmp_path, MODEL)
    before = reader.missing(["mug", "cup", "mug"])

    EmbeddingCache(tmp_path, MODEL).put(["mug"], unit_vectors(["mug"]))

    assert before == ["mug", "cup"]
    assert reader.missing(["mug", "cup", "mug"]) == ["cup"]


def test_vectors_of_two_models_never_mix(tmp_path: Path) -> None:
    other = ModelInfo("test", "model", "e" * 64, 8)
    EmbeddingCache(tmp_path, MODEL).put(["mug"], unit_vectors(["mug"]))

    assert EmbeddingCache(tmp_path, other).missing(["mug"]) == ["mug"]


def test_a_model_with_a_path_for_a_name_stays_in_the_folder(tmp_path: Path) -> None:
    model = ModelInfo("openai", "../../vendor/model:1", "x", 8)

    EmbeddingCache(tmp_path / "cache", model).put(["mug"], unit_vectors(["mug"]))

    assert len(list((tmp_path / "cache").iterdir())) == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "cache"]


@pytest.mark.parametrize(
    ("vectors", "complaint"),
    [
        (np.zeros((2, 8)), "no unit vectors"),
        (np.full((2, 8), np.nan), "no unit vectors"),
        (np.eye(2, 7), "shape"),
        (np.eye(1, 8), "shape"),
        (np.array([[1.0] + [0.0] * 7, [np.inf] + [0.0] * 7]), "1 of 2"),
    ],
)
def test_vectors_that_no_model_makes_are_refused_and_nothing_is_kept(
    tmp_path: Path, vectors: NDArray[np.float64], complaint: str
) -> None:
    cache = EmbeddingCache(tmp_path, MODEL)

    with pytest.raises(EmbeddingError, match=complaint):
        cache.put(["mug", "cup"], vectors.astype(np.float32))

    assert cache.missing(["mug", "cup"]) == ["mug", "cup"]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_byte_costs_a_vector_and_never_gives_a_wrong_one(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("cache")
    texts = [f"product {number}" for number in range(6)]
    EmbeddingCache(root, MODEL).put(texts, unit_vectors(texts))
    path = files_of(root)[0]
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)

    found, is_known = EmbeddingCache(root, MODEL).get(texts)

    assert not is_known.all()
    assert (found[is_known] == unit_vectors(texts)[is_known]).all()


@pytest.mark.parametrize("kept_bytes", [0, 10, 24, 200, 431])
def test_a_torn_file_is_ignored_and_its_texts_are_embedded_again(tmp_path: Path, kept_bytes: int) -> None:
    texts = [f"product {number}" for number in range(6)]
    cache = EmbeddingCache(tmp_path, MODEL)
    cache.put(texts, unit_vectors(texts))
    path = files_of(tmp_path)[0]
    path.write_bytes(path.read_bytes()[:kept_bytes])
    fresh = EmbeddingCache(tmp_path, MODEL)
    lost = fresh.missing(texts)

    fresh.put(texts, unit_vectors(texts))

    assert lost == texts
    assert fresh.missing(texts) == []


def test_a_file_of_zeros_is_no_vector(tmp_path: Path) -> None:
    texts = ["mug", "cup"]
    EmbeddingCache(tmp_path, MODEL).put(texts, unit_vectors(texts))
    path = files_of(tmp_path)[0]
    content = path.read_bytes()
    head = segments.HEADER.size + 32 * len(texts)
    path.write_bytes(content[:head] + bytes(len(content) - head))

    assert EmbeddingCache(tmp_path, MODEL).missing(texts) == texts


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    texts = [[f"writer {writer}, product {number}" for number in range(80)] for writer in range(4)]

    def write(own: list[str]) -> None:
        cache = EmbeddingCache(tmp_path, MODEL)
        for text in own:
            cache.put([text], unit_vectors([text]))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, texts))

    everything = [text for own in texts for text in own]
    found, is_known = EmbeddingCache(tmp_path, MODEL).get(everything)
    assert is_known.all()
    assert (found == unit_vectors(everything)).all()


def test_many_small_files_become_few_and_nothing_is_lost(tmp_path: Path) -> None:
    cache, reader = EmbeddingCache(tmp_path, MODEL), EmbeddingCache(tmp_path, MODEL)
    texts = [f"product {number}" for number in range(120)]
    for text in texts:
        cache.put([text], unit_vectors([text]))
        reader.get([text])

    found, is_known = reader.get(texts)

    assert len(files_of(tmp_path)) <= segments.MAX_SMALL_SEGMENTS + 1
    assert is_known.all()
    assert (found == unit_vectors(texts)).all()
    assert not list(tmp_path.rglob("*.partial"))
