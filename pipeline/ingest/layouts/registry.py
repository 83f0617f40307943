"""Which layout a file has, told by its columns alone."""

from collections.abc import Sequence

from pipeline.errors import UnknownLayoutError
from pipeline.ingest.layouts import canonical, shopify
from pipeline.ingest.layouts.layout import Layout, TableKind, normalise

LAYOUTS: tuple[Layout, ...] = (*shopify.LAYOUTS, *canonical.LAYOUTS)
"""All layouts, the more particular first. A further vendor is one more module and one more row."""

KNOWN = frozenset(
    name for layout in LAYOUTS for names in (*layout.aliases.values(), layout.strong, layout.ignored) for name in names
)

MAIN = (TableKind.ORDERS, TableKind.PRODUCTS, TableKind.INVENTORY)


def match_layout(headers: Sequence[str]) -> Layout | None:
    """The first layout that `headers` (as the file has them) fit, or None."""
    present = frozenset(normalise(header) for header in headers)
    return next((layout for layout in LAYOUTS if layout.matches(present)), None)


def unknown_layout(headers: Sequence[str], file: str) -> UnknownLayoutError:
    """The error for columns that fit no layout, with the one that comes closest.

    Headers that no layout knows are counted and not quoted: where a file has no header row, they are its first
    record, and may be personal data.
    """
    present = frozenset(normalise(header) for header in headers)
    shown = tuple(header.strip() for header in headers if normalise(header) in KNOWN)
    others = len(headers) - len(shown)
    listed = (*shown[:7], f"{others} unknown") if others else shown
    return UnknownLayoutError(file, listed, _expected(present))


def _expected(present: frozenset[str]) -> str:
    """What the closest layout still lacks; without any required column it is no guess to make."""
    tables = [
        layout for layout in LAYOUTS if layout.table in MAIN and len(layout.missing(present)) < len(layout.required)
    ]
    if not tables:
        return "a header row with the columns of orders, products or inventory"
    closest = min(tables, key=lambda layout: len(layout.missing(present)) / len(layout.required))
    own_names = closest.vendor == "canonical"
    missing = [name if own_names else closest.aliases[name][0] for name in closest.missing(present)]
    return (
        f"for {closest.name} also {', '.join(missing)}"
        if missing
        else f"for {closest.name} no columns of another table"
    )
