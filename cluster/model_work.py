"""All that a run asks of remote models, and what that came to. With the embedded ones it asks nothing."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from actors.minilm import MiniLM
from actors.remote.budget import Amount, Payer, Spent
from actors.remote.embedder import OpenAIEmbedder
from cluster.database.records import StoreRecords
from cluster.database.values import ModelUsage
from cluster.gateway import ActorLine, open_line
from cluster.progress import Progress
from configs.models import ModelsConfig
from pipeline.context.embedding import EmbeddingCache
from pipeline.errors import NotFoundError
from pipeline.ports import ModelInfo, Unanswered

Reason = dict[str, str]
"""Why a run is not simply `succeeded`: `code` and `detail`."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What a run's models came to."""

    cost: tuple[ModelUsage, ...]
    """Rows of the ledger."""
    record: dict[str, Any]
    """Its part of the record."""
    reasons: tuple[Reason, ...]
    """Why the run is degraded; none where all was answered."""

    @property
    def total(self) -> dict[str, Any]:
        """Tokens and dollars in all, as the record has them; dollars that nobody confirmed included."""
        usd = sum((row.usd or Decimal(0) for row in self.cost), Decimal(0))
        return {"tokens": sum(row.input_tokens + row.output_tokens for row in self.cost), "usd": f"{usd.normalize():f}"}


def embedding_model(config: ModelsConfig) -> ModelInfo:
    """The embedding model that the settings name."""
    return config.embedding_info if config.is_remote() else MiniLM().info


class ModelWork:
    """What one run asks of models.

    Args:
        config: Which models.
        gateway: The way to remote ones; None where the embedded ones are used.
        records: The store's runs and what they cost.
        run_id: The run.
        patience_s: How long without any vector, in seconds, before the rest is given up.
    """

    def __init__(
        self, config: ModelsConfig, gateway: Any, records: StoreRecords, run_id: str, patience_s: float
    ) -> None:
        self._config, self._records, self._patience_s = config, records, patience_s
        self.model = embedding_model(config)
        self.vectors: ModelInfo | None = self.model
        """Whose vectors the run uses; None for no vectors."""
        self._line: ActorLine | None = None
        if gateway is not None:
            self._line = open_line(gateway, Payer(records.store, run_id, spent_today=_spent_today(records)))
        self._reasons: list[Reason] = []

    @property
    def is_remote(self) -> bool:
        """Whether an endpoint is asked."""
        return self._line is not None

    def last_model(self) -> ModelInfo | None:
        """The model whose vectors the store's last good run used, where it is another one."""
        try:
            record = self._records.run().record or {}
        except NotFoundError:
            return None
        said: Mapping[str, Any] | None = (record.get("models") or {}).get("vectors")
        last = ModelInfo(**said) if said else None
        return None if last == self.model else last

    def embed(self, texts: list[str], cache: EmbeddingCache, progress: Progress) -> None:
        """Ask for the vectors of all texts and keep those that come; what does not come is a reason."""
        assert self._line is not None  # the embedded model works in tasks
        missing, why = 0, ""
        for part in OpenAIEmbedder(self._config, self._line, self._patience_s).each(texts):
            if isinstance(part.vectors, Unanswered):
                missing, why = missing + len(part.texts), why or f"{part.vectors.code}: {part.vectors.detail}"
                continue
            cache.put(part.texts, part.vectors)
            progress.step(len(part.texts))
        if missing:
            self._reasons.append(
                {
                    "code": "embedding_failed",
                    "detail": f"{missing} of {len(texts)} product texts have no vector ({why})",
                }
            )

    def use(self, model: ModelInfo | None) -> None:
        """Use another set of vectors than that of the settings, or none, and say so."""
        self.vectors = model
        instead = "the bundles were made without vectors"
        if model is not None:
            instead = f"the vectors of {model.model!r}, which the last run used, serve until then"
        self._reasons.append(
            {"code": "vectors_incomplete", "detail": f"{self.model.model!r} is not complete; {instead}"}
        )

    def close(self) -> Bill:
        """The bill; nothing may be asked from now on."""
        spent = self._line.close() if self._line is not None else ()
        record = {
            "source": "openai" if self.is_remote else "embedded",
            "vectors": asdict(self.vectors) if self.vectors else None,
        }
        if spent is None:
            self._reasons.append({"code": "bill_unknown", "detail": "the gateway to the models died with the bill"})
            spent = ()
        usage = [row for one in spent for row in _usage(one, self.model.provider)]
        return Bill(tuple(usage), record | _totals(spent), tuple(self._reasons))


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


def _spent_today(records: StoreRecords) -> Amount:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Amount(*records.spent_since(midnight))
