"""A merchant's rules and the accounts' assortments, kept aside for those who apply them."""

from typing import NamedTuple

from pipeline.ingest.table import Table, Text

KINDS = frozenset({"exclude", "pin", "never_together"})


class Rule(NamedTuple):
    """One rule of the merchant; fields that it does not use are empty."""

    kind: str
    """`exclude`, `pin` or `never_together`."""
    sku: str
    other_sku: str
    tag: str
    vendor: str
    category: str


class Assortment(NamedTuple):
    """A SKU that an agreement may buy."""

    agreement_id: str
    sku: str


def read_rules(table: Table) -> list[Rule]:
    """The accepted rules; the others are in `table.faults` afterwards."""
    kind = table.text("kind").map(str.lower)
    table.faults.add(~kind.ask(KINDS.__contains__), "bad_rule", "kind", "not one of exclude, never_together, pin")
    columns = [kind, *(table.text(name) for name in Rule._fields[1:])]
    says = columns[1].filled | columns[3].filled | columns[4].filled | columns[5].filled
    table.faults.add(~says, "bad_rule", "sku", "names no SKU, tag, vendor or category")
    pairs = kind.ask(lambda text: text == "never_together")
    table.faults.add(
        pairs & ~(columns[1].filled & columns[2].filled), "bad_rule", "other_sku", "never_together needs two SKUs"
    )
    return [Rule(*values) for values in _rows(table, columns)]


def read_assortment(table: Table) -> list[Assortment]:
    """The accepted rows of an assortment; the others are in `table.faults` afterwards."""
    columns = [table.text("agreement_id"), table.text("sku")]
    for name, text in zip(Assortment._fields, columns, strict=True):
        table.faults.add(~text.filled, "missing_" + name, name, "empty")
    return [Assortment(*values) for values in _rows(table, columns)]


def _rows(table: Table, columns: list[Text]) -> list[tuple[str, ...]]:
    """The accepted records of `columns`, in the order of the file."""
    written = [text.values.take(text.codes[table.faults.alive]).to_pylist() for text in columns]
    return list(zip(*written, strict=True))
