"""The facts of one bundle as the slots that templates fill. A fact that is unknown has no slot."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from pipeline.offers.english import cardinal, counted, listed, listed_within, money, percent, share, times, with_article
from pipeline.offers.facts import FactProduct, Facts
from pipeline.offers.titles import clean_title, shared_words, short_title
from pipeline.terms import BundleType, Objective, Role

SHORT = 40
"""Characters of a title in a tagline."""
LONG_LIST = 150
"""Characters of a list of titles in a description."""
CLOSE_LIST = 90
"""Characters of a list of titles in an explanation."""
LEAST_LIFT = 1.1
"""A shrunk lift below says nothing that a customer should hear."""
LONG_COVER_DAYS = 730

MAY_BE_EMPTY = ("after", "share")
"""Slots that a sentence can do without."""

Slots = dict[str, str]


def slots_of(facts: Facts, title_limit: int) -> Slots:
    """All slots that `facts` can fill, as text that needs no further care."""
    slots: Slots = {}
    for part in (_products, _theme, _offer, _breaks, _evidence, _business):
        slots.update({name: text for name, text in part(facts, title_limit) if text or name in MAY_BE_EMPTY})
    return slots


def _titles(products: Sequence[FactProduct], limit: int) -> list[str]:
    """Cleaned titles with quantities above one; a title that stands twice is named once."""
    named = (
        f"{p.quantity} × {clean_title(p.title, limit)}" if p.quantity > 1 else clean_title(p.title, limit)
        for p in products
    )
    return list(dict.fromkeys(named))


def _shorts(products: Sequence[FactProduct], limit: int) -> list[str]:
    """Short titles; the whole ones where shortening would make two of them one."""
    titles = list(dict.fromkeys(clean_title(product.title, limit) for product in products))
    shorts = [short_title(title, SHORT) for title in titles]
    return shorts if len(set(shorts)) == len(titles) else titles


def _all_of(count: int) -> str:
    return "both" if count == 2 else f"all {cardinal(count)}"


def _products(facts: Facts, limit: int) -> Iterator[tuple[str, str]]:
    products = facts.products
    if facts.type is BundleType.VOLUME:
        yield from _volume_products(facts, limit)
        return
    titles, shorts, count = _titles(products, limit), _shorts(products, limit), len(products)
    yield "a", shorts[0]
    yield "first", titles[0]
    yield "items", listed_within(titles, LONG_LIST)
    yield "n_products", f"{cardinal(count)} products"
    yield "N_products", f"{cardinal(count)} products".capitalize()
    yield "all_n", f"{cardinal(facts.pick)} of these" if facts.pick else _all_of(count)
    yield "pool_n", cardinal(count)
    if count > 1:
        yield "others_n", "one more" if count == 2 else f"{cardinal(count - 1)} more"
        yield "shorts", listed(shorts)
        yield "rest", listed_within(shorts[1:] or shorts, CLOSE_LIST)
        yield "rest_long", listed_within(titles[1:] or titles, LONG_LIST)
    for role, name in ((Role.BUY, "buy"), (Role.GET, "got")):
        side = [product for product in products if product.role is role]
        if side:
            yield name, listed_within(_shorts(side, limit), 2 * SHORT)
            yield f"{name}_long", listed_within(_titles(side, limit), LONG_LIST // 2)


def _volume_products(facts: Facts, limit: int) -> Iterator[tuple[str, str]]:
    """One product, or a family of variants under the words they share."""
    cleaned = list(dict.fromkeys(clean_title(product.title, limit) for product in facts.products))
    family = shared_words(cleaned) if len(cleaned) > 1 else None
    yield "a", family or short_title(cleaned[0], SHORT)
    yield "first", family or cleaned[0]
    yield "items", listed_within(cleaned, LONG_LIST)
    yield "all_n", "it"
    units = facts.products[0].units_per_order
    if units is not None and units > 1:
        yield "units", f"{units:.1f}".removesuffix(".0")


def _theme(facts: Facts, limit: int) -> Iterator[tuple[str, str]]:
    """What the products have in common: words of their titles, else a category."""
    category = category_of(facts, limit)
    cleaned = [clean_title(product.title, limit) for product in facts.products]
    yield "category", category or ""
    yield "theme", shared_words(cleaned) or category or ""


def category_of(facts: Facts, limit: int) -> str | None:
    """The category of all products, if it is one and known."""
    names = {product.category.strip() for product in facts.products}
    name = names.pop() if len(names) == 1 else ""
    return clean_title(name, limit) if name and name.lower() != "uncategorised" else None


def _offer(facts: Facts, limit: int) -> Iterator[tuple[str, str]]:
    currency, kind = facts.currency, facts.type
    yield "price", money(facts.price, currency)
    yield "alone", _alone(facts)
    if facts.pick:
        yield "pick_n", cardinal(facts.pick)
    if facts.discount_pct > 0 and money(facts.price, currency) != money(facts.list_price, currency):
        yield "off", percent(facts.discount_pct)
        yield "an_off", with_article(percent(facts.discount_pct))
        yield "was", money(facts.list_price, currency)
        yield "save", money(facts.list_price - facts.price, currency)
    if kind is BundleType.BXGY and facts.get_discount_pct:
        yield "get_off", percent(facts.get_discount_pct)
    yield "deal_of", _deal_of(facts, limit)


def _alone(facts: Facts) -> str:
    """Price of the anchor alone, where the bundle as a whole costs more."""
    anchor = facts.products[0]
    alone = anchor.price * anchor.quantity
    is_set = facts.type in (BundleType.FBT, BundleType.FIXED, BundleType.BXGY)
    return money(alone, facts.currency) if is_set and facts.price > alone else ""


def _deal_of(facts: Facts, limit: int) -> str:
    """The offer in a few words that begin with a small letter or a name."""
    short = _shorts(facts.products, limit)
    match facts.type:
        case BundleType.MIX_MATCH if facts.pick and facts.discount_pct > 0:
            return f"any {cardinal(facts.pick)} of {cardinal(len(facts.products))} at {percent(facts.discount_pct)} off"
        case BundleType.VOLUME if facts.breaks:
            quantity, unit, _ = facts.breaks[0]
            return f"{short[0]}, {money(unit, facts.currency)} each from {quantity:,}"
        case BundleType.FBT | BundleType.FIXED:
            return f"{listed_within(short, 2 * SHORT)} for {money(facts.price, facts.currency)}"
    return ""


def _breaks(facts: Facts, limit: int) -> Iterator[tuple[str, str]]:
    if facts.type is not BundleType.VOLUME:
        return
    yield "unit_list", money(facts.products[0].price, facts.currency)
    if facts.breaks and any(
        after[1] < before[1] for before, after in pairwise([(1, facts.products[0].price, 0), *facts.breaks])
    ):
        steps = [f"{quantity:,} or more at {money(unit, facts.currency)} each" for quantity, unit, _ in facts.breaks]
        yield "breaks", listed(steps)
        first, best = facts.breaks[0], facts.breaks[-1]
        for end, (quantity, unit, off) in (("1", first), ("_best", best)):
            yield f"q{end}", f"{quantity:,}"
            yield f"unit{end}", money(unit, facts.currency)
            yield f"off{end}", percent(off)


def _evidence(facts: Facts, limit: int) -> Iterator[tuple[str, str]]:
    if facts.count:
        yield "count", f"{facts.count:,}"
        yield "count_orders", counted(facts.count, "order")
    if facts.window_orders:
        yield "orders", f"{facts.window_orders:,}"
        yield "days", "day" if facts.window_days == 1 else f"{facts.window_days:,} days"
    if facts.anchor_orders:
        yield from _of_anchor(facts, limit)
    if facts.shrunk_lift is not None and facts.shrunk_lift >= LEAST_LIFT:
        yield "times", times(facts.shrunk_lift)
    if facts.similarity is not None:
        yield "similarity", f"{facts.similarity:.2f}"


def _of_anchor(facts: Facts, limit: int) -> Iterator[tuple[str, str]]:
    """The orders with the anchor, and how many of them hold the bundle."""
    anchor, orders = _shorts(facts.products, limit)[0], counted(facts.anchor_orders, "order")
    yield "anchor_orders", orders
    if 0 < facts.count < facts.anchor_orders:
        yield "Of_anchor", f"{facts.count:,} of the {orders} with {anchor}"
        yield "of_its_orders", f"{facts.count:,} of its {orders}"
        yield "share", "" if facts.confidence is None else f" ({share(facts.confidence)})"
    elif 1 < facts.count == facts.anchor_orders:
        yield "Of_anchor", f"All {orders} with {anchor}"
        yield "of_its_orders", f"all of its {orders}"
        yield "share", ""


def _business(facts: Facts, limit: int) -> Iterator[tuple[str, str]]:
    if facts.margin_share is not None:
        yield "margin", share(facts.margin_share)
    yield "after", " after the discount" if facts.price < facts.list_price else ""
    if facts.slow_sku_title:
        yield "slow", clean_title(facts.slow_sku_title, limit)
        yield "cover", _cover(facts.days_of_cover)
    if facts.new_sku_title:
        yield from _launch(facts, limit)
    if facts.season and facts.objective is Objective.SEASONAL_PROMO:
        yield "season", clean_title(facts.season, limit)
    if facts.repeat_customers:
        has = "has" if facts.repeat_customers == 1 else "have"
        yield "repeats_have", f"{counted(facts.repeat_customers, 'customer')} {has}"
        yield "replenished", "it" if len(facts.products) == 1 else "one of these products"


def _cover(days: float | None) -> str:
    if days is None or not days < float("inf"):
        return ""
    return counted(round(days), "day") if days < LONG_COVER_DAYS else "more than two years"


def _launch(facts: Facts, limit: int) -> Iterator[tuple[str, str]]:
    """What is new, and the first product beside it that is established."""
    new = clean_title(facts.new_sku_title or "", limit)
    yield "new", new
    yield "new_short", short_title(new, SHORT)
    others = [product for product in facts.products if clean_title(product.title, limit) != new]
    if others:
        yield "established", short_title(clean_title(others[0].title, limit), SHORT)
    if others and others[0] is facts.products[0] and facts.anchor_orders:
        holds = "order holds" if facts.anchor_orders == 1 else "orders hold"
        yield "established_orders", f"{facts.anchor_orders:,} {holds}"
