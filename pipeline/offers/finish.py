"""From chosen candidates to finished bundles: identity, offer, evidence and words."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import numpy as np

from pipeline.config import RunConfig
from pipeline.context.inferred import inferred_of
from pipeline.context.seasons import SEASONS
from pipeline.context.store import StoreContext
from pipeline.ingest.snapshot import Catalog
from pipeline.models import Notes
from pipeline.money import decimal, to_minor
from pipeline.offers.bundle import Bundle, Offer, Product, Signals, Weights
from pipeline.offers.evidence import data_of, evidence_of, figure
from pipeline.offers.model_words import Written, write_with
from pipeline.offers.offer import offer_of
from pipeline.offers.words import FactProduct, Facts
from pipeline.ports import TextGenerator
from pipeline.selection.judged import Judged
from pipeline.selection.select import Selection
from pipeline.terms import COMBOS, BundleType, Combo, Role, Tier

NAMESPACE = UUID("5f0c1c2e-6b1e-5b6a-9d53-0a6f3a2b7c11")
"""Names our bundles in version-5 UUIDs."""

ROLES: dict[BundleType, tuple[Role, Role]] = {
    BundleType.FBT: (Role.ANCHOR, Role.PARTNER),
    BundleType.FIXED: (Role.COMPONENT, Role.COMPONENT),
    BundleType.MIX_MATCH: (Role.POOL, Role.POOL),
    BundleType.BXGY: (Role.BUY, Role.GET),
    BundleType.VOLUME: (Role.VOLUME, Role.VOLUME),
}
"""Role of the first product and of all others."""


def bundle_id(store: str, combo: Combo, skus: Sequence[str]) -> str:
    """The bundle's identity, the same from run to run and whatever the order of its products."""
    return str(uuid5(NAMESPACE, "\0".join([store, combo.objective, combo.type, *sorted(skus)])))


class Finisher:
    """Turns rows of judged candidates into bundles of one store."""

    def __init__(
        self, context: StoreContext, catalog: Catalog, judged: Judged, selection: Selection, config: RunConfig,
        code: str, notes: Sequence[Notes] = (),
    ) -> None:  # fmt: skip
        self._context, self._catalog, self._judged = context, catalog, judged
        self._selection, self._config, self._data = selection, config, data_of(context, config, code)
        self._notes = notes
        self._unit = to_minor(catalog.price, context.shop.currency)

    @property
    def rows(self) -> list[int]:
        """The chosen candidates in rank order."""
        return [int(row) for row in self._selection.chosen]

    def finish(self, texts: TextGenerator | None = None, deadline: float = 0.0) -> list[Bundle]:
        """All bundles in rank order, with words: a text model's where they hold, else templates."""
        titles = self._catalog.title.to_pylist() if texts else ()
        facts = [self.facts(row) for row in self.rows]
        return self.with_words(write_with(texts, facts, titles, self._config.words, deadline))

    def with_words(self, words: Sequence[Written]) -> list[Bundle]:
        """All bundles in rank order, with the given words for each."""
        return [self._bundle(row, rank, text) for rank, (row, text) in enumerate(zip(self.rows, words, strict=True), 1)]

    def combo(self, row: int) -> Combo:
        """What candidate `row` is for."""
        return COMBOS[self._judged.combo[row]]

    def _members(self, row: int) -> list[tuple[int, int, Role]]:
        """SKU position, quantity and role of each product."""
        items = self._judged.found.items[row]
        first, rest = ROLES[self.combo(row).type]
        held = items[items >= 0]
        quantity = self._judged.found.quantity[row]
        return [(int(item), int(quantity[at]), rest if at else first) for at, item in enumerate(held)]

    def _text(self, column: str, at: int) -> str:
        return str(getattr(self._catalog, column)[at].as_py())

    def _category(self, at: int) -> str:
        return str(self._catalog.categories[int(self._catalog.category[at])].as_py())

    def _products(self, row: int) -> tuple[Product, ...]:
        currency = self._context.shop.currency
        return tuple(
            Product(
                sku=self._text("sku", at),
                title=self._text("title", at),
                quantity=quantity,
                role=role,
                price=str(decimal(int(self._unit[at]), currency)),
                category=self._category(at),
                image_url=self._text("image_url", at) or None,
            )
            for at, quantity, role in self._members(row)
        )

    def _offer(self, row: int) -> Offer:
        found = self._judged.found
        breaks = [int(step) for step in found.breaks[row] if step]
        return offer_of(
            self.combo(row).type, self._judged.prices, row, self._context.shop.currency, int(found.pick[row]), breaks
        )

    def _bundle(self, row: int, rank: int, written: Written) -> Bundle:
        words = written.words
        combo, scores, store = self.combo(row), self._judged.scores, self._context.store
        products = self._products(row)
        return Bundle(
            id=bundle_id(store, combo, [product.sku for product in products]),
            rank=rank,
            store=store,
            objective=combo.objective,
            type=combo.type,
            products=products,
            offer=self._offer(row),
            score=round(float(scores.score[row]), 6),
            signals=Signals(
                semantic=round(float(scores.semantic[row]), 6),
                transactional=round(float(scores.transactional[row]), 6),
                business=round(float(scores.business[row]), 6),
            ),
            weights=Weights(
                alpha=round(float(scores.alpha[row]), 6),
                beta=round(float(scores.beta[row]), 6),
                gamma=round(float(scores.gamma[row]), 6),
                category_orders=int(scores.category_orders[row]),
                category=products[0].category,
            ),
            evidence=evidence_of(self._context, self._judged, self._selection, row, self._config, self._data)
            | self._noted(row, written),
            name=words.name,
            tagline=words.tagline,
            description=words.description,
            explanation=words.explanation,
            words_source=written.source,
            cold_start=bool(self._judged.found.tier[row] == Tier.COLD_START),
        )

    def _noted(self, row: int, written: Written) -> dict[str, Any]:
        """What models said, as one more key of the evidence; none where no model said anything."""
        noted = {name: what for notes in self._notes for name, what in notes.of(self._judged, row).items()}
        if written.fault:
            noted["words_refused"] = written.fault.split(":")[0]
        held = self._judged.found.items[row]
        inferred = inferred_of(self._context.inferred, self._catalog, held[held >= 0])
        if inferred:
            noted["inferred"] = inferred
        return {"models": noted} if noted else {}

    def facts(self, row: int) -> Facts:
        """All that words may say about candidate `row`."""
        combo, judged, features = self.combo(row), self._judged, self._context.features
        offer, members = self._offer(row), self._members(row)
        held = np.array([at for at, _, _ in members])
        season = [int(code) for code in features.season[held] if code >= 0]
        slow, new = held[features.is_slow[held]], held[features.is_new[held]]
        history = self._context.history
        currency = self._context.shop.currency
        return Facts(
            id=bundle_id(self._context.store, combo, [self._text("sku", at) for at, _, _ in members]),
            objective=combo.objective,
            type=combo.type,
            products=tuple(
                FactProduct(
                    title=self._text("title", at),
                    category=self._category(at),
                    price=decimal(int(self._unit[at]), currency),
                    quantity=quantity,
                    role=role,
                )
                for at, quantity, role in members
            ),
            currency=currency,
            list_price=Decimal(offer.list_price),
            price=Decimal(offer.price),
            discount_pct=Decimal(offer.discount_pct),
            pick=offer.pick,
            get_discount_pct=Decimal(offer.get_discount_pct) if offer.get_discount_pct else None,
            breaks=tuple(
                (tier.quantity, Decimal(tier.unit_price), Decimal(tier.discount_pct)) for tier in offer.tiers or ()
            ),
            tier=Tier(int(judged.found.tier[row])),
            count=int(judged.counts.count[row]),
            window_orders=self._context.orders,
            window_days=history.as_of - int(history.day[0]) if len(history) else 0,
            anchor_orders=int(judged.counts.anchor_orders[row]),
            confidence=figure(judged.counts.confidence[row]),
            shrunk_lift=figure(judged.counts.shrunk_lift[row]),
            similarity=figure(judged.scores.similarity[row]),
            margin_share=figure(judged.prices.margin[row]),
            days_of_cover=_finite(float(features.cover_days[slow[0]])) if len(slow) else None,
            slow_sku_title=self._text("title", int(slow[0])) if len(slow) else None,
            new_sku_title=self._text("title", int(new[0])) if len(new) else None,
            season=SEASONS[season[0]].name if season else None,
            repeat_customers=int(features.repeat_customers[held].max()),
        )


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
