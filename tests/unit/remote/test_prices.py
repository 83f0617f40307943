from decimal import Decimal

import pytest

from actors.remote.prices import prices_of
from actors.remote.usage import Usage
from configs.models import BudgetConfig, ModelsConfig
from pipeline.errors import SettingsError


def test_the_default_models_cost_what_the_list_says() -> None:
    embedding, chat = prices_of(ModelsConfig())

    assert embedding.usd(Usage(1_000_000)) == Decimal("0.02")
    assert chat.usd(Usage(1_000, 100)) == Decimal("0.00015")
    assert chat.usd(Usage(1_000, 100, 800)) == Decimal("0.000078")


def test_a_long_question_is_priced_in_its_dearer_tier() -> None:
    _, chat = prices_of(ModelsConfig())

    assert chat.usd(Usage(1_000_000)) > 10 * chat.usd(Usage(100_000))


def test_the_worst_case_is_never_below_the_cost() -> None:
    _, chat = prices_of(ModelsConfig())

    for cached in (0, 500, 1_000):
        assert chat.most_usd(Usage(1_000, 100)) >= chat.usd(Usage(1_000, 100, cached))


def test_an_unknown_model_of_one_s_own_endpoint_is_free_and_marked_so() -> None:
    _, chat = prices_of(ModelsConfig(base_url="http://127.0.0.1:1/v1", chat_model="llama-of-ours"))

    assert (chat.source, chat.usd(Usage(10_000, 10_000))) == ("unknown", Decimal(0))


def test_a_price_of_the_settings_goes_before_the_list() -> None:
    budget = BudgetConfig(input_usd_per_million=Decimal(2), output_usd_per_million=Decimal(4))
    _, chat = prices_of(ModelsConfig(budget=budget))

    assert chat.usd(Usage(500_000, 250_000)) == Decimal(2)


def test_an_unknown_model_of_openai_is_refused_since_its_cost_could_not_be_kept() -> None:
    with pytest.raises(SettingsError, match=r"models\.budget\.input_usd_per_million"):
        prices_of(ModelsConfig(chat_model="gpt-99-nobody"))
