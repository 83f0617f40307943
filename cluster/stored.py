"""A run that is over, opened again in this process: its snapshot, settings and plan, without Ray."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from typing import Any

from pydantic import ValidationError

from actors.answers import AnswerStore, KeptAnswers, NobodyAnswers
from actors.minilm import MiniLM, shared_model
from actors.places import open_folder
from actors.shard import ContextRef, SnapshotRef, StoreShard, tags_ref
from cluster.bill import model_in
from cluster.database.values import Run
from cluster.session import data_folder
from cluster.uploads import snapshot_ref
from configs.flags import merged
from configs.settings import Settings, as_settings_error
from pipeline.combo import evaluate_combo
from pipeline.config import RunConfig
from pipeline.context.embedding import EmbeddingCache
from pipeline.context.store import StoreContext
from pipeline.errors import NotFoundError
from pipeline.generate import Outcome, ask_for_sets, ask_for_tags, conclude, plan_for
from pipeline.ingest.snapshot import Catalog
from pipeline.ingest.store import has_snapshot
from pipeline.plan import Plan
from pipeline.ports import ModelInfo
from pipeline.storage import Place
from pipeline.terms import Combo


@dataclass(frozen=True)
class StoredRun:
    """One run of the database, and what it was made of.

    Args:
        run: As the database has it.
        config: Its settings, or changed ones.
        plan: Its plan, or that of the changed settings.
        shard: Reads its snapshot and its vectors.
        snapshot: Where the snapshot lies.
        vectors: The model whose vectors it used; None for none.
        cache: Where texts whose vectors are not there are embedded; None where they are left out.
        texts: The answers of text models that it used, and no others; None where none were asked.
    """

    run: Run
    config: RunConfig
    plan: Plan
    shard: StoreShard
    snapshot: SnapshotRef
    vectors: ModelInfo | None
    cache: Place | None
    texts: KeptAnswers | None

    @cached_property
    def context(self) -> StoreContext:
        """The store as the run saw it."""
        if self.cache is not None:
            self._embed_missing(self.cache)
        tags = tags_ref(ask_for_tags(self.catalog, self.texts, self.config))
        return self.shard.context(
            ContextRef(self.snapshot, self.plan.as_of, self.config.context, self.vectors, self.config.tags, tags)
        )

    @property
    def catalog(self) -> Catalog:
        """The catalog of its snapshot."""
        return self.shard.catalog(self.snapshot)

    def _embed_missing(self, cache: Place) -> None:
        """Embed what the cache has lost since the run, or changed settings need besides."""
        model = shared_model()
        missing = self.shard.missing_texts(self.snapshot, model.info, self.config.tags)
        if missing:
            EmbeddingCache(open_folder(cache), model.info).put(missing, model.embed(missing))

    def under(self, changes: Mapping[str, Any]) -> "StoredRun":
        """The same run under other settings; the plan is made anew, from the history that the old one was made from.

        Args:
            changes: Nested settings that take the place of the run's own.

        Raises:
            SettingsError: a setting nobody knows, or a value out of range.
        """
        config = parse_settings(merged(self.config.model_dump(mode="json"), changes))
        changed = replace(self, config=config)
        plan = plan_for(changed.context, config, [self.plan.budget.combo_cost_ms])
        return replace(changed, plan=plan)

    def recompute(self) -> Outcome:
        """All phases again, in one process. What a deadline cut, or no worker could finish, is left out again."""
        lost = _unfinished(self.run.record)
        combos = [combo for combo in self.plan.admitted if combo not in lost]
        results = [evaluate_combo(self.context, combo, self.plan, self.config, lambda: 0.0) for combo in combos]
        suggested = ask_for_sets(self.context, self.catalog, self.plan, self.texts, self.config)
        return conclude(
            self.context, self.catalog, self.plan, results, self.config, _generations(self.run), suggested=suggested,
            texts=self.texts,
        )  # fmt: skip


def open_run(run: Run, settings: Settings, *, embed: bool = True) -> StoredRun:
    """Open a run that ended with bundles.

    Args:
        run: As the database has it.
        settings: Where snapshots and vectors are.
        embed: Whether texts whose vectors were lost are embedded again; else the store is seen without any vectors.

    Raises:
        NotFoundError: the run has no plan or no record, or its snapshot is gone.
        SettingsError: its settings are none of this version.
    """
    if run.plan is None or run.record is None or run.snapshot is None:
        raise NotFoundError("finished run", run.run_id, f"it is {run.state}: nothing was kept to do it again")
    home = data_folder(settings.data_dir)
    snapshot = snapshot_ref(home, run.store, run.snapshot)
    if not has_snapshot(open_folder(snapshot.folder)):
        where = snapshot.folder.parent
        hint = f"expected in {where}; ingest the same files again, or name the data folder with --data-dir"
        raise NotFoundError("snapshot", run.snapshot[:12], hint)
    shard = StoreShard(home / "vectors")
    vectors = model_in(run.record)
    cache = home / "vectors" if embed and vectors == MiniLM().info else None
    plan, texts = Plan.model_validate(run.plan), _answers(run.record, home / "answers")
    return StoredRun(run, parse_settings(run.settings), plan, shard, snapshot, vectors, cache, texts)


def parse_settings(values: Mapping[str, Any]) -> RunConfig:
    """The settings of a run, from their JSON.

    Raises:
        SettingsError: a setting that this version does not know, or a value out of range.
    """
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        raise as_settings_error(error, RunConfig) from None


def _answers(record: Mapping[str, Any], folder: Place) -> KeptAnswers | None:
    """The answers that a run used: nobody is asked again, and nothing is used that it did not know."""
    said = record.get("models", {})
    if not said.get("text"):
        return None
    return KeptAnswers(NobodyAnswers(ModelInfo(**said["text"])), AnswerStore(folder), frozenset(said["answers"]))


def _unfinished(record: Mapping[str, Any] | None) -> set[Combo]:
    rows = (record or {}).get("combos_evaluated", [])
    return {Combo(row["objective"], row["type"]) for row in rows if row["state"] in ("cut", "failed")}


def _generations(run: Run) -> Callable[[], bool]:
    """Lets as many generations go on as the run came to, where a deadline cut them."""
    ran = ((run.record or {}).get("portfolio") or {}).get("generations")
    if ran is None or ran >= (run.plan or {}).get("generations", 0):
        return lambda: True
    asked = count(1)
    return lambda: next(asked) < ran
