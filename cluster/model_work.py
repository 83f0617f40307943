"""All that a run, or an evaluation, asks of remote models, and what that came to. With embedded ones it asks nothing.

Questions go on their way as soon as they can be asked and are answered beside the run's own work: tags beside the first
bundles and the embedding, sets beside the combos, advice and words within phases 2 and 3.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from actors.answers import AnswerStore, Heard, KeptAnswers, Report
from actors.minilm import MiniLM
from actors.remote.budget import Payer, Spent
from actors.remote.embedder import Embedded, OpenAIEmbedder
from actors.remote.writer import OpenAIWriter
from actors.shard import TagsRef, tags_ref
from cluster.bill import NOTHING_ASKED, Bill
from cluster.database.values import ModelUsage
from cluster.gateway import ActorLine, open_line
from cluster.progress import Progress
from cluster.tasks import Told
from configs.models import ModelsConfig
from pipeline.candidates.suggestions import Shortlisted
from pipeline.config import RunConfig
from pipeline.context.embedding import EmbeddingCache
from pipeline.generate import ask_for_tags
from pipeline.ingest.snapshot import Catalog
from pipeline.ports import ModelInfo, Prompt, Unanswered

SHARES: Mapping[str, float] = {"tags": 0.4, "proposals": 0.6, "advice": 0.75, "words": 1.0}
"""Part of the run's time by which an answer must be there, so that one purpose leaves some to the next."""


class ModelWork:
    """What one run asks of models.

    Args:
        config: Which models.
        gateway: The way to remote ones; None where the embedded ones are used.
        answers: Where answers are kept.
        payer: The run, and what its store has spent.
        budget_s: Time of the run: longest wait for the next vector, and for all answers together.
    """

    def __init__(self, config: ModelsConfig, gateway: Any, answers: AnswerStore, payer: Payer, budget_s: float) -> None:
        self._config, self._answers, self._budget_s = config, answers, budget_s
        self.model = config.embedding_info if gateway is not None else MiniLM().info
        self.vectors: ModelInfo | None = self.model
        """Whose vectors the run uses; None for no vectors."""
        self._line: ActorLine | None = None
        if gateway is not None:
            self._line = open_line(gateway, payer)
            self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="model-work")
        self._began = time.time()
        self._report = Report()
        self._notes: list[str] = []
        self._tags: Future[tuple[TagsRef | None, Report]] | None = None
        self._sets: Future[tuple[Any, Report]] | None = None
        self._bill: Bill | None = None

    @property
    def is_remote(self) -> bool:
        """Whether an endpoint is asked."""
        return self._line is not None

    def ask_for_vectors(self, texts: list[str]) -> Iterator[Embedded]:
        """Their vectors, as they come. All are asked for when this returns."""
        assert self._line is not None  # the embedded model works in tasks
        return OpenAIEmbedder(self._config, self._line, self._budget_s).each(texts)

    def keep_vectors(self, parts: Iterator[Embedded], cache: EmbeddingCache, progress: Progress) -> None:
        """Keep the vectors that come; what does not come is noted."""
        heard = Heard()
        for part in parts:
            if isinstance(part.vectors, Unanswered):
                heard += Heard(silent=len(part.texts), why=f"{part.vectors.code}: {part.vectors.detail}")
            else:
                cache.put(part.texts, part.vectors)
                progress.step(len(part.texts))
            heard += Heard(len(part.texts))
        if heard.silent:
            self._report += Report(heard={"embedding": heard})
        else:
            self._began = time.time()  # a first embedding is outside the time of a run

    def use(self, model: ModelInfo | None) -> None:
        """Use another set of vectors than that of the settings, or none, and say so."""
        self.vectors = model
        note = "the bundles were made without vectors"
        self._notes.append(f"the vectors of {model.model!r} serve, which the last run used" if model else note)

    def begin_tags(self, catalog: Callable[[], Catalog], config: RunConfig) -> None:
        """Ask for tags of a store's products; `catalog` gets them, in a thread."""
        if self._line is None:
            return
        texts = KeptAnswers(_OnceUp(self), self._answers)

        def ask() -> tuple[TagsRef | None, Report]:
            return tags_ref(ask_for_tags(catalog(), texts, config, self._until("tags"))), texts.report

        self._tags = self._pool.submit(ask)

    def tags(self) -> TagsRef | None:
        """The tags that were asked for, as far as they came in time; None where nothing was said."""
        if self._tags is None:
            return None
        found, report = self._tags.result()
        self._report += report
        return found

    def begin_sets(self, shortlists: Callable[[], list[Shortlisted]]) -> None:
        """Ask for sets of products; `shortlists` gets what may be asked, in a thread."""
        if self._line is None:
            return
        texts = self._texts()

        def ask() -> tuple[Any, Report]:
            asked = shortlists()
            answers = texts.answer([one.prompt for one in asked], self._until("proposals"))
            return tuple(zip(asked, answers, strict=True)), texts.report

        self._sets = self._pool.submit(ask)

    def told(self) -> Told | None:
        """What phases 2 and 3 need of models; None where none are asked."""
        if self._sets is None:
            return None
        sets, report = self._sets.result()
        self._report += report
        return Told(self._texts(), sets, self._until("words"))

    def heard(self, report: Report) -> None:
        """Take note of what was asked elsewhere."""
        self._report += report

    def close(self) -> Bill:
        """The bill; nothing may be asked from now on. Asked for again, it is the same."""
        self._bill = self._bill or self._make_bill()
        return self._bill

    def _make_bill(self) -> Bill:
        if self._line is None:
            vectors = asdict(self.vectors) if self.vectors else None
            return Bill((), NOTHING_ASKED.record | {"vectors": vectors}, self._reasons(bill_is_known=True))
        self._pool.shutdown(wait=False, cancel_futures=True)
        spent = self._line.close()
        record: dict[str, Any] = {
            "source": "openai",
            "vectors": asdict(self.vectors) if self.vectors else None,
            "text": asdict(self._config.chat_info),
            "answers": sorted(self._report.used),
            "questions": {name: asdict(heard) for name, heard in sorted(self._report.heard.items())},
        }
        usage = [row for one in spent or () for row in _usage(one, self.model.provider)]
        return Bill(tuple(usage), record | _totals(spent or ()), self._reasons(bill_is_known=spent is not None))

    def _texts(self) -> KeptAnswers:
        """A generator of its own for each place that asks, so that each knows what it asked."""
        return KeptAnswers(self._writer(), self._answers)

    def _writer(self) -> OpenAIWriter:
        assert self._line is not None  # nobody else asks
        return OpenAIWriter(self._config, self._line, {purpose: self._until(purpose) for purpose in SHARES})

    @property
    def text_model(self) -> ModelInfo:
        """Identity of the model that writes."""
        return self._config.chat_info

    def first_writer(self) -> OpenAIWriter:
        """The writer, once its gateway is there: to start a process is Ray's time, and that of the run begins now."""
        assert self._line is not None  # nobody else asks
        self._line.wait_until_up(self._budget_s)
        self._began = time.time()
        return self._writer()

    def _until(self, purpose: str) -> float:
        return self._began + SHARES[purpose] * self._budget_s

    def _reasons(self, *, bill_is_known: bool) -> tuple[dict[str, str], ...]:
        failed = {name: heard for name, heard in sorted(self._report.heard.items()) if heard.silent}
        parts = [f"{heard.silent} of {heard.questions} {name} questions" for name, heard in failed.items()]
        parts = [part.replace("embedding questions", "product texts to embed") for part in parts]
        why = next((heard.why for heard in failed.values()), "")
        said = [f"no answer to {', '.join(parts)} ({why})"] if parts else []
        said += self._notes + ([] if bill_is_known else ["the gateway to the models died, and with it the bill"])
        return ({"code": "model_failed", "detail": "; ".join(said)},) if said else ()


class _OnceUp:
    """A `TextGenerator` for the first questions of a run: it waits for the gateway only where there is one to ask."""

    def __init__(self, work: ModelWork) -> None:
        self._work = work

    @property
    def info(self) -> ModelInfo:
        return self._work.text_model

    def answer(self, prompts: Sequence[Prompt], deadline: float) -> list[BaseModel | Unanswered]:
        """As the writer answers; its own deadlines count, since they begin with the gateway."""
        return self._work.first_writer().answer(prompts, float("inf"))


def _usage(row: Spent, provider: str) -> list[ModelUsage]:
    """A row of the ledger; and one of what nobody confirmed, which the store's day pays for all the same."""
    counted = (row.calls, row.input_tokens, row.output_tokens, row.cached_tokens, row.usd)
    known = ModelUsage(provider, row.model, row.purpose, *counted)
    lost = ModelUsage(provider, row.model, f"{row.purpose}, unconfirmed", 0, 0, 0, 0, row.unconfirmed_usd)
    return [known] * bool(row.calls) + [lost] * bool(row.unconfirmed_usd)


def _totals(spent: tuple[Spent, ...]) -> dict[str, Any]:
    """Tokens and dollars by purpose, and those nobody confirmed."""
    return {
        "asked": {
            row.purpose: {
                "model": row.model, "calls": row.calls, "input_tokens": row.input_tokens,
                "output_tokens": row.output_tokens, "cached_tokens": row.cached_tokens, "usd": f"{row.usd:f}",
            }
            for row in spent
        },
        "unconfirmed_usd": f"{sum((row.unconfirmed_usd for row in spent), Decimal(0)):f}",
    }  # fmt: skip
