"""pyarrow without pandas: to be imported before the first array is made.

Where pandas is installed (Ray Data brings it), pyarrow imports it at its first array, to tell pandas' own columns from
others. That is half a second of every process, and nothing here makes such columns. If pandas can't be found at that
moment, pyarrow does without it; `to_pandas`, and whoever else asks for pandas itself, still gets it.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

import pyarrow as pa


class _NoPandas(MetaPathFinder):
    """Says of pandas that it is not there."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def _leave_pandas_out() -> None:
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(finder)


_leave_pandas_out()
