"""Tags without a text model: likeness of a product's vector to vectors of described labels.

Each label is described in several phrasings, and the nearest counts (as in zero-shot classification with embeddings).
Cosines differ from model to model and from label to label, so each label's are z-scored over the store; a label is
given only far above the mean and, among labels that exclude one another, only where it leads.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.context.config import TagsConfig
from pipeline.context.embedding import catalog_texts
from pipeline.context.similarity import Vectors
from pipeline.context.tags import NO_SEASON, Tags
from pipeline.ingest.snapshot import Catalog

SEASON_TEXTS: tuple[tuple[str, ...], ...] = (
    ("Christmas tree decoration", "Santa, reindeer and snowman ornament", "advent calendar for Christmas"),
    ("Halloween decoration with pumpkins and witches", "spooky Halloween costume"),
    ("Easter egg and bunny decoration", "Easter basket with chicks"),
    ("Valentine's Day card with hearts", "romantic gift for Valentine's Day"),
    ("Mother's Day present", "best mum card"),
    ("Father's Day present", "best dad card"),
    ("beach towel and parasol for summer", "picnic and barbecue in the garden", "sunscreen and swimwear"),
    ("school bag and pencil case", "lunch box for school"),
    ("hot water bottle", "warm scarf, gloves and mittens for winter", "hot chocolate"),
)
"""By place in `SEASONS`."""
GIFT_TEXTS = ("gift set in a box", "a present for a friend", "gift wrap, gift bag and gift tag", "keepsake gift")
REPLENISHED_TEXTS = (
    "coffee, tea and groceries", "refill pack", "paper napkins and tissues", "soap, shampoo and detergent",
    "pet food", "vitamins and supplements",
)  # fmt: skip


def label_texts() -> list[str]:
    """Every phrasing of every label, in the order in which `zero_shot` takes their vectors."""
    return [text for label in _LABELS for text in label]


_LABELS = (*SEASON_TEXTS, GIFT_TEXTS, REPLENISHED_TEXTS)


def texts_to_embed(catalog: Catalog, config: TagsConfig) -> list[str]:
    """The texts whose vectors a run needs: one of each product, then the labels' where the settings ask for them."""
    return catalog_texts(catalog) + (label_texts() if config.embedded else [])


def likely_tags(embedded: Vectors, products: int, config: TagsConfig) -> tuple[Vectors, Tags | None]:
    """Vectors of the products, and their tags by likeness; None where there are no labels, or no vectors.

    Args:
        embedded: `(m, d)` vectors of `texts_to_embed`; `(m, 0)` for none.
        products: So many of them are the products'.
        config: How sure a label must be.
    """
    vectors, labels = embedded[:products], embedded[products:]
    return vectors, zero_shot(vectors, labels, config) if labels.size else None


def zero_shot(vectors: Vectors, labels: Vectors, config: TagsConfig) -> Tags:
    """Tags of `n` SKUs by likeness to the labels.

    Args:
        vectors: `(n, d)` unit vectors of the products' texts.
        labels: `(len(label_texts()), d)` unit vectors of the same model.
        config: How sure a label must be.
    """
    starts = np.cumsum([0, *(len(label) for label in _LABELS)])[:-1]
    likeness = np.maximum.reduceat(
        np.round(vectors.astype(np.float64) @ labels.T.astype(np.float64), 6), starts, axis=1
    )
    spread = likeness.std(axis=0) if len(likeness) else np.ones(len(_LABELS))
    score = (likeness - likeness.mean(axis=0)) / np.where(spread > 0, spread, np.inf) if len(likeness) else likeness
    seasons = score[:, : len(SEASON_TEXTS)]
    nobody = np.zeros(len(vectors), dtype=bool)
    return Tags(
        gift=score[:, -2] >= config.sure,
        season=_leading(seasons, config),
        replenishable=score[:, -1] >= config.sure,
        premium=nobody,
        slow=nobody,
        new=nobody,
    )


def _leading(score: NDArray[np.float64], config: TagsConfig) -> NDArray[np.int8]:
    """The label that is sure and ahead of all others; none where unsure."""
    if not len(score):
        return np.zeros(0, dtype=np.int8)
    ordered = np.sort(score, axis=1)
    is_sure = (ordered[:, -1] >= config.sure) & (ordered[:, -1] - ordered[:, -2] >= config.ahead)
    return np.where(is_sure, np.argmax(score, axis=1), NO_SEASON).astype(np.int8)
