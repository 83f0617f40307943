"""Names of bundles: what the products share, else the products themselves."""

from collections.abc import Iterator

from pipeline.offers.english import cardinal
from pipeline.offers.facts import Facts
from pipeline.offers.slots import category_of
from pipeline.offers.titles import clean_title, clip, distinct_words, shared_words, short_title, title_case
from pipeline.terms import BundleType, Objective, Role

GROUPS = {2: ("Pair", "Duo"), 3: ("Trio", "Set of Three"), 4: ("Quartet", "Set of Four"), 5: ("Quintet", "Set of Five")}
"""What so many things that belong together are called."""

WIDTHS = (60, 28, 22, 18, 14, 11)
"""Characters of a title in a name, tried in this order until the name fits."""


def names_of(facts: Facts, limit: int, title_limit: int) -> list[str]:
    """Names for a bundle, the best first; distinct, at most `limit` characters, never empty."""
    cleaned = (clean_title(product.title, title_limit).replace(" & ", " and ") for product in facts.products)
    titles = [short_title(title, limit) for title in cleaned]
    ends = _ends(facts)
    found: list[str] = []
    for body in (*_by_type(facts, titles), *_plain(titles)):
        for end in ends:
            text = end.format(_without(body, end))
            is_plain = end == "{}" or (":" not in body and not body.startswith("Pick Any"))
            if is_plain and len(text) <= limit and text not in found:
                found.append(text)
    return found or [clip(titles[0], limit)]


def _ends(facts: Facts) -> tuple[str, ...]:
    """How the objective shows in a name; `{}` is the name itself."""
    match facts.objective:
        case Objective.GIFT_BOX if facts.type is not BundleType.VOLUME:
            return ("{} Gift Box", "Gift Box: {}", "{} as a Gift")
        case Objective.SEASONAL_PROMO if facts.season:
            season = title_case(facts.season.replace("{", "").replace("}", ""))
            is_said = any(season.lower() in product.category.lower() for product in facts.products)
            return ("{}",) if is_said else (f"{season}: {{}}", f"{{}} for {season}")
        case Objective.SUBSCRIPTION_PUSH if facts.type in (BundleType.FBT, BundleType.VOLUME):
            return ("{}", "Regular Order: {}", "{} on Repeat")
    return ("{}",)


def _without(body: str, end: str) -> str:
    """`body` without a last word that the end says too: no `Set Gift Box`."""
    return body.removesuffix(" Set").removesuffix(" Kit") if "Gift Box" in end else body


def _by_type(facts: Facts, titles: list[str]) -> Iterator[str]:
    shared = shared_words(titles)
    match facts.type:
        case BundleType.VOLUME:
            yield from _volume(facts, shared or short_title(titles[0], WIDTHS[0]))
        case BundleType.MIX_MATCH:
            yield from _pool(facts, shared, titles)
        case BundleType.BXGY:
            yield from _buy_get(facts, titles)
            yield from _range(facts, shared, titles) if shared else ()
        case _ if shared:
            yield from _range(facts, shared, titles)


def _range(facts: Facts, shared: str, titles: list[str]) -> Iterator[str]:
    """A range under its common words, then with what tells its members apart."""
    apart = distinct_words(titles, shared)
    listed = f"{', '.join(apart[:-1])} & {apart[-1]}" if all(apart) and len(set(apart)) == len(apart) else ""
    if listed and len(titles) == 2:
        yield from _joined(shared, listed, titles)
    for group in GROUPS.get(len(titles), ("Set",)):
        named = [f"{shared} {group}", *([f"{shared} {group}: {listed}"] if listed else [])]
        # One word, such as `Woodland`, says too little of what is in it.
        yield from named if " " in shared else reversed(named)
    if facts.type is BundleType.FIXED and not shared.endswith(("Set", "Kit")):
        yield f"{shared} Collection"


def _joined(shared: str, listed: str, titles: list[str]) -> Iterator[str]:
    """Two products in one breath, where all that is shared stands at one end: `Pink & Blue Polkadot Cup`."""
    small = shared.lower()
    if all(title.lower().startswith(small) for title in titles):
        yield f"{shared} {listed}"
    elif all(title.lower().endswith(small) for title in titles):
        yield f"{listed} {shared}"


def _volume(facts: Facts, title: str) -> Iterator[str]:
    first = facts.breaks[0][0] if facts.breaks else 0
    if first in (6, 12):
        yield f"{title} by the {'Half-Dozen' if first == 6 else 'Dozen'}"
    if first:
        yield f"{title}: {first:,} or More"
    yield f"{title} Multi-Buy"
    yield f"Stock Up: {title}"


def _pool(facts: Facts, shared: str | None, titles: list[str]) -> Iterator[str]:
    theme = shared or category_of(facts, WIDTHS[1])
    pick = cardinal(facts.pick or 2).capitalize()
    if theme:
        yield f"{title_case(theme)} Mix & Match"
        yield f"{theme}: Pick Any {pick}"
    for width in WIDTHS:
        for title in titles:
            yield f"Any {pick}: {short_title(title, width)} & More"
    yield f"Pick Any {pick} of {cardinal(len(titles)).capitalize()}"


def _buy_get(facts: Facts, titles: list[str]) -> Iterator[str]:
    buy = [title for title, product in zip(titles, facts.products, strict=True) if product.role is not Role.GET]
    got = [title for title, product in zip(titles, facts.products, strict=True) if product.role is Role.GET]
    if not buy or not got:
        return
    first, second = short_title(buy[0], WIDTHS[0]), short_title(got[0], WIDTHS[0])
    if facts.get_discount_pct:
        yield f"Buy {first}, Save on {second}"
        yield f"{second} for Less with {first}"
    yield f"{first} with {second}"


def _plain(titles: list[str]) -> Iterator[str]:
    """The products' own names, as many as fit, then the first and how many more."""
    distinct = list(dict.fromkeys(titles))
    for width in WIDTHS:
        shorts = list(dict.fromkeys(short_title(title, width) for title in distinct))
        if len(shorts) == 1:
            yield shorts[0] if len(titles) == 1 else f"{shorts[0]} {GROUPS.get(len(titles), ('Set',))[0]}"
        else:
            yield f"{', '.join(shorts[:-1])} & {shorts[-1]}"
        if len(shorts) == 2:
            yield f"{shorts[0]} with {shorts[1]}"
        if len(shorts) > 2:
            yield f"{shorts[0]}, {shorts[1]} & {cardinal(len(shorts) - 2).capitalize()} More"
            yield f"{shorts[0]} & {cardinal(len(shorts) - 1).capitalize()} More"
