"""What every embedder and every text generator keeps, and what a bad server on a real socket makes of it."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated, Any

import numpy as np
import pytest
from pydantic import BaseModel, Field

from actors.minilm import shared_model
from actors.remote.budget import Payer
from actors.remote.embedder import OpenAIEmbedder
from actors.remote.thread_line import ThreadLine
from actors.remote.writer import OpenAIWriter
from configs.models import CapabilitiesConfig, ModelsConfig, PacingConfig
from pipeline.errors import ModelError
from pipeline.ports import Embedder, Prompt, Unanswered
from tests.support.model_server import Fault, ModelServer, serving, status, vector_of

TEXTS = ["Rose Mug. Kitchen", "Rose Mug. Kitchen", "Blue Plate", "Café – Tasse ☕", "杯子", "x" * 5_000, ""]
QUICK = PacingConfig(first_wait_s=0.01, longest_wait_s=0.05, call_timeout_s=1.0)
PAYER = Payer("shop", "run")


class Words(BaseModel):
    name: Annotated[str, Field(max_length=20)]
    score: Annotated[int, Field(ge=0, le=10)]


PROMPT = Prompt("words", "1", "Name it.", '{"titles": ["Mug"]}', Words, 100)


def config_of(server: ModelServer, **changes: Any) -> ModelsConfig:
    return ModelsConfig(base_url=server.url, dimensions=server.width, pacing=QUICK).model_copy(update=changes)


@contextmanager
def embedding(server: ModelServer, patience_s: float = 3.0, **changes: Any) -> Iterator[OpenAIEmbedder]:
    with serving(server):
        config = config_of(server, **changes)
        with ThreadLine(config, PAYER) as line:
            yield OpenAIEmbedder(config, line, patience_s)


@contextmanager
def writing(server: ModelServer, **changes: Any) -> Iterator[OpenAIWriter]:
    with serving(server):
        config = config_of(server, **changes)
        with ThreadLine(config, PAYER) as line:
            yield OpenAIWriter(config, line)


@pytest.fixture(params=["embedded", "endpoint", "endpoint, three texts a call"])
def embedder(request: pytest.FixtureRequest) -> Iterator[Embedder]:
    with ExitStack() as stack:
        if request.param == "embedded":
            yield shared_model()
        else:
            can = CapabilitiesConfig(max_inputs=3 if "three" in request.param else 256)
            yield stack.enter_context(embedding(ModelServer(), capabilities=can))


def test_vectors_are_of_unit_length_and_equal_for_equal_texts(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)

    assert vectors.shape == (len(TEXTS), embedder.info.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (vectors[0] == vectors[1]).all()


def test_a_vector_does_not_depend_on_the_texts_beside_it(embedder: Embedder) -> None:
    together = embedder.embed(TEXTS)

    for row, text in enumerate(TEXTS):
        assert (embedder.embed([text])[0] == together[row]).all()


def test_no_text_is_no_vector(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.info.dimension)


@pytest.mark.parametrize(
    "script",
    [
        (status(429, retry_after_ms="20"),), (status(429, retry_after="0"), status(429)), (status(500),),
        (Fault("reset"), Fault("reset")), (Fault("cut"),), (Fault("hang"),), (Fault("drip"),), (Fault("shuffled"),),
        (Fault("garbled"),), (Fault("empty"),), (Fault("nan"),), (Fault("wide"),), (Fault("html"),),
        (Fault("no usage"),),
    ],
    ids=lambda script: "+".join(f"{fault.kind}{fault.status if fault.kind == 'status' else ''}" for fault in script),
)  # fmt: skip
def test_a_server_that_recovers_costs_time_and_nothing_else(script: tuple[Fault, ...]) -> None:
    server = ModelServer(script=script)
    with embedding(server) as embedder:
        vectors = embedder.embed(["a", "b"])

    expected = np.array([vector_of("a", 8), vector_of("b", 8)]) / 3
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    assert server.calls == len([fault for fault in script if fault.kind not in ("shuffled", "no usage")]) + 1


@pytest.mark.parametrize(
    ("fault", "code", "calls"),
    [
        (status(500), "unavailable", 4),
        (status(400, message="no such parameter"), "bad_request", 1),
        (status(404), "bad_request", 1),
        (status(401, "invalid_api_key"), "bad_key", 1),
        (status(429, "insufficient_quota"), "no_quota", 1),
        (status(429, retry_after="120"), "rate_limited", 1),
        (Fault("reset"), "unavailable", 4),
        (Fault("cut"), "unavailable", 4),
        (Fault("wide"), "bad_output", 2),
        (Fault("nan"), "bad_output", 2),
        (Fault("zero"), "bad_output", 2),
        (Fault("missing"), "bad_output", 2),
        (Fault("twice"), "bad_output", 2),
        (Fault("empty"), "bad_output", 2),
        (Fault("garbled"), "bad_output", 2),
        (Fault("html"), "bad_output", 2),
    ],
    ids=lambda value: f"{value.kind}{value.status}" if isinstance(value, Fault) else None,
)
def test_a_server_that_does_not_recover_is_an_error_and_never_vectors(fault: Fault, code: str, calls: int) -> None:
    server = ModelServer(always=fault)
    with embedding(server) as embedder, pytest.raises(ModelError) as caught:
        embedder.embed(["a", "b"])

    assert caught.value.fault == code
    assert server.calls == calls


def test_a_server_that_hangs_is_given_up_when_patience_ends() -> None:
    started = time.monotonic()
    with embedding(ModelServer(always=Fault("hang")), patience_s=1.5) as embedder:
        with pytest.raises(ModelError) as caught:
            embedder.embed(["a"])
        took = time.monotonic() - started

    assert caught.value.fault in ("deadline", "timed_out")
    assert took < 1.5 + 2


def test_nobody_listening_is_said_in_words() -> None:
    server = ModelServer()
    with serving(server):
        config = config_of(server)
    with ThreadLine(config, PAYER) as line, pytest.raises(ModelError, match="no connection"):
        OpenAIEmbedder(config, line, 3.0).embed(["a"])


def test_equal_texts_are_sent_once_and_no_call_is_larger_than_allowed() -> None:
    server = ModelServer()
    can = CapabilitiesConfig(max_inputs=4)
    with embedding(server, capabilities=can) as embedder:
        embedder.embed(["a", "b", "c"] * 5 + [f"text {at}" for at in range(10)])

    sent = [text for _, body in server.requests for text in body["input"]]
    assert sorted(sent) == sorted({"a", "b", "c", *(f"text {at}" for at in range(10))})
    assert max(len(body["input"]) for _, body in server.requests) == 4


def test_a_good_answer_is_an_instance_of_its_schema() -> None:
    with writing(ModelServer(answer=lambda body: {"name": "Tea Time", "score": 7})) as writer:
        answers = writer.answer([PROMPT, PROMPT], time.time() + 10)

    assert answers == [Words(name="Tea Time", score=7)] * 2


@pytest.mark.parametrize(
    ("server", "code", "calls"),
    [
        (ModelServer(always=Fault("refusal")), "refused", 1),
        (ModelServer(always=Fault("filter")), "refused", 1),
        (ModelServer(answer=lambda body: "{" * 50, always=Fault("length")), "truncated", 1),
        (ModelServer(answer=lambda body: {"name": "Tea", "score": 7}, always=Fault("half")), "bad_output", 2),
        (ModelServer(answer=lambda body: "Sure! Here is the name: Tea"), "bad_output", 2),
        (ModelServer(answer=lambda body: {"name": "Tea", "score": 99}), "bad_output", 2),
        (ModelServer(answer=lambda body: {"name": "x" * 21, "score": 1}), "bad_output", 2),
        (ModelServer(always=status(429, "insufficient_quota")), "no_quota", 1),
        (ModelServer(always=status(401)), "bad_key", 1),
        (ModelServer(always=status(500)), "unavailable", 4),
        (ModelServer(always=Fault("drip")), "timed_out", 4),
    ],
    ids=["refusal", "filter", "length", "half", "prose", "range", "long", "quota", "key", "500", "drip"],
)
def test_an_answer_that_can_t_be_used_is_a_reason_and_no_error(server: ModelServer, code: str, calls: int) -> None:
    with writing(server) as writer:
        (answer,) = writer.answer([PROMPT], time.time() + 20)

    assert isinstance(answer, Unanswered)
    assert (str(answer.code), server.calls) == (code, calls)


def test_a_chat_that_hangs_is_over_at_the_deadline() -> None:
    started = time.monotonic()
    with writing(ModelServer(always=Fault("hang")), pacing=PacingConfig()) as writer:
        answers = writer.answer([PROMPT] * 3, time.time() + 1.0)
        took = time.monotonic() - started

    assert [answer.code for answer in answers if isinstance(answer, Unanswered)] == ["deadline"] * 3
    assert took < 1.0 + 2


def test_an_answer_that_obeys_the_data_is_still_only_an_answer_of_the_schema() -> None:
    def obey(body: dict[str, Any]) -> Any:
        return {"name": "Mug", "score": 5, "discount": 0.9, "link": "http://evil"}

    with writing(ModelServer(answer=obey)) as writer:
        (answer,) = writer.answer([PROMPT], time.time() + 10)

    assert answer == Words(name="Mug", score=5)


def test_the_bill_has_every_token_the_server_counted() -> None:
    server = ModelServer(answer=lambda body: {"name": "Tea", "score": 1}, script=(None, status(500), Fault("half")))
    with serving(server):
        config = config_of(server)
        with ThreadLine(config, PAYER) as line:
            OpenAIEmbedder(config, line).embed(["Rose Mug", "Blue Plate"])
            OpenAIWriter(config, line).answer([PROMPT], time.time() + 10)
            spent = {row.purpose: row for row in line.close()}

    assert sum(row.input_tokens for row in spent.values()) == server.input_tokens
    assert spent["words"].output_tokens == server.output_tokens
    assert (spent["embedding"].calls, spent["words"].calls) == (1, 2)
