"""Names, taglines, descriptions and explanations from templates, grounded in the evidence and nothing else."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, count, islice
from math import gcd, prod
from string import Formatter
from typing import NamedTuple

from pipeline.offers import phrases, reasons
from pipeline.offers.config import WordsConfig
from pipeline.offers.facts import FactProduct, Facts
from pipeline.offers.names import names_of
from pipeline.offers.phrases import Family
from pipeline.offers.slots import slots_of
from pipeline.terms import BundleType, Objective, Tier

__all__ = ["FactProduct", "Facts", "Words", "WordsConfig", "write_words"]

PROVEN_COUNT = 3
"""Orders from which evidence is no longer called thin."""
TERMS_LENGTH = 130
"""Characters kept for the second sentence of a description."""
CHOICES = 60
"""Ways of saying a thing that are tried for one not said before."""
SENTENCE_LENGTH = 320
"""Most characters of a sentence of an explanation."""

SET_EVIDENCE = (reasons.UNPROVEN, reasons.THIN_SET, reasons.BACKED_SET, reasons.PROVEN_SET)
EVIDENCE = {
    BundleType.MIX_MATCH: (reasons.UNPROVEN, reasons.THIN_POOL, reasons.BACKED_POOL, reasons.PROVEN_POOL),
    BundleType.VOLUME: (reasons.UNPROVEN_VOLUME, reasons.THIN_VOLUME, reasons.PROVEN_VOLUME, reasons.PROVEN_VOLUME),
}
"""Families of evidence by strength."""

_CHOICE = re.compile(r"\[([^\]]*)\]")


class Words(NamedTuple):
    """The text of one bundle."""

    name: str
    tagline: str
    description: str
    explanation: str
    """Two sentences: what the customer has of it, then why the merchant wants it."""


def write_words(facts: Sequence[Facts], config: WordsConfig) -> list[Words]:
    """Words for all bundles of a list, in order.

    A bundle's id decides which of the fitting templates speaks; one that was said before in this list yields to the
    next. Where everything was said, what was said longest ago is said again. So the same list gets the same words.

    Args:
        facts: The bundles, in the order they are shown.
        config: Lengths.

    Returns:
        As many words as facts. Every figure in them is one of the facts, or a difference of two.
    """
    voice = _Voice()
    return [_Author(voice, each, config).write() for each in facts]


class _Voice:
    """Remembers what was said, so as not to say it twice."""

    def __init__(self) -> None:
        self._said: dict[str, int] = {}

    def choose(self, texts: Iterable[str]) -> str:
        """The first of `texts` that was not said yet, else the one said longest ago."""
        tried = []
        for text in islice(texts, CHOICES):
            tried.append(text)
            if text not in self._said:
                break
        chosen = min(tried, key=lambda text: self._said.get(text, -1))
        self._said[chosen] = len(self._said) if chosen not in self._said else max(self._said.values()) + 1
        return chosen


class _Author:
    """Writes the words of one bundle."""

    def __init__(self, voice: _Voice, facts: Facts, config: WordsConfig) -> None:
        self._voice, self._facts, self._config = voice, facts, config
        self._slots = slots_of(facts, config.title_length)

    def write(self) -> Words:
        """All four texts."""
        names = names_of(self._facts, self._config.name_length, self._config.title_length)
        return Words(self._voice.choose(names), self._tagline(), self._description(), self._explanation())

    def _tagline(self) -> str:
        themed = phrases.THEMED_TAGLINES.get(self._facts.objective, ())
        return self._say((themed, *phrases.TAGLINES[self._facts.type]), "tagline", self._config.tagline_length)

    def _description(self) -> str:
        terms = self._say(phrases.TERMS[self._facts.type], "terms", TERMS_LENGTH)
        room = self._config.description_length - len(terms) - 1
        return f"{self._say(phrases.CONTENTS[self._facts.type], 'contents', room)} {terms}"

    def _explanation(self) -> str:
        because = reasons.BECAUSE[self._facts.tier]
        value = [
            [t.replace("{because}", why) for t in group for why in because]
            for group in (*_evidence(self._facts), *reasons.BARE)
        ]
        is_known = "margin" in self._slots and self._facts.objective is not Objective.MARGIN_GUARD
        ends = reasons.MARGIN_ENDS if is_known else (".",)
        reason = [[core + end for core in group for end in ends] for group in reasons.REASONS[self._facts.objective]]
        return f"{self._say(value, 'value', SENTENCE_LENGTH)} {self._say(reason, 'reason', SENTENCE_LENGTH)}"

    def _say(self, family: Iterable[Sequence[str]], purpose: str, limit: int) -> str:
        """A text within `limit` of the first group that has one not said before."""
        start = int.from_bytes(hashlib.sha256(f"{self._facts.id}\0{purpose}".encode()).digest()[:8])
        groups = ([text for text in group if _fields(text) <= self._slots.keys()] for group in family)
        texts = chain.from_iterable(_spun(group, self._slots, start) for group in groups)
        return self._voice.choose(text for text in texts if len(text) <= limit)


def _evidence(facts: Facts) -> Family:
    """The family that says what orders say of a bundle."""
    return EVIDENCE.get(facts.type, SET_EVIDENCE)[_strength(facts)]


def _strength(facts: Facts) -> int:
    """0: no orders; 1: too few; 2: enough, though something weaker than orders proposed it; 3: enough."""
    if facts.count < PROVEN_COUNT:
        return min(facts.count, 1)
    return 2 if facts.tier > Tier.ADAPTIVE_RULES else 3


@lru_cache(maxsize=1024)
def _fields(template: str) -> frozenset[str]:
    """Slots that a template fills."""
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name)


@lru_cache(maxsize=1024)
def _parts(template: str) -> tuple[tuple[str, ...], ...]:
    """A template as alternatives in a row: `a [b|c]` is `(("a ",), ("b", "c"))`."""
    return tuple(tuple(part.split("|")) if at % 2 else (part,) for at, part in enumerate(_CHOICE.split(template)))


def _spun(templates: Sequence[str], slots: Mapping[str, str], start: int) -> Iterator[str]:
    """Every text that `templates` can make, each once, in an order that `start` decides; neighbours differ much."""
    sizes = [prod(map(len, _parts(template))) for template in templates]
    total = sum(sizes)
    stride = next(step for step in count(max(1, round(total * 0.382))) if gcd(step, total) == 1) if total else 1
    for turn in range(total):
        place = (start + turn * stride) % total
        for template, size in zip(templates, sizes, strict=True):
            if place < size:
                yield _sentence(_pick(template, place).format_map(slots))
                break
            place -= size


def _pick(template: str, place: int) -> str:
    """The `place`-th way to say `template`."""
    chosen = []
    for options in _parts(template):
        place, at = divmod(place, len(options))
        chosen.append(options[at])
    return "".join(chosen)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
