"""Which shard keeps which store: rendezvous hashing over a versioned list of shards."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShardList:
    """The shards there are. Whoever holds the same list finds a store in the same place.

    A store goes to the shard with the highest weight, and the weight of a shard for a store depends on the two alone
    (Thaler and Ravishankar 1998, "Using name-based mappings to increase hit rates"). So a shard that is added takes
    stores from the others and moves none between them, and one that is taken out gives away its own only.
    """

    shards: tuple[str, ...]
    """Names, each once; at least one."""
    version: int = 1
    """Grows with every change of the list."""

    def __post_init__(self) -> None:
        if not self.shards or len(set(self.shards)) != len(self.shards):
            raise ValueError(f"shards {self.shards}: expected at least one, each once")

    @classmethod
    def of(cls, count: int) -> "ShardList":
        """The first list, of `count` shards."""
        return cls(_names(count))

    def shard_of(self, store: str) -> str:
        """The shard that keeps `store`."""
        return max(self.shards, key=lambda shard: weight(shard, store))

    def resized(self, count: int) -> "ShardList":
        """The next list, of `count` shards: the first of this one, or all of it and further ones."""
        return ShardList(_names(count), self.version + 1)


def weight(shard: str, store: str) -> bytes:
    """How much `shard` wants `store`: sha256 of both names, compared as a number."""
    return hashlib.sha256(f"{shard}\0{store}".encode("utf-8", "surrogatepass")).digest()


def _names(count: int) -> tuple[str, ...]:
    return tuple(f"{number:02}" for number in range(count))
