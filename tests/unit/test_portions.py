"""Catalogs cut into portions for the embedding of a fleet."""

from hypothesis import given
from hypothesis import strategies as st

from cluster.bulk import Catalogued, portions

catalogs = st.lists(st.integers(0, 60), max_size=12)


@given(catalogs, st.integers(1, 25))
def test_every_text_is_in_one_portion_and_only_the_last_portion_is_not_full(counts: list[int], size: int) -> None:
    found = [Catalogued(f"shop-{number}", None, count, count, "") for number, count in enumerate(counts)]

    cut = portions(found, size)

    texts = [(store, at) for portion in cut for store, start, end in portion for at in range(start, end)]
    assert texts == [(one.store, at) for one in found for at in range(one.texts)]
    sizes = [sum(end - start for _, start, end in portion) for portion in cut]
    assert all(filled == size for filled in sizes[:-1])
    assert all(0 < filled <= size for filled in sizes[-1:])
