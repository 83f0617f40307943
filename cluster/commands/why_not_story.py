"""Why a set of products is no bundle, in sentences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cluster.commands.story import REASONS, TIERS, listed, measured
from pipeline.consider import Considered
from pipeline.money import decimal
from pipeline.terms import GATES, BundleType, Reason, Rejection, Tier

TWIN = 0.8
"""Jaccard similarity from which two sets of a type are near-duplicates, as `dedup.jaccard` has it by default."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a set."""

    skus: tuple[str, ...]
    """As the catalog writes them."""
    names: tuple[str, ...] = ()
    """Title and SKU of each."""
    unknown: tuple[str, ...] = ()
    """SKUs that no product has."""
    considered: Sequence[Considered] = ()
    """The set as each combo would have sold it, the best first."""
    unfit: Mapping[BundleType, str] = field(default_factory=dict)
    """Why it does not fit the other types."""
    unsellable: tuple[str, ...] = ()
    """Title and SKU of those that can't be sold."""
    failed: str = ""
    """Why it could not be worked out."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """The scores of all candidates of a run that passed the gates."""

    scores: tuple[float, ...]
    kept: tuple[float, ...]
    """Those of the bundles."""

    @classmethod
    def of(cls, bundles: Sequence[Mapping[str, Any]], rejections: Sequence[Rejection]) -> "Ranks":
        """The scores of a run's bundles, and of what passed the gates and was not kept."""
        kept = tuple(float(bundle["score"]) for bundle in bundles)
        others = (row.figure for row in rejections if row.reason not in GATES and row.figure is not None)
        return cls((*kept, *others), kept)

    @property
    def candidates(self) -> int:
        """How many passed the gates."""
        return len(self.scores)

    def place(self, score: float) -> int:
        """The place a score has among them; 1 is the best."""
        return 1 + sum(other > score for other in self.scores)


def exact_story(
    skus: Sequence[str], rows: Sequence[Rejection], bundles: Sequence[Mapping[str, Any]], ranks: Ranks, currency: str
) -> list[str]:
    """What became of the candidates of exactly this set: one sentence for each reason, the farthest candidate first."""
    reasons = sorted({row.reason for row in rows}, key=list(Reason).index, reverse=True)
    lines = []
    for reason in reasons:
        met = [row for row in rows if row.reason is reason]
        best = max(met, key=lambda row: row.figure or 0.0)
        how = listed([f"{row.type} for {row.objective.replace('_', ' ')}" for row in met[:4]])
        more = f" and {len(met) - 4} more ways" if len(met) > 4 else ""
        lines.append(
            f"{listed(list(skus))} as {how}{more}: {REASONS[reason]}{measured(reason, best.figure, currency)}."
        )
        lines += _after(reason, best, bundles, ranks)
    return lines


def _after(reason: Reason, row: Rejection, bundles: Sequence[Mapping[str, Any]], ranks: Ranks) -> Iterator[str]:
    """What there is to add for a candidate that passed the gates."""
    if reason is Reason.DUPLICATE:
        twin = twin_of(row.skus, row.type, bundles)
        yield f"What was kept is {_called(twin)}." if twin else "What it resembles was not kept in the end either."
    elif reason is Reason.NOT_SELECTED and row.figure is not None:
        yield _standing(row.figure, ranks)
        sharing = [bundle for bundle in bundles if {product["sku"] for product in bundle["products"]} & set(row.skus)]
        if sharing:
            names = listed([f"{bundle['name']} (rank {bundle['rank']})" for bundle in sharing[:3]])
            yield f"Products of it are in {len(sharing)} of the bundles kept, such as {names}."


def _standing(score: float, ranks: Ranks) -> str:
    """Where a score stands in the run."""
    place = f"By score it is number {ranks.place(score)} of {ranks.candidates}"
    if not ranks.kept:
        return place + "; no bundle was kept."
    beaten = sum(score > other for other in ranks.kept)
    text = f"{place}; the {len(ranks.kept)} bundles kept score {min(ranks.kept):.3f} to {max(ranks.kept):.3f}"
    if beaten:
        text += (
            f", {beaten} of them less: a list also weighs what bundles reach, earn and clear, and how alike they are"
        )
    return text + "."


def considered_story(
    answer: Answer, plan: Mapping[str, Any], bundles: Sequence[Mapping[str, Any]], ranks: Ranks, currency: str
) -> list[str]:
    """What would have become of a set that no candidate is."""
    if answer.unknown:
        shown, missing = listed(list(answer.skus)), listed(list(answer.unknown))
        return [f"{shown}: {REASONS[Reason.NEVER_PROPOSED]}, for the store has no product of SKU {missing}."]
    lines = [f"{listed(list(answer.names or answer.skus))}: {REASONS[Reason.NEVER_PROPOSED]}."]
    if answer.failed:
        return [*lines, f"What it would have met can't be worked out: {answer.failed}."]
    if not answer.considered:
        return [*lines, *_misfits(answer)]
    best = answer.considered[0]
    lines += [_why_unproposed(best, answer, plan), _as_sold(best, currency)]
    if best.gate is not None:
        lines.append(
            f"It would have met the gate {best.gate}: {REASONS[best.gate]}{_measured(best, answer, currency)}."
        )
    elif twin := twin_of(answer.skus, best.combo.type, bundles):
        lines.append(f"It would pass every gate, but it is nearly the same as {_called(twin)}.")
    else:
        lines.append("It would pass every gate. " + _standing(best.score, _with(ranks, best.score)))
    first = {one.combo.type: one for one in reversed(answer.considered)}
    lines += [_other(one, ranks) for kind, one in reversed(first.items()) if kind is not best.combo.type]
    return [*lines, *_misfits(answer)]


def _measured(one: Considered, answer: Answer, currency: str) -> str:
    figure = float(one.judged.verdicts.figure[0])
    if one.gate is Reason.NOT_SELLABLE:
        return f" ({listed(list(answer.unsellable))})"
    return measured(one.gate, None if figure != figure else figure, currency) if one.gate else ""


def twin_of(skus: Sequence[str], kind: str, bundles: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The bundle of type `kind` that is nearly the same set."""
    wanted = set(skus)
    for bundle in bundles:
        held = {product["sku"] for product in bundle["products"]}
        if bundle["type"] == kind and len(held & wanted) >= TWIN * len(held | wanted):
            return bundle
    return None


def _called(bundle: Mapping[str, Any]) -> str:
    return f"{bundle['name']} (rank {bundle['rank']}, score {bundle['score']:.3f})"


def _with(ranks: Ranks, score: float) -> Ranks:
    return Ranks((*ranks.scores, score), ranks.kept)


def _misfits(answer: Answer) -> list[str]:
    return [f"As {kind} it does not fit: {why}." for kind, why in answer.unfit.items()]


def _why_unproposed(best: Considered, answer: Answer, plan: Mapping[str, Any]) -> str:
    """What a source would have needed to propose the set."""
    tier = Tier(int(best.judged.found.tier[0]))
    held = _orders(best)
    if answer.unsellable:
        return f"{held}; sources propose only what can be sold."
    if not best.is_linked:
        return (
            f"{held}, and nothing else links its products: not the likeness of their texts, not their categories and "
            "not their popularity."
        )
    text = f"{held}. What speaks for it is {TIERS[int(tier)]}"
    if tier > Tier(int(plan.get("tier_start", Tier.RULES))):
        return text + "; stronger evidence had enough candidates first."
    return text + "; its products have better partners, and a source proposes the best sets only."


def _orders(one: Considered) -> str:
    count, found = int(one.judged.counts.count[0]), one.judged.found
    orders = {0: "No order", 1: "One order"}.get(count, f"{count} orders")
    one_holds = "holds" if count < 2 else "hold"
    if one.combo.type is BundleType.MIX_MATCH:
        return f"{orders} {one_holds} at least {int(found.pick[0])} products of it"
    if one.combo.type is BundleType.VOLUME:
        return f"{orders} {'reaches' if count < 2 else 'reach'} {int(found.breaks[0, 0])} units of it"
    return f"{orders} {one_holds} it"


def _as_sold(one: Considered, currency: str) -> str:
    prices = one.judged.prices
    price, list_price = (decimal(int(value[0]), currency) for value in (prices.price, prices.list_price))
    margin = float(prices.margin[0])
    kept = "its cost is unknown" if margin != margin else f"it would keep a margin of {margin:.0%}"
    offered = f"at {price} {currency}" + (f" instead of {list_price}" if price < list_price else "")
    return f"As {one.combo.type} for {one.combo.objective.replace('_', ' ')} it would sell {offered}; {kept}."


def _other(one: Considered, ranks: Ranks) -> str:
    if one.gate is None:
        return (
            f"As {one.combo.type} it would pass too, with a score of {one.score:.3f} (number {ranks.place(one.score)})."
        )
    return f"As {one.combo.type} it would have met the gate {one.gate}: {REASONS[one.gate]}."
