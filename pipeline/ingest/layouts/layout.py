"""What a layout is: a table of aliases, and the columns that give it away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.errors import UnreadableFileError


class TableKind(StrEnum):
    """What a table is about."""

    ORDERS = "orders"
    PRODUCTS = "products"
    INVENTORY = "inventory"
    RULES = "rules"
    ASSORTMENT = "assortment"


def normalise(header: str) -> str:
    """A header without case, spaces and punctuation, so that `Compare-at price` is `compareatprice`."""
    return "".join(sign for sign in header.casefold() if sign.isalnum())


@dataclass(frozen=True, slots=True)
class Layout:
    """How one vendor writes one table. All header names are normalised."""

    vendor: str
    table: TableKind
    aliases: Mapping[str, tuple[str, ...]]
    """Canonical column → the headers it goes by, best first. Only these columns are ever read."""
    required: tuple[str, ...]
    """Canonical columns without which the table is useless."""
    strong: tuple[str, ...] = ()
    """Headers of which at least one must be there."""
    negative: tuple[str, ...] = ()
    """Headers that another table has and this one never."""
    has_locations: bool = False
    """Columns by no alias are one stock location each."""
    ignored: tuple[str, ...] = field(default=())
    """Where columns are locations: headers that are none."""

    @property
    def name(self) -> str:
        """`vendor table`, as reports show it."""
        return f"{self.vendor} {self.table}"

    def matches(self, headers: frozenset[str]) -> bool:
        """Whether a file with these normalised headers is laid out so."""
        return (
            not self.missing(headers)
            and (not self.strong or not headers.isdisjoint(self.strong))
            and headers.isdisjoint(self.negative)
        )

    def missing(self, headers: frozenset[str]) -> tuple[str, ...]:
        """Required canonical columns that none of `headers` is."""
        return tuple(column for column in self.required if headers.isdisjoint(self.aliases[column]))

    def positions(self, headers: Sequence[str], file: str) -> dict[str, int]:
        """Canonical column → its position among the normalised `headers`; absent ones are left out.

        Raises:
            UnreadableFileError: A column that is read occurs twice.
        """
        found: dict[str, int] = {}
        for column, names in self.aliases.items():
            name = next((name for name in names if name in headers), None)
            if name is None:
                continue
            places = [place for place, header in enumerate(headers) if header == name]
            if len(places) > 1:
                shown = " and ".join(str(place + 1) for place in places)
                raise UnreadableFileError(
                    file, f"the column {column!r} occurs more than once (columns {shown}); keep one"
                )
            found[column] = places[0]
        return found

    def locations(self, headers: Sequence[str]) -> list[int]:
        """Positions of the columns that are stock locations."""
        if not self.has_locations:
            return []
        known = {name for names in self.aliases.values() for name in names} | set(self.ignored)
        return [place for place, header in enumerate(headers) if header and header not in known]
