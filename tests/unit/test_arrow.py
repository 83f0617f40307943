"""pyarrow is used without pandas, which takes half a second to import, and gives way to it where it is asked for."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

RUN = """
import sys
from pathlib import Path
import numpy as np
import cluster.tasks
from actors.shard import StoreShard, SnapshotRef
from cluster.uploads import take_upload
from configs.settings import load_settings
from pipeline.config import RunConfig
from pipeline.generate import generate
from pipeline.ingest.store import read_snapshot

settings = load_settings({"data_dir": sys.argv[1]})
upload = take_upload(Path("configs/demo_store").resolve(), "demo", settings)
snapshot = read_snapshot(upload.ref.folder)
outcome = generate(snapshot, np.zeros((len(snapshot.catalog), 0), dtype=np.float32), RunConfig())
assert outcome.bundles
print([name for name in ("pandas", "pyarrow.dataset") if name in sys.modules])
"""

ASKED = """
import sys
import pipeline.arrow
import pyarrow as pa
frame = pa.table({"a": [1, 2]}).to_pandas()
import pandas as pd
print(pa.array(pd.Series([3])).to_pylist(), frame["a"].tolist())
"""


def said(script: str, *arguments: object) -> str:
    """Standard output of a script in a process that has imported nothing yet."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def test_files_become_bundles_without_pandas(tmp_path: Path) -> None:
    assert said(RUN, tmp_path) == "[]"


def test_pandas_is_there_for_who_asks_for_it() -> None:
    assert said(ASKED) == "[3] [1, 2]"
