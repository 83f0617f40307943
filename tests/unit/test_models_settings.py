from pathlib import Path

import pytest
from pydantic import ValidationError

from configs.models import ModelsConfig
from configs.settings import load_settings
from pipeline.errors import SettingsError

URL = "http://127.0.0.1:8000/v1"


@pytest.mark.parametrize(
    ("config", "environment", "is_remote"),
    [
        (ModelsConfig(), {}, False),
        (ModelsConfig(), {"OPENAI_API_KEY": ""}, False),
        (ModelsConfig(), {"OPENAI_API_KEY": "sk-1"}, True),
        (ModelsConfig(base_url=URL), {}, True),
        (ModelsConfig(api_key_file=Path("key")), {}, True),
        (ModelsConfig(source="embedded", base_url=URL), {"OPENAI_API_KEY": "sk-1"}, False),  # type: ignore[arg-type]
        (ModelsConfig(source="openai"), {}, True),  # type: ignore[arg-type]
    ],
)
def test_an_endpoint_is_asked_where_one_is_named_and_by_auto_where_it_can_be(
    config: ModelsConfig, environment: dict[str, str], is_remote: bool
) -> None:
    assert config.is_remote(environment) is is_remote


def test_vectors_of_two_models_or_widths_or_revisions_have_keys_of_their_own() -> None:
    base = ModelsConfig(base_url=URL, dimensions=384)
    others: list[dict[str, object]] = [
        {"embedding_model": "other"},
        {"dimensions": 512},
        {"embedding_revision": "2"},
        {"base_url": None},
    ]

    keys = {base.embedding_info.key} | {base.model_copy(update=change).embedding_info.key for change in others}

    assert len(keys) == 5


def test_an_endpoint_that_moved_serves_the_same_model() -> None:
    moved = ModelsConfig(base_url="http://127.0.0.1:9000/v1")

    assert moved.embedding_info == ModelsConfig(base_url=URL).embedding_info


def test_a_model_of_unknown_width_is_refused_with_the_setting_to_set() -> None:
    with pytest.raises(SettingsError, match=r"set models\.dimensions"):
        _ = ModelsConfig(embedding_model="bge-of-ours").embedding_info


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8000", "ftp://host/v1", "http://user:secret@host/v1", "http://host/v1?key=1"]
)
def test_an_address_is_refused_that_is_none_or_holds_a_secret(url: str) -> None:
    with pytest.raises(ValidationError, match="expected an address"):
        ModelsConfig(base_url=url)


def test_a_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"models": {"base_url": "http://user:secret@host/v1"}})

    assert "secret" not in str(caught.value)


def test_models_are_set_like_everything_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BASKETRY_MODELS__BASE_URL", URL)

    assert load_settings({"models": {"source": "openai"}}).models == ModelsConfig(source="openai", base_url=URL)  # type: ignore[arg-type]
