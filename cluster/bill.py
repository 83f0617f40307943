"""What a run's models came to, and whose vectors a run used."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from actors.minilm import MiniLM
from cluster.database.values import ModelUsage
from pipeline.ports import ModelInfo


@dataclass(frozen=True, slots=True)
class Bill:
    """What a run's models came to."""

    cost: tuple[ModelUsage, ...]
    """Rows of the ledger."""
    record: dict[str, Any]
    """Its part of the record."""
    reasons: tuple[dict[str, str], ...]
    """Why the run is degraded: none where all was answered, else one, however much was not."""

    @property
    def total(self) -> dict[str, Any]:
        """Tokens and dollars in all, as the record has them; dollars that nobody confirmed included."""
        usd = sum((row.usd or Decimal(0) for row in self.cost), Decimal(0))
        return {"tokens": sum(row.input_tokens + row.output_tokens for row in self.cost), "usd": f"{usd.normalize():f}"}


NOTHING_ASKED = Bill((), {"source": "embedded", "vectors": asdict(MiniLM().info), "text": None}, ())
"""That of a run with the embedded models."""


def model_in(record: Mapping[str, Any]) -> ModelInfo | None:
    """The model whose vectors a run used; runs from before there were others used the embedded one."""
    if "models" not in record:
        return MiniLM().info
    said = record["models"]["vectors"]
    return ModelInfo(**said) if said else None
