import ast
import inspect
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import BaseModel

from configs.origins import reference
from configs.settings import Settings, load_settings
from pipeline.config import RunConfig
from pipeline.errors import SettingsError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, so that no file of the machine speaks."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_anything_said_the_defaults_hold() -> None:
    found = load_settings()

    assert found.run == RunConfig()
    assert found.data_dir == Path(".basketry")


def test_a_flag_beats_the_environment_which_beats_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "basketry.yaml").write_text("portfolio:\n  limit: 5\n  demand: 0.1\nseed: 9\n")
    monkeypatch.setenv("BASKETRY_PORTFOLIO__LIMIT", "6")
    monkeypatch.setenv("BASKETRY_SEED", "8")

    found = load_settings({"seed": 7, "portfolio": {"limit": None}})

    assert (found.seed, found.portfolio.limit, found.portfolio.demand) == (7, 6, 0.1)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"portfolio": {"limt": 3}}, "no setting is called portfolio.limt; did you mean portfolio.limit?"),
        ({"portfoliio": {"limit": 3}}, "no setting is called portfoliio; did you mean portfolio?"),
        ({"xyzzy": 1}, "no setting is called xyzzy"),
    ],
)
def test_a_key_nobody_knows_is_refused_with_the_nearest_name(flags: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(flags)

    assert str(caught.value) == message


def test_a_wrong_key_of_the_file_is_refused_too(folder: Path) -> None:
    (folder / "basketry.yaml").write_text("minning:\n  window_days: 30\n")

    with pytest.raises(SettingsError, match="no setting is called minning; did you mean mining"):
        load_settings()


def test_a_wrong_name_in_the_environment_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASKETRY_PORTFOLIO__LIMT", "3")

    with pytest.raises(SettingsError, match=r"no setting is called portfolio\.limt; did you mean portfolio\.limit"):
        load_settings()


def test_a_wrong_first_name_in_the_environment_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASKETRY_SEEED", "3")

    with pytest.raises(SettingsError, match="no setting is called seeed; did you mean seed"):
        load_settings()


def test_a_group_in_the_environment_that_is_no_json_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASKETRY_PORTFOLIO", "limit 3")

    with pytest.raises(SettingsError, match="portfolio"):
        load_settings()


def test_a_value_out_of_range_says_what_was_found() -> None:
    with pytest.raises(SettingsError, match=r"setting portfolio\.limit: .*greater than or equal to 1, found 0"):
        load_settings({"portfolio": {"limit": 0}})


@pytest.mark.parametrize("text", ["seed: [1\n", "just words\n", "- 1\n"])
def test_a_file_that_is_no_settings_file_is_refused_by_name(folder: Path, text: str) -> None:
    (folder / "basketry.yaml").write_text(text)

    with pytest.raises(SettingsError, match=r"basketry\.yaml"):
        load_settings()


def test_where_things_are_kept_changes_no_result() -> None:
    here, there = load_settings(), load_settings({"data_dir": "/elsewhere", "cluster": {"workers": 3}})

    assert there.run.sha256() == here.run.sha256()
    assert load_settings({"seed": 1}).run.sha256() != here.run.sha256()


def test_the_database_lies_in_the_data_folder_unless_it_is_named(folder: Path) -> None:
    assert load_settings().database == f"sqlite:///{folder}/.basketry/basketry.db"
    assert load_settings({"database_url": "postgresql+psycopg://u@h/d"}).database == "postgresql+psycopg://u@h/d"


def test_the_page_of_settings_is_that_of_the_settings() -> None:
    page = Path(__file__).parents[2] / "docs" / "settings.md"

    assert page.read_text(encoding="utf-8") == reference(), "run `make docs`"


def test_every_setting_has_a_line_of_its_own() -> None:
    assert [*_undocumented(Settings, ""), *_undocumented(RunConfig, "")] == []


def _undocumented(model: type[BaseModel], path: str) -> Iterator[str]:
    """Names of settings without a docstring under them."""
    body = ast.parse(inspect.getsource(model)).body[0]
    assert isinstance(body, ast.ClassDef)
    for node, after in pairwise([*body.body, ast.Pass()]):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        kind = model.model_fields[node.target.id].annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _undocumented(kind, f"{path}{node.target.id}.")
        elif not (isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)):
            yield path + node.target.id
