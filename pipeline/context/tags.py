"""Product tags: what a text model, or likeness to described labels, says that figures can't.

Facts decide what they know. A tag stands in where no fact is (`inferred.py`), at half weight.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.columns import Columns
from pipeline.context.config import TagsConfig
from pipeline.context.seasons import SEASONS
from pipeline.ingest.snapshot import Catalog
from pipeline.ports import Prompt
from pipeline.prompts import Answer, Form, as_answer, named, question, told

PURPOSE, VERSION = "tags", "1"
TOKENS_EACH = 60
NO_SEASON = -1

SeasonName = Literal[
    "none", "Christmas", "Halloween", "Easter", "Valentine's Day", "Mother's Day", "Father's Day", "summer",
    "back to school", "winter",
]  # fmt: skip
Audience = Literal["anyone", "women", "men", "children", "babies", "pets", "businesses"]
Use = Literal[
    "food and drink", "kitchen", "home decor", "garden", "beauty and health", "clothing", "toys and play", "stationery",
    "tools", "sports", "electronics", "party", "other",
]  # fmt: skip

ROLE = (
    "You tag products of an online shop by what their titles and categories say. For each product in the data: gift "
    "(would people give it as a present), season (the one it is made for, else none), replenishable (is it used up and "
    "bought again), premium (is it of a kind that earns an above-average margin), slow (is it of a kind that few "
    "customers look for), new (does the text say that it is new), audience, use. Where the text does not tell, answer "
    "false, none, anyone, other. Answer each product by its index."
)


class Tagged(Form):
    """What is said of one product."""

    gift: bool
    season: SeasonName
    replenishable: bool
    premium: bool
    slow: bool
    new: bool
    audience: Audience
    use: Use


class TaggedItem(Tagged):
    """The same in an answer."""

    index: int


class TaggedBatch(Form):
    """The answer to a question for tags."""

    items: list[TaggedItem]


@dataclass(frozen=True)
class Tags(Columns):
    """Tags of `n` SKUs. Columns `(n,)`."""

    gift: NDArray[np.bool_]
    season: NDArray[np.int8]
    """Position in `SEASONS`; −1 for none."""
    replenishable: NDArray[np.bool_]
    premium: NDArray[np.bool_]
    slow: NDArray[np.bool_]
    new: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TagQuestion:
    """A question for tags, and the texts it is about."""

    prompt: Prompt
    texts: tuple[str, ...]
    """By index in the question."""


def tag_text(title: str, category: str) -> str:
    """What a model is told of a product.

    >>> tag_text("Rose Mug", "Cups"), tag_text("Rose Mug", "")
    ('Rose Mug (Cups)', 'Rose Mug')
    """
    line = told(category)
    return f"{named(title, category)} ({line})" if line else named(title, category)


def tag_texts(catalog: Catalog) -> list[str]:
    """`tag_text` of each SKU: the key under which its tags are kept, with `VERSION` and the model."""
    categories = catalog.categories.to_pylist()
    rows = zip(catalog.title.to_pylist(), catalog.category.tolist(), strict=True)
    return [tag_text(title, categories[category]) for title, category in rows]


def tag_prompts(texts: Sequence[str], config: TagsConfig) -> list[TagQuestion]:
    """Questions for the tags of `texts`, each text once, at most `config.batch` in each, whatever their order."""
    asked = []
    for part in _batches(texts, config.batch):
        data = {"products": [{"index": index, "title": text} for index, text in enumerate(part)]}
        asked.append(TagQuestion(question(PURPOSE, VERSION, ROLE, data, TaggedBatch, TOKENS_EACH * len(part)), part))
    return asked


def _batches(texts: Sequence[str], size: int) -> list[tuple[str, ...]]:
    """Each text once, in batches whose ends hang on the texts near them.

    So a product that comes or goes changes the questions about its neighbours alone, and the answers to all others are
    the ones that were kept.
    """
    digests = {text: hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts}
    least = size * 3 // 5
    parts: list[list[str]] = [[]]
    for text in sorted(digests, key=lambda text: digests[text]):
        parts[-1].append(text)
        is_an_end = digests[text][-1] % max(1, size - least) == 0
        if len(parts[-1]) >= size or (len(parts[-1]) >= least and is_an_end):
            parts.append([])
    return [tuple(part) for part in parts if part]


def read_tags(asked: Sequence[TagQuestion], answers: Sequence[Answer]) -> dict[str, Tagged]:
    """Tags by text; unknown indices are dropped, and of two answers for one product the first counts."""
    known: dict[str, Tagged] = {}
    for one, answer in zip(asked, answers, strict=True):
        batch = as_answer(answer, TaggedBatch)
        for item in batch.items if batch else ():
            if 0 <= item.index < len(one.texts):
                tagged = Tagged.model_validate(item.model_dump(exclude={"index"}))
                known.setdefault(one.texts[item.index], tagged)
    return known


def tags_of(texts: Sequence[str], known: Mapping[str, Tagged]) -> Tags | None:
    """Tags of all SKUs from those of their texts; None where nothing is known of any."""
    rows = [known.get(text) for text in texts]
    if not any(rows):
        return None
    places = {season.name: place for place, season in enumerate(SEASONS)}

    def marks(name: str) -> NDArray[np.bool_]:
        return np.array([row is not None and getattr(row, name) for row in rows], dtype=bool)

    season = [NO_SEASON if row is None else places.get(row.season, NO_SEASON) for row in rows]
    return Tags(
        marks("gift"), np.array(season, dtype=np.int8), marks("replenishable"), marks("premium"), marks("slow"),
        marks("new"),
    )  # fmt: skip
