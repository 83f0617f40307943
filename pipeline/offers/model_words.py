"""From a model's answers to words that may be shown: each bundle's own, repaired once, or its template."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pipeline.offers.asked_words import THEME_WORDS, Asked, WrittenBatch, WrittenItem, allowed_of, words_prompts
from pipeline.offers.config import WordsConfig
from pipeline.offers.facts import Facts
from pipeline.offers.guard import Allowed, clean, fault_of, sentences, title_key, without_titles, words_of
from pipeline.offers.titles import clip
from pipeline.offers.words import SENTENCE_LENGTH, Words, write_words
from pipeline.ports import TextGenerator
from pipeline.prompts import Answer, as_answer, ask

Source = Literal["template", "llm", "llm_repaired"]

NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class Written:
    """Words of one bundle and where they are from."""

    words: Words
    source: Source
    fault: str = ""
    """Why a model's words were refused, as `kind: what`; empty where they were taken or never asked for."""


@dataclass(frozen=True, slots=True)
class Drafts:
    """What a model's answers came to: each asked bundle either has words or a fault."""

    words: dict[int, Words] = field(default_factory=dict)
    """By position in the list of facts."""
    faults: dict[int, str] = field(default_factory=dict)


def other_titles(titles: Sequence[str]) -> frozenset[tuple[str, ...]]:
    """Titles of a store as the guard looks for them: those of two words and more."""
    keys = (title_key(title[:300]) for title in titles)
    return frozenset(key for key in keys if 2 <= len(key) <= 12)


def read_words(
    facts: Sequence[Facts], asked: Sequence[Asked], answers: Sequence[Answer], others: Collection[tuple[str, ...]],
    config: WordsConfig, before: Drafts | None = None,
) -> Drafts:  # fmt: skip
    """Check answers for words, bundle by bundle.

    Args:
        facts: All bundles of the list.
        asked: The questions.
        answers: One for each question, in order.
        others: As `other_titles` gives them.
        config: Lengths and language.
        before: Words that were taken in an earlier round: no sentence of theirs is taken again.
    """
    found: dict[int, WrittenItem | None] = {row: None for one in asked for row in one.rows}
    for one, answer in zip(asked, answers, strict=True):
        batch = as_answer(answer, WrittenBatch)
        for item in batch.items if batch else ():
            if 0 <= item.index < len(one.rows) and found[one.rows[item.index]] is None:
                found[one.rows[item.index]] = item
    drafts = Drafts(dict(before.words) if before else {}, {})
    said = {sentence for words in drafts.words.values() for sentence in _said(words)}
    for row, written in sorted(found.items()):
        words, fault = (None, NO_ANSWER) if written is None else _checked(written, facts[row], others, config)
        if words and not fault and (again := said & _said(words)):
            fault = f"repeats: {min(again)}"
        if fault or words is None:
            drafts.faults[row] = fault
        else:
            drafts.words[row] = words
            said |= _said(words)
    return drafts


def to_repair(drafts: Drafts) -> dict[int, str]:
    """What to ask again, and why; a bundle that got no answer at all is not asked twice."""
    return {row: fault for row, fault in drafts.faults.items() if fault != NO_ANSWER}


def settle_words(facts: Sequence[Facts], first: Drafts, repaired: Drafts | None, config: WordsConfig) -> list[Written]:
    """The words of every bundle: a model's where they hold, else its template, so that one fault costs one bundle.

    Without any answer this is `write_words`, to the byte.
    """
    templates = write_words(facts, config)
    settled = []
    for row, template in enumerate(templates):
        if row in first.words:
            settled.append(Written(first.words[row], "llm"))
        elif repaired is not None and row in repaired.words:
            settled.append(Written(repaired.words[row], "llm_repaired", first.faults[row]))
        else:
            again = repaired.faults.get(row, "") if repaired else ""
            again = "" if again == NO_ANSWER else again
            fault = again or first.faults.get(row, "")
            settled.append(Written(template, "template", "" if fault == NO_ANSWER else fault))
    return settled


def _checked(
    item: WrittenItem, facts: Facts, others: Collection[tuple[str, ...]], config: WordsConfig
) -> tuple[Words | None, str]:
    """The item's words, cut at words where they are long, and the first fault among them."""
    shopper = allowed_of(facts, others, config.language, for_merchant=False)
    merchant = allowed_of(facts, others, config.language, for_merchant=True)
    texts = {name: clean(getattr(item, name)) for name in WrittenItem.model_fields if name != "index"}
    for name, text in texts.items():
        if not text:
            return None, f"empty: {name}"
        allowed = merchant if name in ("customer_value", "business_reason") else shopper
        if fault := fault_of(text, allowed) or _misshapen(name, text):
            return None, fault
    if fault := _strange_word(texts["name"], shopper, config):
        return None, fault
    words = Words(
        clip(texts["name"], config.name_length),
        clip(texts["tagline"], config.tagline_length),
        _whole_sentences(texts["description"], config.description_length),
        f"{_ended(texts['customer_value'])} {_ended(texts['business_reason'])}",
    )
    return words, ""


def _misshapen(name: str, text: str) -> str:
    """An explanation is two sentences of bearable length, so each half is one."""
    if name not in ("customer_value", "business_reason"):
        return ""
    if len(sentences(text)) != 1:
        return f"sentences: {name} has {len(sentences(text))}"
    return f"length: {name} has {len(text)} characters" if len(text) > SENTENCE_LENGTH else ""


def _strange_word(name: str, allowed: Allowed, config: WordsConfig) -> str:
    """A word of a bundle's name that is neither of its facts nor a plain one; English only."""
    if not config.language.startswith("en"):
        return ""
    strange = words_of(without_titles(name, allowed.titles)) - allowed.vocabulary - THEME_WORDS
    return f"name: {min(strange)}" if strange else ""


def _whole_sentences(text: str, limit: int) -> str:
    """As many sentences as `limit` holds, else as many words."""
    if len(text) <= limit:
        return text
    kept = ""
    for sentence in sentences(text):
        if len(kept) + 1 + len(sentence) > limit:
            break
        kept = f"{kept} {sentence}".strip()
    return kept or clip(text, limit)


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?", "…")) else f"{sentence}."


def _said(words: Words) -> set[str]:
    """Everything of a bundle that no other bundle of the list may say again."""
    texts = [words.name, words.tagline, *sentences(words.description), *sentences(words.explanation)]
    return {text.casefold() for text in texts}


def write_with(
    texts: TextGenerator | None, facts: Sequence[Facts], titles: Sequence[str], config: WordsConfig, deadline: float
) -> list[Written]:
    """Ask, check, ask once more for what failed, and settle: the words of a list, all in one go.

    Args:
        texts: Who answers; None writes templates.
        facts: The bundles, in the order they are shown.
        titles: Of all products of the store: none of another bundle's may be named.
        config: Lengths, tone, language.
        deadline: Unix seconds after which no answer is waited for.
    """
    if texts is None:
        return settle_words(facts, Drafts(), None, config)
    others = other_titles(titles)
    asked = words_prompts(facts, config)
    first = read_words(facts, asked, ask(texts, [one.prompt for one in asked], deadline), others, config)
    again = words_prompts(facts, config, to_repair(first)) if to_repair(first) else []
    answers = ask(texts, [one.prompt for one in again], deadline)
    return settle_words(facts, first, read_words(facts, again, answers, others, config, first), config)
