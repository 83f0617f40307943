"""Folders of this machine and of object stores: whole files, tries again, one secret, one content."""

import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stamina
from pyarrow import fs

from actors.objects import ATTEMPTS, ObjectFolder
from actors.places import open_folder
from benchmarks.synthetic import synthetic_store
from configs.settings import load_settings
from pipeline.context.embedding import EmbeddingCache
from pipeline.errors import SettingsError, StorageError, UnreadableFileError
from pipeline.ingest.digest import content_hash
from pipeline.ingest.store import META, has_snapshot, read_customers, read_snapshot, write_snapshot
from pipeline.ports import Folder, ModelInfo
from pipeline.storage import LocalFolder, Uri, parse_place
from tests.support.object_store import Failing, s3_server

MODEL = ModelInfo("test", "model", "f" * 64, 4)


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No waiting between tries, and copies in a folder of the test's own."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with stamina.set_testing(True, attempts=ATTEMPTS):
        yield


@pytest.fixture(scope="module")
def s3() -> Iterator[Uri]:
    with s3_server() as uri:
        yield uri


@pytest.fixture(params=["local", "objects", "s3"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    """The same folder, three times."""
    if request.param == "local":
        return LocalFolder(tmp_path / "data")
    if request.param == "objects":
        return failing(tmp_path)[0]
    uri: Uri = request.getfixturevalue("s3")
    return open_folder(uri / tmp_path.name)


def failing(tmp_path: Path, failures: int = 0, error: OSError | None = None) -> tuple[ObjectFolder, Failing]:
    handler = Failing(tmp_path / "objects", failures, error)
    (tmp_path / "objects").mkdir(exist_ok=True)
    return ObjectFolder(Uri("s3://bucket/data"), fs.PyFileSystem(handler)), handler


def test_what_is_written_is_read_listed_and_removed(folder: Folder) -> None:
    folder.write("a", b"one")
    folder.write("a", b"two")
    folder.write("b", b"")
    (folder / "inner").write("c", b"three")

    assert folder.names() == ["a", "b"]
    assert [folder.read(name).to_pybytes() for name in ("a", "b")] == [b"two", b""]
    assert (folder / "inner").read("c", keep=True).to_pybytes() == b"three"
    folder.remove("a")
    folder.remove("a")
    assert folder.names() == ["b"]


def test_a_file_that_is_not_there_is_said_to_be_missing(folder: Folder) -> None:
    assert (folder / "nowhere").names() == []
    with pytest.raises(FileNotFoundError):
        folder.read("nothing")


def test_the_first_secret_counts_for_all(folder: Folder) -> None:
    first = folder.write_first("salt", b"one")

    with ThreadPoolExecutor(4) as pool:
        later = list(pool.map(lambda _: folder.write_first("salt", b"another"), range(8)))

    assert {first, *later} == {b"one"}


def test_writers_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path / "data")
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda number: folder.write_first("salt", bytes([number]) * 32), range(64)))

    assert len(found) == 1
    assert stat.S_IMODE((tmp_path / "data" / "salt").stat().st_mode) == 0o600
    assert folder.names() == ["salt"]


def test_a_snapshot_comes_back_from_wherever_it_was_written(folder: Folder) -> None:
    made = synthetic_store(orders=200, products=40)
    snapshot = replace(made, sha256=content_hash(made.currency, made.catalog, made.orders))
    customers = tuple(f"{rank:064x}" for rank in range(3))

    home = folder / write_snapshot(snapshot, customers, folder)

    found = read_snapshot(home)
    assert (found.store, found.sha256, read_customers(home)) == (snapshot.store, snapshot.sha256, customers)
    assert np.array_equal(found.orders.item, snapshot.orders.item)


def test_a_snapshot_is_there_only_when_all_of_it_is(folder: Folder) -> None:
    made = synthetic_store(orders=50, products=20)
    snapshot = replace(made, sha256=content_hash(made.currency, made.catalog, made.orders))
    home = folder / write_snapshot(snapshot, (), folder)

    home.remove(META)
    assert not has_snapshot(home)
    with pytest.raises(UnreadableFileError, match="no readable snapshot"):
        read_snapshot(home)

    write_snapshot(snapshot, (), folder)
    assert read_snapshot(home).sha256 == snapshot.sha256


def test_vectors_are_shared_by_all_who_open_the_same_folder(folder: Folder) -> None:
    writer, reader = EmbeddingCache(folder, MODEL), EmbeddingCache(folder, MODEL)
    texts = [f"text {number}" for number in range(60)]
    vectors = np.eye(4, dtype=np.float32)[np.arange(60) % 4]

    assert reader.missing(texts) == texts
    for at in range(60):  # more files than may lie beside each other: they are merged on the way
        writer.put(texts[at : at + 1], vectors[at : at + 1])

    found, known = reader.get(texts)
    assert known.all()
    assert np.array_equal(found, vectors)


def test_a_copy_on_this_machine_is_read_while_the_object_store_is_away(tmp_path: Path) -> None:
    folder, handler = failing(tmp_path)
    folder.write("never-changes", b"content")
    folder.read("never-changes", keep=True)
    handler.failures = 1000

    assert folder.read("never-changes", keep=True).to_pybytes() == b"content"


@pytest.mark.parametrize(
    "use",
    [
        lambda folder: folder.read("a"),
        lambda folder: folder.write("a", b"2"),
        lambda folder: folder.names(),
        lambda folder: folder.remove("a"),
    ],
    ids=["read", "write", "list", "remove"],
)
def test_an_object_store_that_fails_three_times_is_asked_a_fourth_time(
    tmp_path: Path, use: Callable[[ObjectFolder], Any]
) -> None:
    folder, handler = failing(tmp_path)
    folder.write("a", b"1")
    handler.failures = ATTEMPTS - 1
    before = len(handler.asked)

    use(folder)

    assert len(handler.asked) - before == ATTEMPTS


def test_an_object_store_that_goes_on_failing_is_told_in_one_sentence(tmp_path: Path) -> None:
    folder, handler = failing(tmp_path, failures=1000)

    with pytest.raises(StorageError) as failure:
        folder.read("a")

    assert len(handler.asked) == ATTEMPTS
    assert "could not read a in s3://bucket/data after 4 tries (AWS Error SLOW_DOWN" in str(failure.value)
    assert "\n" not in str(failure.value)


def test_an_object_store_that_lets_us_do_nothing_is_asked_once(tmp_path: Path) -> None:
    folder, handler = failing(tmp_path, failures=1000, error=OSError("AWS Error ACCESS_DENIED during GetObject"))

    with pytest.raises(StorageError, match="and will not"):
        folder.read("a")

    assert len(handler.asked) == 1


def test_an_outage_is_not_taken_for_a_damaged_snapshot(tmp_path: Path) -> None:
    folder, _ = failing(tmp_path, failures=1000)

    with pytest.raises(StorageError):
        read_snapshot(folder / "abc")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("shops", Path("shops")),
        ("/var/shops", Path("/var/shops")),
        ("file:///var/my%20shops", Path("/var/my shops")),
        ("s3://bucket", Uri("s3://bucket")),
        ("gs://bucket/a/b/", Uri("gs://bucket/a/b")),
        ("s3://bucket/a?region=x&scheme=http", Uri("s3://bucket/a", "region=x&scheme=http")),
    ],
)
def test_a_place_is_a_folder_or_a_uri(text: str, place: object) -> None:
    assert parse_place(text) == place
    assert parse_place(parse_place(text)) == place
    assert parse_place(str(parse_place(text))) == place


def test_a_place_within_a_uri_keeps_its_options() -> None:
    within = Uri("s3://bucket/a", "region=x") / "b" / "c"

    assert (str(within), within.name, str(within.parent)) == (
        "s3://bucket/a/b/c?region=x",
        "c",
        "s3://bucket/a/b?region=x",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http://host/x", "http:// is no place for data; expected a folder, s3://BUCKET/… or gs://BUCKET/…"),
        ("s3:///x", "s3:// is no place for data"),
        ("s3://key:secret@bucket/x", "a URI with credentials in it; give them as AWS_ACCESS_KEY_ID"),
        ("s3://bucket/x?secret_key=s", "a URI with credentials in it"),
    ],
)
def test_a_data_dir_that_is_no_place_is_refused(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        load_settings({"data_dir": text})

    assert said in str(refusal.value)


def test_settings_take_a_uri_and_want_a_database_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASKETRY_DATA_DIR", "s3://bucket/shops?region=eu-central-1")
    settings = load_settings()

    assert settings.data_dir == Uri("s3://bucket/shops", "region=eu-central-1")
    assert settings.model_dump(mode="json")["data_dir"] == "s3://bucket/shops?region=eu-central-1"
    with pytest.raises(SettingsError, match="data_dir is s3://bucket/shops, an object store, where no database can be"):
        _ = settings.database
    assert load_settings({"database_url": "sqlite:///x.db"}).database == "sqlite:///x.db"
