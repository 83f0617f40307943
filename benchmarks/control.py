"""The system we replace, in plain Python: honest, complete, and run beside ours.

Built as such systems are built: one dict a product, one dict a candidate, and loops. What is in its favour: everything
is in memory, similar products are sorted once and not once for each of the 40 combos, a set leaves at the first gate it
fails, NSGA-II starts from portfolios of the right size, and no language model is waited for. mlxtend's fpgrowth sees
the full dense one-hot frame at a support of max(1 %, 3 orders), sets of at most three; pymoo's NSGA-II runs 100 × 50
for each combo over a binary genome of its best 200 candidates, through `ElementwiseProblem`; gates, dedup and MMR are
loops over Python objects.
"""

import math
import time
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from mlxtend.frequent_patterns import association_rules, fpgrowth
from mlxtend.preprocessing import TransactionEncoder
from numpy.typing import NDArray
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.problem import ElementwiseProblem
from pymoo.operators.crossover.pntx import TwoPointCrossover
from pymoo.operators.mutation.bitflip import BitflipMutation
from pymoo.optimize import minimize

from pipeline.ingest.snapshot import Snapshot
from pipeline.terms import COMBOS, NOT_ALLOWED, BundleType, Combo, Objective

Product = dict[str, Any]
Candidate = dict[str, Any]

WINDOW_DAYS = 365
MIN_SUPPORT, MIN_COUNT, MAX_ITEMS, MIN_LIFT = 0.01, 3, 3, 1.0
NEIGHBOURS, MIN_SIMILARITY = 20, 0.4
POPULATION, GENOME = 100, 200
"""Portfolios of a generation, and candidates of a combo that NSGA-II chooses from, best scores first."""
LIMIT, PER_COMBO = 20, 5
"""Bundles of the final list, and bundles that each combo hands on."""
DISCOUNT = {"FBT": 0.10, "FIXED": 0.15, "MIX_MATCH": 0.12, "BXGY": 0.15, "VOLUME": 0.10}
MIN_MARGIN, MAX_OVERLAP, MMR_RELEVANCE = 0.15, 0.8, 0.7
SEASONS = ("christmas", "easter", "halloween", "valentine", "summer", "winter")


@dataclass(frozen=True, slots=True)
class ControlRun:
    """What the control made, and how long each phase took."""

    seconds: dict[str, float]
    """By phase: load, mining, similarity, candidates, optimisation, diversity, total."""
    bundles: list[Candidate]
    rules: int
    candidates: int


def run_control(
    snapshot: Snapshot, vectors: NDArray[np.float32], *, nsga_once: bool = False, generations: int = 50, seed: int = 0
) -> ControlRun:
    """Make bundles the old way.

    Args:
        snapshot: The store.
        vectors: `(products, d)` unit-length product vectors, made beforehand as for ours.
        nsga_once: Run NSGA-II once, over the best candidates of all combos, instead of once for each combo.
        generations: Generations of each NSGA-II run of 100.
        seed: Seed of NSGA-II.

    Returns:
        Bundles, best first, and the seconds of each phase.
    """
    clock = _Clock()
    products, orders = load(snapshot)
    clock.lap("load")
    rules = mine(orders)
    clock.lap("mining")
    similar = find_similar(products, vectors)
    clock.lap("similarity")
    found = {combo: propose(combo, products, rules, similar) for combo in COMBOS if combo not in NOT_ALLOWED}
    clock.lap("candidates")
    if nsga_once:
        chosen = optimise(_best([one for several in found.values() for one in several]), LIMIT * 3, generations, seed)
    else:
        chosen = [one for several in found.values() for one in optimise(_best(several), PER_COMBO, generations, seed)]
    clock.lap("optimisation")
    bundles = diversify(remove_copies(chosen), vectors)
    clock.lap("diversity")
    return ControlRun(clock.total(), bundles, len(rules), sum(len(several) for several in found.values()))


class _Clock:
    """Seconds by phase."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, phase: str) -> None:
        now = time.perf_counter()
        self._seconds[phase], self._last = now - self._last, now

    def total(self) -> dict[str, float]:
        return self._seconds | {"total": sum(self._seconds.values())}


def load(snapshot: Snapshot) -> tuple[list[Product], list[list[int]]]:
    catalog, bought, as_of = snapshot.catalog, snapshot.orders, snapshot.default_as_of
    demand = bought.is_demand(as_of, WINDOW_DAYS)
    baskets = np.split(bought.item, bought.indptr[1:-1]) if len(bought) else []
    orders = [basket.tolist() for basket, counts in zip(baskets, demand, strict=True) if counts]
    sold = Counter(sku for order in orders for sku in order)
    products = []
    for row in range(len(catalog)):
        price, cost, stock = float(catalog.price[row]), float(catalog.cost[row]), float(catalog.stock[row])
        products.append({
            "row": row, "sku": catalog.sku[row].as_py(), "title": catalog.title[row].as_py(),
            "tags": catalog.tags[row].as_py(), "category": int(catalog.category[row]), "price": price, "cost": cost,
            "margin": 1 - cost / price if price > 0 and not math.isnan(cost) else None, "stock": stock,
            "sold": sold[row], "sellable": bool(catalog.is_sellable[row]),
            "is_slow": not math.isnan(stock) and stock > 30 * max(sold[row], 0.5),
            "is_new": int(catalog.created_day[row]) >= as_of - 30,
        })  # fmt: skip
    return products, orders


def mine(orders: list[list[int]]) -> list[dict[str, Any]]:
    encoder = TransactionEncoder()
    frame = pd.DataFrame(encoder.fit_transform(orders), columns=encoder.columns_)
    count = max(MIN_COUNT, math.ceil(MIN_SUPPORT * len(orders)))
    sets = fpgrowth(frame, min_support=(count - 0.5) / len(orders), use_colnames=True, max_len=MAX_ITEMS)
    if not (sets["itemsets"].map(len) >= 2).any():
        return []
    found = association_rules(sets, metric="lift", min_threshold=MIN_LIFT)
    found["orders"] = (found["support"] * len(orders)).round()
    columns = ["antecedents", "consequents", "orders", "confidence", "lift"]
    records: list[dict[str, Any]] = found[columns].to_dict("records")
    return records


def find_similar(products: list[Product], vectors: NDArray[np.float32]) -> dict[int, list[tuple[int, float]]]:
    similar = {}
    for product in products:
        scores = vectors @ vectors[product["row"]]
        nearest = np.argsort(-scores)[: NEIGHBOURS + 1]
        near = [(int(row), float(scores[row])) for row in nearest if row != product["row"]]
        similar[product["row"]] = [(row, score) for row, score in near if score >= MIN_SIMILARITY]
    return similar


def propose(
    combo: Combo, products: list[Product], rules: list[dict[str, Any]], similar: dict[int, list[tuple[int, float]]]
) -> list[Candidate]:
    found: dict[frozenset[int], Candidate] = {}
    for rule in rules:
        rows = [*rule["antecedents"], *rule["consequents"]]
        if combo.type in (BundleType.FBT, BundleType.FIXED) or (combo.type is BundleType.BXGY and len(rows) == 2):
            evidence = {"lift": rule["lift"], "confidence": rule["confidence"], "orders": rule["orders"]}
            _keep(found, _candidate(combo, [products[row] for row in rows], similar, evidence))
    for product in products:
        near = [products[row] for row, _ in similar[product["row"]]]
        if combo.type is BundleType.VOLUME:
            sets = [[product]] if product["sold"] >= 5 else []
        elif combo.type is BundleType.MIX_MATCH:
            sets = [[product, *near[:size]] for size in (3, 4, 5) if len(near) >= size]
        else:
            sets = [[product, partner] for partner in near[:10]]
        for members in sets:
            _keep(found, _candidate(combo, members, similar, None))
    return list(found.values())


def _keep(found: dict[frozenset[int], Candidate], candidate: Candidate | None) -> None:
    if candidate is None:
        return
    known = found.get(candidate["key"])
    if known is None or candidate["score"] > known["score"]:
        found[candidate["key"]] = candidate


def fits(objective: Objective, members: list[Product]) -> bool:
    anchor, rest = members[0], members[1:]
    if objective is Objective.MARGIN_GUARD:
        return anchor["margin"] is not None and anchor["margin"] >= 0.4
    if objective is Objective.CLEAR_SLOW_MOVERS:
        return any(product["is_slow"] for product in members)
    if objective is Objective.INCREASE_AOV:
        return all(product["price"] >= 0.5 * anchor["price"] for product in rest)
    if objective is Objective.NEW_LAUNCH:
        return any(product["is_new"] for product in members)
    if objective is Objective.SEASONAL_PROMO:
        return any(season in f"{p['tags']} {p['title']}".lower() for p in members for season in SEASONS)
    if objective is Objective.CATEGORY_BUNDLE:
        return len({product["category"] for product in members}) == 1
    if objective is Objective.GIFT_BOX:
        return any("gift" in p["tags"] for p in members) or len({p["category"] for p in members}) >= 3
    return any("subscription" in product["tags"] for product in members)


def _candidate(
    combo: Combo, members: list[Product], similar: dict[int, list[tuple[int, float]]], evidence: dict[str, float] | None
) -> Candidate | None:
    """Gates, price and score; None for what no gate lets through."""
    if not all(product["sellable"] for product in members) or not fits(combo.objective, members):
        return None
    times = 3 if combo.type is BundleType.VOLUME else 1
    listed = sum(product["price"] for product in members) * times
    price = round(listed * (1 - DISCOUNT[combo.type]), 2)
    known = [product for product in members if product["margin"] is not None]
    sales = sum(product["price"] for product in known) * (1 - DISCOUNT[combo.type])
    margin = 1 - sum(product["cost"] for product in known) / sales if known else 0.0
    if price <= 0 or (known and margin < MIN_MARGIN) or (evidence is not None and evidence["orders"] < MIN_COUNT):
        return None
    pairs = [dict(similar[a["row"]]).get(b["row"], 0.0) for a, b in combinations(members, 2)]
    semantic = sum(pairs) / len(pairs) if pairs else 0.0
    transactional = 0.0 if evidence is None else min(1.0, math.log2(1 + evidence["lift"]) / 6) * evidence["confidence"]
    return {
        "key": frozenset(product["row"] for product in members), "rows": [product["row"] for product in members],
        "skus": [product["sku"] for product in members], "objective": str(combo.objective), "type": str(combo.type),
        "price": price, "margin": margin, "score": 0.4 * semantic + 0.4 * transactional + 0.2 * max(margin, 0.0),
        "orders": 0.0 if evidence is None else evidence["orders"], "sold": members[0]["sold"],
        "slow": sum(product["is_slow"] for product in members) / len(members), "lift": semantic + transactional,
    }  # fmt: skip


def _best(candidates: list[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda one: (-one["score"], one["type"], one["skus"]))[:GENOME]


class Portfolio(ElementwiseProblem):  # type: ignore[misc]  # pymoo has no types
    """Which candidates to take: one bit each, six objectives, one candidate list at a time."""

    def __init__(self, candidates: list[Candidate], size: int) -> None:
        super().__init__(n_var=len(candidates), n_obj=6, n_ieq_constr=1, xl=0, xu=1, vtype=bool)
        self.candidates, self.size = candidates, size

    def _evaluate(self, x: NDArray[np.bool_], out: dict[str, Any], *_: Any, **__: Any) -> None:
        chosen = [candidate for candidate, taken in zip(self.candidates, x, strict=True) if taken]
        uses = Counter(row for candidate in chosen for row in candidate["rows"])
        revenue = sum(candidate["price"] * (1 + candidate["sold"]) for candidate in chosen)
        margin = sum(candidate["price"] * candidate["margin"] for candidate in chosen)
        stock_risk = sum(1 - candidate["slow"] for candidate in chosen)
        cross_sell = sum(candidate["lift"] for candidate in chosen)
        cannibalised = sum(times - 1 for times in uses.values())
        out["F"] = [-revenue, -margin, stock_risk, -cross_sell, cannibalised, -len(uses)]
        out["G"] = [len(chosen) - self.size]


def optimise(candidates: list[Candidate], size: int, generations: int, seed: int) -> list[Candidate]:
    """The candidates of the front's portfolio nearest to the best in every objective."""
    if len(candidates) <= size:
        return candidates
    start = np.argsort(np.random.default_rng(seed).random((POPULATION, len(candidates))), axis=1) < size
    algorithm = NSGA2(POPULATION, sampling=start, crossover=TwoPointCrossover(), mutation=BitflipMutation())
    result = minimize(Portfolio(candidates, size), algorithm, ("n_gen", generations), seed=seed, verbose=False)
    if result.X is None:  # no portfolio as small as asked: the best scores, as such systems fall back
        return candidates[:size]
    front, values = np.atleast_2d(result.X), np.atleast_2d(result.F)
    spread = np.ptp(values, axis=0)
    nearest = int(np.argmin(((values - values.min(axis=0)) / np.where(spread > 0, spread, 1)).sum(axis=1)))
    return [candidate for candidate, taken in zip(candidates, front[nearest], strict=True) if taken][:size]


def _jaccard(first: Candidate, second: Candidate) -> float:
    return len(first["key"] & second["key"]) / len(first["key"] | second["key"])


def remove_copies(candidates: list[Candidate]) -> list[Candidate]:
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda one: (-one["score"], one["type"], one["skus"])):
        copies = (one for one in kept if one["type"] == candidate["type"] and _jaccard(one, candidate) >= MAX_OVERLAP)
        if next(copies, None) is None:
            kept.append(candidate)
    return kept


def diversify(candidates: list[Candidate], vectors: NDArray[np.float32]) -> list[Candidate]:
    left, chosen = list(candidates), list[Candidate]()
    means = {id(one): np.mean([vectors[row] for row in one["rows"]], axis=0) for one in candidates}
    means = {key: mean / max(float(np.linalg.norm(mean)), 1e-12) for key, mean in means.items()}
    while left and len(chosen) < LIMIT:
        best, best_gain = left[0], -math.inf
        for one in left:
            near = max((max(_jaccard(one, o), float(means[id(one)] @ means[id(o)])) for o in chosen), default=0.0)
            gain = MMR_RELEVANCE * one["score"] - (1 - MMR_RELEVANCE) * near
            if gain > best_gain:
                best, best_gain = one, gain
        chosen.append(best)
        left.remove(best)
    return chosen
