"""A context narrowed for the store's own rules, so that sources spend their proposals on sets that can win.

The gates judge rules whatever a source proposes. But where an excluded product is everybody's best partner, hardly any
set of a source passes; and a pinned product that sells rarely is in no source's best sets. So sources are asked again.
"""

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.context.links import LinkTables
from pipeline.context.mining import ItemSets
from pipeline.context.store import StoreContext
from pipeline.terms import BundleType

Pairs = Callable[[NDArray[np.int32], NDArray[np.int32]], NDArray[np.bool_]]


def without_forbidden(context: StoreContext) -> StoreContext:
    """The context without excluded products and without links of pairs that never go together."""
    rules = context.shop.rules
    if rules is None:
        return context
    sellable = context.shop.is_sellable & ~rules.excluded
    sets = context.mined.sets.items
    faults = rules.excluded_in(sets) + rules.clashes_in(sets)
    narrowed = _narrow(
        context, lambda a, b: ~(rules.excluded[a] | rules.excluded[b] | rules.are_apart(a, b)), np.less(faults, 1)
    )
    return replace(narrowed, shop=replace(context.shop, is_sellable=sellable))


def around(context: StoreContext, wanted: NDArray[np.bool_], kind: BundleType) -> StoreContext:
    """The context with nothing but links and sets that hold a product of `wanted`, an `(n,)` mask."""
    items = context.mined.sets.items
    held = np.any(wanted[np.where(items >= 0, items, 0)] & (items >= 0), axis=1)
    narrowed = _narrow(context, lambda a, b: wanted[a] | wanted[b], held)
    if kind is not BundleType.VOLUME:
        return narrowed
    # Quantities are sold by the first SKU of a family: it stands for all of them.
    group = context.volume.group
    of_family = np.isin(group, group[wanted])
    return replace(narrowed, shop=replace(context.shop, is_sellable=context.shop.is_sellable & of_family))


def _narrow(context: StoreContext, may_link: Pairs, keep_sets: NDArray[np.bool_]) -> StoreContext:
    tables = {field.name: getattr(context.links, field.name) for field in fields(LinkTables)}
    kept = {name: links.take(may_link(links.anchor, links.partner)) for name, links in tables.items()}
    sets = ItemSets(context.mined.sets.items[keep_sets], context.mined.sets.count[keep_sets])
    return replace(context, links=LinkTables(**kept), mined=replace(context.mined, sets=sets))
