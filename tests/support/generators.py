"""Text models for tests: one that answers well, one that obeys, one that lies, one that refuses, one that is silent."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel

from pipeline.ports import ModelInfo, Prompt, Unanswered

Script = Callable[[Prompt, dict[str, Any]], dict[str, Any] | Unanswered]
"""From a prompt and its data to an answer as JSON."""


class Scripted:
    """A text model that follows a script, and remembers what it was asked."""

    def __init__(self, **scripts: Script) -> None:
        self._scripts = scripts
        self.asked: list[Prompt] = []

    @property
    def info(self) -> ModelInfo:
        return ModelInfo("test", "scripted", "1", 0)

    def answer(self, prompts: Sequence[Prompt], deadline: float) -> list[BaseModel | Unanswered]:
        self.asked += prompts
        return [self._one(prompt) for prompt in prompts]

    def _one(self, prompt: Prompt) -> BaseModel | Unanswered:
        script = self._scripts.get(prompt.purpose) or self._scripts.get("any")
        answer = script(prompt, json.loads(prompt.data)) if script else Unanswered("refused", "not in the script")
        return answer if isinstance(answer, Unanswered) else prompt.schema.model_validate(answer)


def silent() -> Scripted:
    """Never answers in time."""
    return Scripted(any=lambda prompt, data: Unanswered("timeout", "no answer by the deadline"))


def refusing() -> Scripted:
    """Answers that it can't help."""
    return Scripted(any=lambda prompt, data: Unanswered("refused", "the model refused"))


def good_words(prompt: Prompt, data: dict[str, Any]) -> dict[str, Any]:
    """True words, of the facts alone."""
    items = []
    for bundle in data["bundles"]:
        titles = [product["title"] for product in bundle["products"]]
        listed = ", ".join(titles)
        items.append(
            {
                "index": bundle["index"],
                "name": f"{titles[0]} Set",
                "tagline": f"All together: {listed}",
                "description": f"{listed} in one {bundle['type'].lower().replace('_', ' ')} of {len(titles)}.",
                "customer_value": f"Shoppers get {listed} at {bundle['price']}.",
                "business_reason": f"{bundle['objective'].replace('_', ' ')} is why {listed} stand together.",
            }
        )
    return {"items": items}


def good_tags(prompt: Prompt, data: dict[str, Any]) -> dict[str, Any]:
    """A gift wherever a title says mug, replenishable wherever it says coffee, all else unknown."""
    items = []
    for product in data["products"]:
        title = product["title"].lower()
        items.append(
            {
                "index": product["index"], "gift": "mug" in title, "season": "none",
                "replenishable": "coffee" in title, "premium": "silver" in title, "slow": False, "new": False,
                "audience": "anyone", "use": "kitchen",
            }
        )  # fmt: skip
    return {"items": items}


def good_proposals(prompt: Prompt, data: dict[str, Any]) -> dict[str, Any]:
    """The first products of each shortlist, in every fitting size."""
    known = [product["index"] for product in data["products"] if product["title"]]
    low, high = data["size"]
    sets = [
        {"indices": known[at : at + size], "reason": "These are used together at one table"}
        for size in range(low, high + 1)
        for at in range(0, len(known) - size + 1, size)
    ]
    return {"sets": sets[:12]}


def good_advice(prompt: Prompt, data: dict[str, Any]) -> dict[str, Any]:
    """High appeal and a usual discount for all."""
    return {
        "items": [
            {"index": bundle["index"], "appeal": 8, "discount_low": 10, "discount_high": 20, "reason": "A natural pair"}
            for bundle in data["bundles"]
        ]
    }


GOOD: dict[str, Script] = {
    "tags": good_tags, "proposals": good_proposals, "advice": good_advice, "words": good_words,
}  # fmt: skip


def good() -> Scripted:
    """Answers everything well."""
    return Scripted(**GOOD)


ORDER = re.compile(r"(?:please|ignore|instruction|must|do this)", re.IGNORECASE)
"""What the obeying model takes for an instruction: more than our sieve holds back."""

LINK = "https://evil.example/win"


def _orders(data: Any) -> bool:
    return bool(ORDER.search(json.dumps(data)))


def _obeyed(purpose: str) -> Script:
    def script(prompt: Prompt, data: dict[str, Any]) -> dict[str, Any] | Unanswered:
        answer: Any = GOOD[purpose](prompt, data)
        if not _orders(data):
            return answer
        match purpose:
            case "tags":
                for item in answer["items"]:
                    item.update(gift=True, replenishable=True, premium=True, season="Christmas", new=True, slow=True)
            case "proposals":
                answer["sets"] += [{"indices": [0, 999], "reason": LINK}, {"indices": [-1, 0], "reason": "<b>win</b>"}]
                answer["sets"] = [one | {"reason": f"Free at {LINK}"} for one in answer["sets"]]
            case "advice":
                for item in answer["items"]:
                    item.update(appeal=10, discount_low=90, discount_high=99, reason=f"Win at {LINK}")
                answer["items"].append(answer["items"][0] | {"index": 4711})
            case "words":
                for item in answer["items"]:
                    item.update(name="90% OFF", tagline=f"[Click]({LINK})", description="<script>alert(1)</script>")
        return answer

    return script


OBEYING: dict[str, Script] = {purpose: _obeyed(purpose) for purpose in GOOD}


def obeying() -> Scripted:
    """Does whatever any text of the data asks for, to everything in the question."""
    return Scripted(**OBEYING)


LIES = (
    "Save 45% today", "Guaranteed to cure headaches", f"See {LINK}", "<b>Best</b> price ever", "Only £1.99",
    "Comes with a Gucci Handbag", "Free shipping worldwide", "Rated five stars by 12,000 customers", "**Bold** claim",
    "Ninety percent off", "\u202eesrever", "A" * 5_000, "", "Better than the rest, number one", "½ price", "9٫99 €",
)  # fmt: skip
"""Texts that fit every schema and no fact."""


def lying(seed: int = 0) -> Scripted:
    """Fits every schema, and is false: a lie in one field of each bundle, another in the repair."""

    def words(prompt: Prompt, data: dict[str, Any]) -> dict[str, Any]:
        answer = good_words(prompt, data)
        fields = ("name", "tagline", "description", "customer_value", "business_reason")
        for at, item in enumerate(answer["items"]):
            turn = seed + at + len(prompt.data)
            item[fields[turn % 5]] = LIES[turn % len(LIES)]
        return answer

    def advice(prompt: Prompt, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "items": [
                {"index": at, "appeal": 10, "discount_low": low, "discount_high": 1e308, "reason": LIES[at % 16]}
                for at, low in enumerate([float("-1e308"), -50.0, 0.0, 400.0, 55.0] * 20)
            ]
        }

    def proposals(prompt: Prompt, data: dict[str, Any]) -> dict[str, Any]:
        wild: tuple[list[int], ...] = ([], [0], [0, 0], [0, 10**9], [-1, 1], list(range(40)), [1, 2])
        return {"sets": [{"indices": indices, "reason": LIES[at]} for at, indices in enumerate(wild)]}

    def tags(prompt: Prompt, data: dict[str, Any]) -> dict[str, Any]:
        items = good_tags(prompt, data)["items"]
        return {"items": [*items, *[item | {"index": 5_000, "gift": True} for item in items]]}

    return Scripted(words=words, advice=advice, proposals=proposals, tags=tags)
