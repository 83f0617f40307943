"""How much of a store's files is taken, and what is refused."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Count = Annotated[int, Field(ge=1)]
CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class IngestConfig(BaseModel):
    """Limits of what is read; a file past one of them is refused whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    currency: CurrencyCode | None = None
    """The store's currency (ISO 4217). Orders in another are dropped; without it mixed orders are refused."""

    max_bytes: Count = 2_000_000_000
    """Largest file, in bytes, checked before it is read; for Parquet also its size decompressed."""

    max_rows: Count = 20_000_000
    """Most records in a file."""

    max_columns: Count = 1_000
    """Most columns in a file."""

    max_field_length: Count = 4_000_000
    """Longest field of a file, in bytes."""

    max_key_length: Count = 255
    """Longest SKU or order id, in characters; a record with a longer one is rejected."""

    max_title_length: Count = 255
    """Titles are cut to this many characters."""

    max_description_length: Count = 1_000
    """Descriptions, as plain text, are cut to this many characters."""

    max_reject_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Largest share of a file's records that may be rejected before all is refused."""

    max_unmatched_listed: Count = 1_000
    """Most SKUs and titles without a product that the report lists; all of them are counted."""
