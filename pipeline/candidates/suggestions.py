"""Sets that a text model proposes: it sees a shortlist and answers with places in it.

What it proposes is no evidence. It stands at the tier of similarity, as sets alike in text do: a reading of what the
products are, which orders neither prove nor refute. Each set is then priced, counted, gated and scored as any other.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.config import ProposalsConfig
from pipeline.candidates.frame import SIZES, WIDTH, Proposals, proposals, set_keys
from pipeline.candidates.shapes import SMALL_POOL
from pipeline.context.store import StoreContext
from pipeline.ingest.snapshot import Catalog
from pipeline.offers.guard import Allowed, clean, fault_of
from pipeline.offers.titles import clip
from pipeline.plan import Plan
from pipeline.ports import Prompt, Unanswered
from pipeline.prompts import Answer, Form, as_answer, named, question, told
from pipeline.terms import BEST_TYPES, BundleType, Combo, Objective, Tier

PURPOSE, VERSION, SOURCE = "proposals", "1", "llm"
REASON_LENGTH = 160
"""Most characters of a reason."""
BANDS = ("lowest", "low", "middle", "high", "highest")
"""Price bands: fifths of the store's prices."""

MODELS_KNOW = (Objective.NEW_LAUNCH, Objective.GIFT_BOX, Objective.SEASONAL_PROMO)
"""Objectives about what orders can't have shown yet."""

ABOUT = {
    Objective.MARGIN_GUARD: "lead with a product that earns well",
    Objective.CLEAR_SLOW_MOVERS: "help a product sell that sells slowly, beside one that is wanted",
    Objective.INCREASE_AOV: "add something worth having to what is bought anyway",
    Objective.NEW_LAUNCH: "introduce a new product beside an established one",
    Objective.SEASONAL_PROMO: "suit the coming season",
    Objective.CATEGORY_BUNDLE: "complete a range within one category",
    Objective.GIFT_BOX: "make a present",
    Objective.SUBSCRIPTION_PUSH: "be bought again and again",
}
"""What sets of an objective are to do."""

ROLE = (
    "You put together product bundles for an online shop. From the products in the data choose sets that "
    "customers would want together and that do what goal says. Each set is a list of indices, the leading product "
    "first, of as many products as size allows (least, most). Use products that are used together, not near- "
    "identical ones, unless kind is MIX_MATCH: there customers pick some of alike products. For BXGY the first is "
    "bought and the second, no dearer, is got at a discount. Give at most {wanted} sets, the best first, each "
    "with a reason of at most 15 words that names no product, figure or price."
)


class SuggestedSet(Form):
    """One set."""

    indices: list[int]
    reason: str


class SuggestedSets(Form):
    """The answer to a question for sets."""

    sets: list[SuggestedSet]


@dataclass(frozen=True, slots=True)
class Shortlisted:
    """A question for sets of one combo, and the products it shows."""

    combo: Combo
    prompt: Prompt
    items: tuple[int, ...]
    """SKU position of each index."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """What a model's answer came to for one combo."""

    combo: Combo
    found: Proposals
    reasons: dict[bytes, str]
    """Why, by the bytes of each set's `set_keys`; only reasons that hold nothing they may not."""
    dropped: dict[str, int]
    """How many sets were dropped, by what was wrong with them."""
    error: str | None = None
    """Why there is no answer; None where there is one."""


def combos_to_ask(context: StoreContext, plan: Plan, config: ProposalsConfig) -> tuple[Combo, ...]:
    """The admitted combos with most to gain: all of a store whose data are thin, else new, gift and season.

    The most needed first, each in its two best types; VOLUME is what orders say of quantities, never a model.
    """
    is_thin = plan.tier_start > Tier.RULES
    combos = [
        Combo(objective, kind)
        for objective in sorted(plan.objectives, key=lambda name: name not in MODELS_KNOW)
        if is_thin or objective in MODELS_KNOW
        for kind in BEST_TYPES[objective]
        if kind is not BundleType.VOLUME
    ]
    sellable = context.shop.is_sellable
    admitted = set(plan.admitted)
    served = [one for one in combos if one in admitted and context.lenses[one.objective].serves(one.type, sellable)]
    return tuple(served[: config.combos])


def proposal_prompts(context: StoreContext, catalog: Catalog, plan: Plan, config: ProposalsConfig) -> list[Shortlisted]:
    """A question for each of the combos with most to gain."""
    asked = []
    for combo in combos_to_ask(context, plan, config):
        items = shortlist(context, combo, config.shortlist)
        if len(items) < SIZES[combo.type][0]:
            continue
        rows = [_row(context, catalog, index, int(item)) for index, item in enumerate(items)]
        data = {
            "goal": ABOUT[combo.objective], "kind": str(combo.type), "size": list(_sizes(combo.type)), "products": rows,
        }  # fmt: skip
        prompt = question(
            PURPOSE, VERSION, ROLE.format(wanted=config.wanted), data, SuggestedSets, 60 * config.wanted + 200
        )
        asked.append(Shortlisted(combo, prompt, tuple(int(item) for item in items)))
    return asked


def shortlist(context: StoreContext, combo: Combo, most: int) -> NDArray[np.intp]:
    """`(≤ most,)` SKUs for a combo: who must take part, who may lead, what is alike, then what sells.

    One SKU of a family. A quarter is led by what the objective wants, a quarter by what is established; then come
    their nearest neighbours by text, in turn, and the best sold of the rest.
    """
    lens, shop = context.lenses[combo.objective], context.shop
    may = shop.is_sellable & (lens.anchor | lens.partner | lens.other)
    if shop.rules is not None:
        may = may & ~shop.rules.excluded
    orders = context.mined.item_orders
    wanted = np.lexsort((-orders, -lens.weight, ~lens.partner))
    leading = np.lexsort((-orders, ~lens.anchor))
    quarter = max(most // 4, 1)
    seeds = [*_first(wanted, may & lens.partner, quarter), *_first(leading, may & lens.anchor, quarter)]
    near = context.neighbours.items[seeds].T.ravel() if seeds else np.zeros(0, dtype=np.int32)
    queue = np.concatenate([np.array(seeds, dtype=np.int64), near[near >= 0], np.argsort(-orders, kind="stable")])
    queue = queue[may[queue]]
    _, first = np.unique(shop.family[queue], return_index=True)
    return np.asarray(queue[np.sort(first)][:most], dtype=np.intp)


def _first(order: NDArray[np.intp], may: NDArray[np.bool_], most: int) -> list[int]:
    return [int(at) for at in order[may[order]][:most]]


def _sizes(kind: BundleType) -> tuple[int, int]:
    low, high = SIZES[kind]
    return low, min(high, 6)


def _row(context: StoreContext, catalog: Catalog, index: int, item: int) -> dict[str, Any]:
    category = str(catalog.categories[int(catalog.category[item])].as_py())
    band = min(int(5 * context.features.price_rank[item]), 4)
    row: dict[str, Any] = {
        "index": index,
        "title": named(str(catalog.title[item].as_py()), category),
        "category": told(category),
        "price": BANDS[band],
    }
    return row | ({"new": True} if context.features.is_new[item] else {})


def read_proposals(
    context: StoreContext, asked: Sequence[Shortlisted], answers: Sequence[Answer], config: ProposalsConfig
) -> list[Suggested]:
    """Check answers for sets: known and different indices, a size of the type, sellable, admitted, compatible."""
    return [_read(context, one, answer, config) for one, answer in zip(asked, answers, strict=True)]


def _read(context: StoreContext, asked: Shortlisted, answer: Answer, config: ProposalsConfig) -> Suggested:
    given = as_answer(answer, SuggestedSets)
    if given is None:
        silence = answer if isinstance(answer, Unanswered) else Unanswered("bad_output", "another schema")
        error = f"{silence.code}: {silence.detail}"
        return Suggested(asked.combo, _proposals(asked.combo, []), {}, {}, error)
    dropped: Counter[str] = Counter()
    kept: list[list[int]] = []
    reasons: dict[bytes, str] = {}
    for one in given.sets[: 4 * config.wanted]:
        fault = _fault(context, asked, one.indices)
        if fault or len(kept) == config.wanted:
            dropped[fault or "more than asked for"] += 1
            continue
        items = [asked.items[index] for index in one.indices]
        key = set_keys(_padded([items]))[0].tobytes()
        if key in reasons:
            dropped["twice"] += 1
            continue
        kept.append(items)
        reasons[key] = guarded_reason(one.reason)
    return Suggested(asked.combo, _proposals(asked.combo, kept), reasons, dict(dropped))


def _fault(context: StoreContext, asked: Shortlisted, indices: Sequence[int]) -> str:
    """What is wrong with a set; empty where nothing is."""
    kind, shop = asked.combo.type, context.shop
    low, high = _sizes(kind)
    if not all(0 <= index < len(asked.items) for index in indices):
        return "unknown index"
    if len(set(indices)) != len(indices):
        return "an index twice"
    if not low <= len(indices) <= high:
        return "size"
    items = _padded([[asked.items[index] for index in indices]])
    row = items[0][items[0] >= 0]
    if not shop.is_sellable[row].all():
        return "not sellable"
    if not context.judge.admits(context.lenses[asked.combo.objective], items)[0]:
        return "not what the objective is about"
    if kind is BundleType.BXGY and shop.price[row[1]] > shop.price[row[0]]:
        return "got is dearer than bought"
    category = shop.category[row]
    if kind in (BundleType.FBT, BundleType.FIXED) and not shop.compatible[np.ix_(category, category)].all():
        return "incompatible categories"
    return ""


def _padded(rows: Sequence[Sequence[int]]) -> NDArray[np.int32]:
    items = np.full((len(rows), WIDTH), -1, dtype=np.int32)
    for at, row in enumerate(rows):
        items[at, : len(row)] = row
    return items


def _proposals(combo: Combo, rows: Sequence[Sequence[int]]) -> Proposals:
    items = _padded(rows)
    size = (items >= 0).sum(axis=1)
    pick = np.where(size <= SMALL_POOL, 2, 3) if combo.type is BundleType.MIX_MATCH else np.zeros(len(rows), dtype=int)
    return proposals(items, Tier.SIMILARITY, SOURCE, pick=pick)


def guarded_reason(text: str) -> str:
    """A reason that may stand in evidence: one line without figures, links, markup or claims; else empty.

    >>> guarded_reason("Both are used at breakfast"), guarded_reason("Free at www.evil.example")
    ('Both are used at breakfast', '')
    """
    line = clean(text)
    return "" if fault_of(line, Allowed(has_discount=True, knows_capitals=False)) else clip(line, REASON_LENGTH)


def dropped_in_all(suggested: Iterable[Suggested]) -> dict[str, int]:
    """How many sets of all combos were dropped, by what was wrong with them."""
    total: Counter[str] = Counter()
    for one in suggested:
        total.update(one.dropped)
    return dict(sorted(total.items()))
