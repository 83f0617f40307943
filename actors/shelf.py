"""Values of some stores, kept as long as they fit, and worked out once however many ask at the same time."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from typing import Any, NamedTuple, TypeVar

from actors.weight import bytes_of

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ShelfFigures:
    """What a shelf holds, and how often it could help, since it was made."""

    stores: int
    values: int
    bytes: int
    hits: int
    """Asks that were answered by a kept value, or by one that was being worked out for another."""
    misses: int
    """Asks for which a value was worked out."""
    evictions: int
    """Values that made room for others."""
    unkept: int
    """Values that were served and not kept: larger than a store, or the shelf, may hold."""

    @property
    def hit_rate(self) -> float:
        """Share of asks that were hits, 0 before the first."""
        return self.hits / max(self.hits + self.misses, 1)


class _Kept(NamedTuple):
    owner: str
    value: Any
    bytes: int


class Shelf:
    """Values by key, safe to use from several threads. The least recently used make room.

    Args:
        capacity: Most bytes of all values.
        cap: Most bytes of one store's values, so that a large store drives out its own values and not the others'.
        weigh: Bytes of a value.
    """

    def __init__(self, capacity: int, cap: int, weigh: Callable[[Any], int] = bytes_of) -> None:
        self._capacity, self._cap, self._weigh = capacity, min(cap, capacity), weigh
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._flights: dict[Hashable, Future[Any]] = {}
        self._bytes: dict[str, int] = {}
        self._hits = self._misses = self._evictions = self._unkept = 0

    def get(self, store: str, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of `key`, made where it is not kept.

        Whoever asks while it is being made waits for it. What `make` raises reaches all who wait; the next ask tries
        again.

        Args:
            store: Whose value it is; a part of the key.
            key: Equal keys mean equal values.
            make: Works the value out; it may ask this shelf for values of other keys.
        """
        full_key = (store, key)
        with self._lock:
            if full_key in self._kept:
                self._hits += 1
                self._kept.move_to_end(full_key)
                return self._kept[full_key].value
            flight = self._flights.get(full_key)
            is_first = flight is None
            if flight is None:
                flight = self._flights[full_key] = Future()
            self._hits += not is_first
            self._misses += is_first
        if is_first:
            self._make(full_key, flight, make)
        return flight.result()

    def figures(self) -> ShelfFigures:
        """What is held now, and the counters."""
        with self._lock:
            return ShelfFigures(
                stores=len(self._bytes), values=len(self._kept), bytes=sum(self._bytes.values()), hits=self._hits,
                misses=self._misses, evictions=self._evictions, unkept=self._unkept,
            )  # fmt: skip

    def stores(self) -> list[str]:
        """Stores with a value here, by name."""
        with self._lock:
            return sorted(self._bytes)

    def _make(self, key: tuple[str, Hashable], flight: Future[Any], make: Callable[[], Any]) -> None:
        try:
            value = make()
            weight = self._weigh(value)
        except BaseException as error:
            with self._lock:
                del self._flights[key]
            flight.set_exception(error)
            return
        with self._lock:
            del self._flights[key]
            self._keep(key, _Kept(key[0], value, weight))
        flight.set_result(value)

    def _keep(self, key: Hashable, new: _Kept) -> None:
        if new.bytes > self._cap:
            self._unkept += 1
            return
        # The store makes room for its own value first; then the shelf does.
        for other in [other for other, kept in self._kept.items() if kept.owner == new.owner]:
            if self._bytes.get(new.owner, 0) + new.bytes <= self._cap:
                break
            self._drop(other)
        while sum(self._bytes.values()) + new.bytes > self._capacity:
            self._drop(next(iter(self._kept)))
        self._kept[key] = new
        self._bytes[new.owner] = self._bytes.get(new.owner, 0) + new.bytes

    def _drop(self, key: Hashable) -> None:
        gone = self._kept.pop(key)
        self._evictions += 1
        left = self._bytes[gone.owner] - gone.bytes
        if any(kept.owner == gone.owner for kept in self._kept.values()):
            self._bytes[gone.owner] = left
        else:
            del self._bytes[gone.owner]
