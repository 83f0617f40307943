"""What a call costs: prices of the bundled list, or of the settings."""

from dataclasses import dataclass
from decimal import Decimal

from genai_prices import Usage as ListedUsage
from genai_prices import calc_price

from actors.remote.usage import Usage
from configs.models import ModelsConfig
from pipeline.errors import SettingsError

MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for tokens of one model. A call is priced by itself: long ones are in a dearer tier."""

    model: str
    source: str
    """`list`, `settings`, or `unknown`: then it counts as free."""
    input_usd: Decimal = Decimal(0)
    """Of a million tokens, where the settings say so."""
    output_usd: Decimal = Decimal(0)

    def usd(self, usage: Usage) -> Decimal:
        """What a call cost."""
        if self.source != "list":
            return (self.input_usd * usage.input_tokens + self.output_usd * usage.output_tokens) / MILLION
        return _listed(
            self.model, input_tokens=usage.input_tokens, output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cached_tokens,
        )  # fmt: skip

    def most_usd(self, usage: Usage) -> Decimal:
        """What a call of so many tokens may cost at most: as if the endpoint had to put all of it into its cache."""
        if self.source != "list":
            return self.usd(usage)
        tokens = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
        return max(_listed(self.model, **tokens), _listed(self.model, **tokens, cache_write_tokens=usage.input_tokens))


def prices_of(config: ModelsConfig) -> tuple[Price, Price]:
    """The prices of the embedding model and of the chat model.

    Raises:
        SettingsError: a model of OpenAI's own endpoint that has no price in the list and none in the settings: what it
            would cost could not be kept within the budget.
    """
    budget = config.budget
    embedding = _price(config, config.embedding_model, budget.embedding_usd_per_million, Decimal(0), "embedding")
    chat = _price(
        config, config.chat_model, budget.input_usd_per_million, budget.output_usd_per_million or Decimal(0), "input"
    )
    return embedding, chat


def _price(config: ModelsConfig, model: str, input_usd: Decimal | None, output_usd: Decimal, name: str) -> Price:
    if input_usd is not None:
        return Price(model, "settings", input_usd, output_usd)
    try:
        _listed(model, input_tokens=1)
    except LookupError:
        if config.is_own:
            raise SettingsError(
                f"what {model!r} costs is not known; set models.budget.{name}_usd_per_million, or use another model"
            ) from None
        return Price(model, "unknown")
    return Price(model, "list")


def _listed(model: str, **tokens: int) -> Decimal:
    return calc_price(ListedUsage(**tokens), model, provider_id="openai").total_price
