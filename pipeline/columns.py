"""Structs of arrays: columns of one length that are taken and joined together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Columns:
    """Base of a frozen dataclass whose fields are arrays (or further `Columns`) of one length."""

    def __len__(self) -> int:
        return len(getattr(self, next(iter(self.__dataclass_fields__))))

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Self:
        """The given rows, in that order; a mask keeps the rows it marks."""
        at = np.flatnonzero(rows) if rows.dtype == bool else rows
        taken = {}
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            taken[name] = value.take(at) if isinstance(value, Columns) else value[at]
        return type(self)(**taken)

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """All rows of `parts`, in order; at least one part."""
        if len(parts) == 1:
            return parts[0]
        joined = {}
        for name in cls.__dataclass_fields__:
            values = [getattr(part, name) for part in parts]
            nested = type(values[0])
            joined[name] = nested.concat(values) if isinstance(values[0], Columns) else np.concatenate(values)
        return cls(**joined)
