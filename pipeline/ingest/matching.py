"""Which product a line or a stock figure means: by SKU, else by title."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

NONE = -1


def match_keys(wanted: pa.StringArray, keys: pa.StringArray) -> NDArray[np.int32]:
    """Row of `keys` for each wanted key: an exact match, else the only one that differs in case alone.

    Args:
        wanted: `(w,)` trimmed keys; an empty one matches nothing.
        keys: `(n,)` distinct keys.

    Returns:
        `(w,)` rows, −1 where none matches.
    """
    exact = _index_in(wanted, keys)
    lower = pc.utf8_lower(keys)
    loose = match_unique(pc.utf8_lower(wanted), lower)
    found = np.where(exact != NONE, exact, loose)
    return np.where(np.asarray(pc.equal(wanted, "")), NONE, found).astype(np.int32)


def match_titles(wanted: pa.StringArray, titles: pa.StringArray, product_titles: pa.StringArray) -> NDArray[np.int32]:
    """Row of the one product with each wanted title.

    Args:
        wanted: `(w,)` cleaned titles; an empty one matches nothing.
        titles: `(n,)` titles with the variant's options.
        product_titles: `(n,)` titles without them; they tell a product only where it has one variant.

    Returns:
        `(w,)` rows, −1 where no product or more than one has the title.
    """
    rows = np.arange(len(titles), dtype=np.int32)
    both = pa.concat_arrays([titles, product_titles])
    found = _unique_index(wanted, both, np.concatenate((rows, rows)))
    return np.where(np.asarray(pc.equal(wanted, "")), NONE, found).astype(np.int32)


def match_unique(wanted: pa.StringArray, keys: pa.StringArray) -> NDArray[np.int32]:
    """Row of the only key equal to each wanted one, −1 where there is none or more than one."""
    return _unique_index(wanted, keys, np.arange(len(keys), dtype=np.int32))


def _index_in(wanted: pa.StringArray, keys: pa.StringArray) -> NDArray[np.int32]:
    if not len(keys):
        return np.full(len(wanted), NONE, dtype=np.int32)
    return np.asarray(pc.fill_null(pc.index_in(wanted, value_set=keys), NONE), dtype=np.int32)


def _unique_index(wanted: pa.StringArray, keys: pa.StringArray, rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """The row behind each wanted key, −1 where the keys equal to it stand for several rows."""
    if not len(keys):
        return np.full(len(wanted), NONE, dtype=np.int32)
    distinct = keys.dictionary_encode()
    codes = distinct.indices.to_numpy()
    lowest = np.full(len(distinct.dictionary), np.iinfo(np.int32).max, dtype=np.int32)
    highest = np.full(len(distinct.dictionary), NONE, dtype=np.int32)
    np.minimum.at(lowest, codes, rows)
    np.maximum.at(highest, codes, rows)
    row = np.where(lowest == highest, lowest, NONE).astype(np.int32)
    at = _index_in(wanted, distinct.dictionary)
    return np.where(at == NONE, NONE, row[at]).astype(np.int32)
