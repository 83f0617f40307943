"""What a text model is asked to write, and what its words may hold: ten bundles in one question."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipeline.offers.config import WordsConfig
from pipeline.offers.english import money, percent
from pipeline.offers.facts import Facts
from pipeline.offers.guard import Allowed, words_of
from pipeline.offers.titles import clean_title
from pipeline.ports import Prompt
from pipeline.prompts import Form, question, speaks_to_models, told

PURPOSE, VERSION = "words", "1"
BATCH = 10
"""Bundles of one question."""
TOKENS_EACH = 220
"""Tokens that the words of one bundle may take."""

THEME_WORDS = words_of(
    "a an all and any around as at by do for from go in into it its less more of on one or our own the this to "
    "together up with you your bundle box set kit pack pair duo trio quartet collection gift edit essential "
    "selection ensemble favourite favorite companion combo match mix pick choice choose starter little everyday "
    "daily morning afternoon evening weekend home table kitchen garden season seasonal cosy cozy classic simple "
    "warm bright sweet fresh happy lovely handy ready well made moment treat refill restock routine corner time "
    "day night party celebration stack stock new spring summer autumn winter christmas easter halloween value "
    "smart style family friend ideal perfect matching mixed matched complete whole deal offer bundled good great "
)
"""Words that the name of a bundle may hold beside those of its facts, where the language is English."""

ROLE = (
    "You write for an online shop. For each bundle in the data write: name (at most {name} characters), tagline "
    "(at most {tagline}), description (at most {description}, for the customer), customer_value (one sentence for "
    "the merchant: what the customer has of it) and business_reason (one sentence: why the merchant wants it). "
    "Language: {language}. Tone: {tone}. Plain text: no links, HTML, markdown, emoji or lists. Use no figure, "
    "amount or percentage that is not in the bundle's own facts, and write figures as they stand there. Name no "
    "product that is not in the bundle; capitals are for the products' own titles. A name is made of words of the "
    "titles, category and season and of plain words such as set, duo, kit, gift, box, everyday, cosy, together. "
    "Claim nothing that is not in the facts: no health, guarantee, quality, origin, best, cheapest, free, "
    "shipping, scarcity, ratings; speak of saving only where discount is given. Say every sentence once. Answer "
    "each bundle by its index."
)

REPAIR = (
    "Your earlier words for these bundles were refused; refused says why, for each. Write all five fields again "
    "without that."
)


class WrittenItem(Form):
    """Words for one bundle."""

    index: int
    name: str
    tagline: str
    description: str
    customer_value: str
    business_reason: str


class WrittenBatch(Form):
    """The answer to a question for words."""

    items: list[WrittenItem]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and the bundles it is about."""

    prompt: Prompt
    rows: tuple[int, ...]
    """Position of each in the list of facts, by its index in the question."""


def words_prompts(facts: Sequence[Facts], config: WordsConfig, refused: dict[int, str] | None = None) -> list[Asked]:
    """Questions for the words of a list of bundles, ten in each.

    A bundle with a title that speaks to models is not asked about: it keeps its template.

    Args:
        facts: The bundles, in the order they are shown.
        config: Lengths, tone, language.
        refused: For a repair: why the words of some bundles were refused, by position. Only they are asked about.
    """
    rows = [row for row in range(len(facts)) if refused is None or row in refused]
    rows = [row for row in rows if not any(speaks_to_models(p.title) for p in facts[row].products)]
    role = ROLE.format(
        name=config.name_length, tagline=config.tagline_length, description=config.description_length,
        language=config.language, tone=config.tone,
    )  # fmt: skip
    asked = []
    for at in range(0, len(rows), BATCH):
        part = rows[at : at + BATCH]
        items = [_item(index, facts[row], (refused or {}).get(row, "")) for index, row in enumerate(part)]
        text = f"{role} {REPAIR}" if refused else role
        prompt = question(PURPOSE, VERSION, text, {"bundles": items}, WrittenBatch, TOKENS_EACH * len(part))
        asked.append(Asked(prompt, tuple(part)))
    return asked


def _item(index: int, facts: Facts, refused: str) -> dict[str, Any]:
    """One bundle as data: its facts as they are to be written."""
    currency = facts.currency
    item: dict[str, Any] = {
        "index": index,
        "type": str(facts.type),
        "objective": str(facts.objective),
        "products": [
            {"title": told(product.title), "category": told(product.category), "quantity": product.quantity}
            for product in facts.products
        ],
        "price": money(facts.price, currency),
    }
    if facts.discount_pct > 0:
        item |= {"list_price": money(facts.list_price, currency), "discount": percent(facts.discount_pct)}
    optional = {
        "pick": facts.pick,
        "discount_on_second": percent(facts.get_discount_pct) if facts.get_discount_pct else None,
        "breaks": [f"{quantity} or more at {money(unit, currency)} each" for quantity, unit, _ in facts.breaks],
        "season": facts.season,
        "orders_with_bundle": facts.count,
        "orders_with_first": facts.anchor_orders,
        "times_more_than_chance": round(facts.shrunk_lift, 1) if facts.shrunk_lift else None,
        "customers_who_came_back": facts.repeat_customers,
        "is_new": told(facts.new_sku_title or ""),
        "is_slow": told(facts.slow_sku_title or ""),
        "refused": refused,
    }
    return item | {name: value for name, value in optional.items() if value}


def allowed_of(facts: Facts, others: Collection[tuple[str, ...]], language: str, *, for_merchant: bool) -> Allowed:
    """What words about a bundle may hold.

    Args:
        facts: The bundle.
        others: `title_key` of every title of the store of two words or more.
        language: Of the words.
        for_merchant: Whether figures of orders may be spoken of, too.
    """
    titles = tuple(
        form for p in facts.products for form in (told(p.title), clean_title(p.title, 48), clean_title(p.title, 300))
    )
    told_texts = (*titles, *(told(p.category) for p in facts.products), facts.season or "")
    amounts = {facts.price, facts.list_price, facts.list_price - facts.price}
    amounts |= {product.price for product in facts.products} | {unit for _, unit, _ in facts.breaks}
    percents = {facts.discount_pct, facts.get_discount_pct or Decimal(0), *(off for _, _, off in facts.breaks)}
    counts = {Decimal(len(facts.products)), *(Decimal(p.quantity) for p in facts.products)}
    counts |= {Decimal(facts.pick)} if facts.pick else set()
    counts |= {Decimal(quantity) for quantity, _, _ in facts.breaks}
    if for_merchant:
        lift = [Decimal(str(round(facts.shrunk_lift, 1)))] if facts.shrunk_lift else []
        figures = (facts.count, facts.anchor_orders, facts.repeat_customers)
        counts |= {*(Decimal(figure) for figure in figures if figure), *lift}
    english = language.startswith("en")
    themes = THEME_WORDS if english else frozenset[str]()
    return Allowed(
        titles=titles,
        vocabulary=words_of(*told_texts) | themes,
        amounts=frozenset(value.normalize() for value in amounts),
        percents=frozenset(value.normalize() for value in percents if value),
        counts=frozenset(value.normalize() for value in counts),
        currency=facts.currency,
        has_discount=facts.discount_pct > 0 or bool(facts.breaks),
        others=others,
        knows_capitals=not language.startswith("de"),
    )
