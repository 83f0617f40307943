"""Ingesting text without fuss."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pipeline.ingest.config import IngestConfig
from pipeline.ingest.folder import Ingested, ingest_folder

Ingest = Callable[..., Ingested]


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    """Writes files (name → text or bytes) and ingests them: `ingest({"orders.csv": …}, currency="EUR")`."""
    count = 0

    def run(
        files: Mapping[str, str | bytes], *, store: str = "shop", salt: bytes = b"salt", **settings: object
    ) -> Ingested:
        nonlocal count
        count += 1
        folder = tmp_path / f"upload-{count}"
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return ingest_folder(folder, store=store, config=IngestConfig.model_validate(settings), salt=salt)

    return run
