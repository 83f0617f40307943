"""A store's own rules as they are written: settings of a run, and no content of its snapshot.

They come from the store's rules table, from `basketry.yaml` and from flags, all taken together.
"""

import hashlib
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_serializer, model_validator

if TYPE_CHECKING:
    from pipeline.ingest.rules import Rule


class Selector(BaseModel):
    """Some products of a store: those that fit every field that is given. Written as `sku:123`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sku: str = ""
    """One SKU."""
    tag: str = ""
    """A tag of the product."""
    vendor: str = ""
    """Its vendor."""
    category: str = ""
    """Its category."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        field, _, text = value.partition(":")
        if field.strip() not in cls.model_fields or not text.strip():
            raise ValueError(f"{value!r} names no products; expected sku:…, tag:…, vendor:… or category:…")
        return {field.strip(): text}

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not any(text.strip() for text in (self.sku, self.tag, self.vendor, self.category)):
            raise ValueError("a rule without a SKU, tag, vendor or category; expected at least one of them")
        return self

    @model_serializer
    def _given(self) -> dict[str, str]:
        given = {name: getattr(self, name).strip() for name in type(self).model_fields}
        return {name: text for name, text in given.items() if text}

    @property
    def label(self) -> str:
        """The selector as it is written, `sku:123`."""
        return " and ".join(f"{name}:{text}" for name, text in self._given().items())


class RulesConfig(BaseModel):
    """What a store's owner decided. The order in which rules are given changes nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    exclude: tuple[Selector, ...] = ()
    """Products that may be in no bundle: `sku:…`, `tag:…`, `vendor:…` or `category:…`."""
    pin: tuple[Selector, ...] = ()
    """Products that get a place in the list where a candidate that passes all gates holds them."""
    never_together: tuple[tuple[str, str], ...] = ()
    """Pairs of SKUs that no bundle may hold both of."""
    min_price: Annotated[Decimal, Field(ge=0)] | None = None
    """Least price of a bundle, in the store's currency; for a pool, of the cheapest pick."""
    max_price: Annotated[Decimal, Field(gt=0)] | None = None
    """Greatest price of a bundle, in the store's currency; for a pool, of the whole pool."""

    @field_validator("exclude", "pin")
    @classmethod
    def _in_order(cls, found: tuple[Selector, ...]) -> tuple[Selector, ...]:
        return tuple({one.label: one for one in sorted(found, key=lambda one: one.label)}.values())

    @field_validator("never_together")
    @classmethod
    def _as_pairs(cls, found: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        pairs = {tuple(sorted((one.strip(), two.strip()))) for one, two in found}
        if wrong := [pair for pair in pairs if pair[0] == pair[1] or not pair[0]]:
            raise ValueError(f"{wrong[0]} is no pair; expected two SKUs")
        return tuple(sorted(pairs))  # type: ignore[arg-type]

    @model_validator(mode="after")
    def _leaves_room(self) -> Self:
        if self.min_price is not None and self.max_price is not None and self.min_price > self.max_price:
            raise ValueError(f"rules.min_price {self.min_price} is above rules.max_price {self.max_price}")
        return self

    @property
    def is_empty(self) -> bool:
        """Whether nothing is ruled."""
        return self == RulesConfig()

    def sha256(self) -> str:
        """Hash of the rules, as plan and evidence name them; empty where there are none."""
        return "" if self.is_empty else hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def with_table(self, rules: Iterable["Rule"]) -> Self:
        """These rules and those of a store's rules table."""
        found: dict[str, list[Any]] = {"exclude": [], "pin": [], "never_together": []}
        for rule in rules:
            if rule.kind == "never_together":
                found[rule.kind].append((rule.sku, rule.other_sku))
            else:
                names = {"sku": rule.sku, "tag": rule.tag, "vendor": rule.vendor, "category": rule.category}
                found[rule.kind].append(Selector(**names))
        return self.joined(RulesConfig.model_validate(found))

    def joined(self, other: "RulesConfig") -> Self:
        """These rules and `other`'s; where both bound a price, `other` does."""
        lists = {name: getattr(self, name) + getattr(other, name) for name in ("exclude", "pin", "never_together")}
        bounds = {
            name: getattr(self, name) if getattr(other, name) is None else getattr(other, name)
            for name in ("min_price", "max_price")
        }
        return type(self).model_validate(lists | bounds)
