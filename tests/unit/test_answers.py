from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import BaseModel

from actors.answers import AnswerStore, KeptAnswers, NobodyAnswers, answer_key
from pipeline.ports import ModelInfo, Prompt, Unanswered

INFO = ModelInfo("openai", "m", "1", 0)


class Word(BaseModel):
    word: str


class OtherWord(BaseModel):
    word: str
    tone: str = ""


class Writer:
    """Answers with the data; what is in `wont` it does not answer."""

    info = INFO

    def __init__(self, wont: Sequence[str] = ()) -> None:
        self.asked: list[str] = []
        self.wont = wont

    def answer(self, prompts: Sequence[Prompt], deadline: float) -> list[BaseModel | Unanswered]:
        self.asked += [prompt.data for prompt in prompts]
        return [
            Unanswered("refused", "no") if prompt.data in self.wont else Word(word=prompt.data) for prompt in prompts
        ]


def prompt(data: str, version: str = "1") -> Prompt:
    return Prompt("words", version, "Say it.", data, Word, 100)


def test_what_was_answered_once_is_not_asked_again(tmp_path: Path) -> None:
    KeptAnswers(Writer(), AnswerStore(tmp_path)).answer([prompt("a"), prompt("b")], 0.0)
    writer = Writer()

    again = KeptAnswers(writer, AnswerStore(tmp_path)).answer([prompt("b"), prompt("c"), prompt("a")], 0.0)

    assert again == [Word(word="b"), Word(word="c"), Word(word="a")]
    assert writer.asked == ["c"]


def test_equal_questions_of_one_call_are_asked_once(tmp_path: Path) -> None:
    writer = Writer()

    answers = KeptAnswers(writer, AnswerStore(tmp_path)).answer([prompt("a"), prompt("a")], 0.0)

    assert (answers, writer.asked) == ([Word(word="a")] * 2, ["a"])


def test_a_changed_version_asks_exactly_what_it_changed(tmp_path: Path) -> None:
    KeptAnswers(Writer(), AnswerStore(tmp_path)).answer([prompt("a"), prompt("b")], 0.0)
    writer = Writer()

    KeptAnswers(writer, AnswerStore(tmp_path)).answer([prompt("a", "2"), prompt("b")], 0.0)

    assert writer.asked == ["a"]


def test_every_part_of_a_question_is_part_of_its_key() -> None:
    plain = prompt("a")
    changed = (
        replace(plain, purpose="tags"), replace(plain, version="2"), replace(plain, instructions="Whisper it."),
        replace(plain, data="b"), replace(plain, schema=OtherWord), replace(plain, max_output_tokens=99),
    )  # fmt: skip

    keys = {answer_key(plain, INFO), answer_key(plain, replace(INFO, revision="2"))}
    keys |= {answer_key(other, INFO) for other in changed}

    assert len(keys) == 8


def test_a_question_that_was_not_answered_is_asked_again(tmp_path: Path) -> None:
    first = KeptAnswers(Writer(wont=["a"]), AnswerStore(tmp_path)).answer([prompt("a")], 0.0)
    writer = Writer()

    second = KeptAnswers(writer, AnswerStore(tmp_path)).answer([prompt("a")], 0.0)

    assert (first, second) == ([Unanswered("refused", "no")], [Word(word="a")])


@pytest.mark.parametrize("damage", [b"", b"{}", b"[1]", b'{"sha256": "0", "answer": "{\\"word\\": \\"x\\"}"}'])
def test_a_damaged_answer_is_asked_again(tmp_path: Path, damage: bytes) -> None:
    KeptAnswers(Writer(), AnswerStore(tmp_path)).answer([prompt("a")], 0.0)
    (file,) = tmp_path.rglob("*.json")
    file.write_bytes(damage)
    writer = Writer()

    assert KeptAnswers(writer, AnswerStore(tmp_path)).answer([prompt("a")], 0.0) == [Word(word="a")]
    assert writer.asked == ["a"]


def test_a_run_done_again_asks_nobody_and_knows_no_later_answer(tmp_path: Path) -> None:
    first = KeptAnswers(Writer(wont=["b"]), AnswerStore(tmp_path))
    before = first.answer([prompt("a"), prompt("b")], 0.0)
    KeptAnswers(Writer(), AnswerStore(tmp_path)).answer([prompt("b")], 0.0)

    again = KeptAnswers(NobodyAnswers(INFO), AnswerStore(tmp_path), only=first.report.used)
    after = again.answer([prompt("a"), prompt("b")], 0.0)

    assert after[0] == before[0]
    assert isinstance(after[1], Unanswered)
    assert after[1].code == "not_kept"
    assert again.report.used == first.report.used
    assert again.report.heard["words"].silent == 1
