"""How two lists of bundles of one store differ: gained, lost, re-priced, re-ranked, changed otherwise."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

BundleObject = Mapping[str, Any]

OWN_PATHS = ("rank", "offer", "evidence.data")
"""What is told apart, or follows from the settings alone."""


class Change(NamedTuple):
    """One value that is different."""

    path: str
    """Keys from the top, joined by dots."""
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Differences:
    """Two lists side by side; a bundle is told by its id."""

    gained: tuple[BundleObject, ...]
    """Only in the second list, in its order."""
    lost: tuple[BundleObject, ...]
    """Only in the first list, in its order."""
    repriced: tuple[tuple[BundleObject, BundleObject], ...]
    """In both, with another offer: before and after."""
    reranked: tuple[tuple[BundleObject, BundleObject], ...]
    """In both, at another rank."""
    changed: tuple[tuple[BundleObject, tuple[Change, ...]], ...]
    """In both, with another score, evidence or words, but for the hashes of settings and code."""
    stamps: tuple[Change, ...]
    """Differing hashes of data, settings and code, each once."""

    @property
    def is_empty(self) -> bool:
        """Whether the lists are the same."""
        parts = (self.gained, self.lost, self.repriced, self.reranked, self.changed, self.stamps)
        return not any(parts)


def differences(before: Sequence[BundleObject], after: Sequence[BundleObject]) -> Differences:
    """Compare two lists of bundles, as `bundles.json` holds them."""
    old, new = ({bundle["id"]: bundle for bundle in bundles} for bundles in (before, after))
    both = [(old[key], new[key]) for key in old if key in new]
    stamps = [
        Change(f"evidence.data.{row.path}", row.before, row.after)
        for one, two in both
        for row in changes(one["evidence"].get("data"), two["evidence"].get("data"))
    ]
    otherwise = [(two, tuple(row for row in changes(one, two) if not row.path.startswith(OWN_PATHS)))
                 for one, two in both]  # fmt: skip
    return Differences(
        gained=tuple(bundle for key, bundle in new.items() if key not in old),
        lost=tuple(bundle for key, bundle in old.items() if key not in new),
        repriced=tuple((one, two) for one, two in both if one["offer"] != two["offer"]),
        reranked=tuple((one, two) for one, two in both if one["rank"] != two["rank"]),
        changed=tuple(row for row in otherwise if row[1]),
        stamps=tuple(dict.fromkeys(stamps)),
    )


def changes(before: Any, after: Any, path: str = "") -> Iterator[Change]:
    """Every value that differs, in the order of the keys; lists of one length are looked into, others are one value."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in {**before, **after}:
            yield from changes(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
    elif _is_list(before) and _is_list(after) and len(before) == len(after):
        for at, (one, two) in enumerate(zip(before, after, strict=True)):
            yield from changes(one, two, f"{path}.{at}" if path else str(at))
    elif before != after:
        yield Change(path, before, after)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)
