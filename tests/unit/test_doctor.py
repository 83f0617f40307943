"""What the doctor finds on a machine, and what it tells to do."""

from pathlib import Path

import pytest

from cluster.commands.checks import check_clock, check_cluster, check_token, check_writing
from cluster.commands.doctor import _database
from configs.settings import Settings, load_settings
from tests.support.postgres import Server


def _settings(data_dir: Path, address: str | None = None) -> Settings:
    return load_settings({"data_dir": data_dir, "cluster": {"address": address}})


@pytest.fixture(autouse=True)
def _no_ray_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_ADDRESS", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)


def test_a_folder_that_is_not_there_yet_can_be_made(tmp_path: Path) -> None:
    found = check_writing(_settings(tmp_path / "new" / "data"))

    assert found.ok
    assert "the first run makes data" in found.found
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_inside_a_file_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    found = check_writing(_settings(tmp_path / "file" / "data"))

    assert not found.ok
    assert "BASKETRY_DATA_DIR" in found.advice


def test_this_machine_knows_what_day_it_is(tmp_path: Path) -> None:
    assert check_clock(_settings(tmp_path)).ok


def test_a_local_ray_needs_no_token_and_no_cluster(tmp_path: Path) -> None:
    settings = _settings(tmp_path)

    assert check_token(settings).ok
    assert check_cluster(settings).ok


def test_a_client_of_a_cluster_needs_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings(tmp_path, "10.0.0.1:6379")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))

    missing = check_token(settings)
    (tmp_path / "token").write_text("secret-word")
    there = check_token(settings)

    assert not missing.ok
    assert "RAY_AUTH_TOKEN_PATH" in missing.advice
    assert there.ok
    assert "secret-word" not in there.found


def test_a_cluster_where_nobody_listens_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")

    found = check_cluster(_settings(tmp_path, "127.0.0.1:1"))

    assert not found.ok
    assert "127.0.0.1:1" in found.found


def test_a_role_that_row_level_security_does_not_bind_is_in_the_way(postgres: Server, migrated: str) -> None:
    name = postgres.create(migrated)

    bound = _database(load_settings({"database_url": postgres.url(name)}))
    unbound = _database(load_settings({"database_url": postgres.url(name, user="admin")}))

    assert bound.ok
    assert not unbound.ok
    assert "does not bind role 'admin'" in unbound.found
    assert "BYPASSRLS" in unbound.advice
