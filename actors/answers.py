"""Answers of text models, kept by content: what was asked once is not asked again."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ValidationError

from actors.places import open_folder
from pipeline.errors import ModelFault
from pipeline.ports import Folder, ModelInfo, Prompt, TextGenerator, Unanswered
from pipeline.storage import Place


class AnswerStore:
    """Answers on disk, shared by all stores and by any number of processes.

    A file is named by what was asked and of whom, so a changed wording, schema, product text or model is another
    question. It is written whole or not at all and checked when read: what is lost or damaged is asked again.

    Args:
        root: Folder of the answers, made at the first `put`.
    """

    def __init__(self, root: Place) -> None:
        self._root = root

    def get(self, key: str, schema: type[BaseModel]) -> BaseModel | None:
        """The answer kept under a key; None where there is none that can be used."""
        try:
            kept = json.loads(self._folder(key).read(f"{key}.json").to_pybytes())
            body = kept["answer"]
            return schema.model_validate_json(body) if kept["sha256"] == _sha256(body) else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError):
            return None

    def put(self, key: str, answer: BaseModel) -> None:
        """Keep an answer."""
        body = answer.model_dump_json()
        self._folder(key).write(f"{key}.json", json.dumps({"sha256": _sha256(body), "answer": body}).encode())

    def _folder(self, key: str) -> Folder:
        return open_folder(self._root) / key[:2]


@dataclass(frozen=True, slots=True)
class Heard:
    """What questions of one purpose came to."""

    questions: int = 0
    kept: int = 0
    """Answered by an answer that was kept."""
    silent: int = 0
    """Without an answer."""
    why: str = ""
    """Why, of the first of them."""

    def __add__(self, other: "Heard") -> "Heard":
        return Heard(
            self.questions + other.questions, self.kept + other.kept, self.silent + other.silent, self.why or other.why
        )


@dataclass(frozen=True, slots=True)
class Report:
    """What a `KeptAnswers` did."""

    used: frozenset[str] = frozenset()
    """Keys of all answers it gave: with them a run can be done again."""
    heard: Mapping[str, Heard] = field(default_factory=dict)
    """By purpose."""

    def __add__(self, other: "Report") -> "Report":
        both = dict(self.heard)
        for purpose, heard in other.heard.items():
            both[purpose] = both.get(purpose, Heard()) + heard
        return Report(self.used | other.used, both)


class KeptAnswers:
    """A `TextGenerator` that asks another one only what was never answered before. It may travel to other processes.

    Refused, cut off or wrong answers are `Unanswered` and never kept.

    Args:
        inner: Who is asked.
        store: Where answers are kept.
        only: Keys of the only answers that may be used, for doing a run again that knew no others; all by default.
    """

    def __init__(self, inner: TextGenerator, store: AnswerStore, only: Collection[str] | None = None) -> None:
        self._inner, self._store, self._only = inner, store, only
        self.report = Report()

    @property
    def info(self) -> ModelInfo:
        """Identity of the model that is asked."""
        return self._inner.info

    def answer(self, prompts: Sequence[Prompt], deadline: float) -> list[BaseModel | Unanswered]:
        """An answer to each prompt, in order; equal prompts are asked once."""
        keys = [answer_key(prompt, self.info) for prompt in prompts]
        unique = dict(zip(keys, prompts, strict=True))
        kept = {key: found for key, prompt in unique.items() if (found := self._kept(key, prompt)) is not None}
        missing = [key for key in unique if key not in kept]
        fresh = self._inner.answer([unique[key] for key in missing], deadline) if missing else []
        answers: dict[str, BaseModel | Unanswered] = {**kept, **dict(zip(missing, fresh, strict=True))}
        for key in missing:
            if isinstance(answer := answers[key], BaseModel):
                self._store.put(key, answer)
        for key, prompt in unique.items():
            self.report += _report(key, prompt, answers[key], key in kept)
        return [answers[key] for key in keys]

    def _kept(self, key: str, prompt: Prompt) -> BaseModel | None:
        if self._only is not None and key not in self._only:
            return None
        return self._store.get(key, prompt.schema)


def _report(key: str, prompt: Prompt, answer: BaseModel | Unanswered, is_kept: bool) -> Report:
    if isinstance(answer, Unanswered):
        return Report(heard={prompt.purpose: Heard(1, silent=1, why=f"{answer.code}: {answer.detail}")})
    return Report(frozenset((key,)), {prompt.purpose: Heard(1, int(is_kept))})


class NobodyAnswers:
    """A `TextGenerator` that asks nobody: for doing a run again from the answers that were kept.

    Args:
        info: The model that the run asked.
    """

    def __init__(self, info: ModelInfo) -> None:
        self._info = info

    @property
    def info(self) -> ModelInfo:
        """Identity of the model that the run asked."""
        return self._info

    def answer(self, prompts: Sequence[Prompt], deadline: float) -> list[BaseModel | Unanswered]:
        """No answers."""
        return [Unanswered(ModelFault.NOT_KEPT, "nothing is asked, and no such answer was kept") for _ in prompts]


def answer_key(prompt: Prompt, model: ModelInfo) -> str:
    """sha256 of everything an answer hangs on: the model, the purpose, the version, the words and the schema."""
    schema = json.dumps(prompt.schema.model_json_schema(), sort_keys=True)
    parts = (
        model.key, prompt.purpose, prompt.version, prompt.instructions, prompt.data, schema,
        str(prompt.max_output_tokens),
    )  # fmt: skip
    return _sha256("\0".join(_sha256(part) for part in parts))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
