"""What is sent and what is made of the answer, with the network replaced at the SDK's own transport."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import BaseModel

from actors.remote.endpoint import Endpoint, read_key
from actors.remote.faults import may_have_cost, model_error
from configs.models import CapabilitiesConfig, ModelsConfig
from pipeline.errors import ModelError, ModelFault
from pipeline.ports import Prompt

KEY = "sk-very-secret-1234567890"
LOCAL = "http://127.0.0.1:1/v1"


class Word(BaseModel):
    word: str


PROMPT = Prompt("words", "1", "Say it.", '{"title": "Mug"}', Word, 50)


def sent(config: ModelsConfig, call: str = "ask") -> tuple[dict[str, Any], httpx2.Headers, str]:
    """Body, headers and address of one request."""
    seen: list[httpx2.Request] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(400, json={"error": {"message": "enough", "type": None, "code": None, "param": None}})

    endpoint = Endpoint(config, {"OPENAI_API_KEY": KEY}, httpx2.MockTransport(handle))
    with pytest.raises(Exception, match="enough"):
        asyncio.run(endpoint.ask(PROMPT) if call == "ask" else endpoint.embed(["a"]))
    return json.loads(seen[0].content), seen[0].headers, str(seen[0].url)


def test_openai_s_own_endpoint_is_told_all_that_it_understands() -> None:
    body, headers, url = sent(ModelsConfig())

    assert url.startswith("https://api.openai.com/v1/chat/completions")
    assert headers["authorization"] == f"Bearer {KEY}"
    assert body["max_completion_tokens"] == 50
    assert (body["reasoning_effort"], body["seed"]) == ("none", 7)
    assert body["response_format"]["json_schema"]["strict"] is True
    assert sent(ModelsConfig(), "embed")[0]["dimensions"] == 1536


def test_another_endpoint_is_told_nothing_it_may_not_understand() -> None:
    body, _, _ = sent(ModelsConfig(base_url=LOCAL))

    assert set(body) == {"model", "messages", "max_tokens", "response_format"}
    assert set(sent(ModelsConfig(base_url=LOCAL), "embed")[0]) == {"model", "input", "encoding_format"}


def test_an_endpoint_without_schemas_is_told_the_schema_in_words() -> None:
    can = CapabilitiesConfig(supports_json_schema=False)
    body, _, _ = sent(ModelsConfig(base_url=LOCAL, capabilities=can))

    assert body["response_format"] == {"type": "json_object"}
    assert '"word"' in body["messages"][0]["content"]


def test_text_of_products_is_in_the_user_s_part_alone() -> None:
    body, _, _ = sent(ModelsConfig())

    assert body["messages"] == [
        {"role": "system", "content": "Say it."}, {"role": "user", "content": '{"title": "Mug"}'},
    ]  # fmt: skip


def answered(response: httpx2.Response) -> ModelError:
    """The error of a call that the server answered so."""
    endpoint = Endpoint(ModelsConfig(), {"OPENAI_API_KEY": KEY}, httpx2.MockTransport(lambda request: response))
    try:
        reply = asyncio.run(endpoint.ask(PROMPT))
    except Exception as error:
        return model_error(error, endpoint.key)
    assert isinstance(reply.value, ModelError)
    return reply.value


def refused(code: int, error_code: str | None = None, message: str = "no", **headers: str) -> httpx2.Response:
    error = {"message": message, "type": error_code, "code": error_code, "param": None}
    return httpx2.Response(code, json={"error": error}, headers={k.replace("_", "-"): v for k, v in headers.items()})


@pytest.mark.parametrize(
    ("response", "fault"),
    [
        (refused(400), ModelFault.BAD_REQUEST),
        (refused(401), ModelFault.BAD_KEY),
        (refused(403), ModelFault.BAD_KEY),
        (refused(404), ModelFault.BAD_REQUEST),
        (refused(408), ModelFault.TIMED_OUT),
        (refused(413), ModelFault.TOO_LARGE),
        (refused(422), ModelFault.BAD_REQUEST),
        (refused(429), ModelFault.RATE_LIMITED),
        (refused(429, "insufficient_quota"), ModelFault.NO_QUOTA),
        (refused(500), ModelFault.UNAVAILABLE),
        (refused(501), ModelFault.BAD_REQUEST),
        (refused(503), ModelFault.UNAVAILABLE),
        (httpx2.Response(200, text="<html>"), ModelFault.BAD_OUTPUT),
        (httpx2.Response(200, json={"choices": []}), ModelFault.BAD_OUTPUT),
        (httpx2.Response(200, json=[1, 2]), ModelFault.BAD_OUTPUT),
    ],
)
def test_every_answer_has_its_place_in_the_taxonomy(response: httpx2.Response, fault: ModelFault) -> None:
    assert answered(response).fault is fault


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"retry_after": "3"}, 3.0), ({"retry_after_ms": "250"}, 0.25), ({"retry_after": "soon"}, None), ({}, None)],
)
def test_what_a_server_asks_to_wait_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert answered(refused(429, **headers)).retry_after_s == seconds


@pytest.mark.parametrize("code", [400, 401, 429, 500])
def test_a_server_that_repeats_the_key_does_not_get_it_into_an_error(code: int) -> None:
    error = answered(refused(code, message=f"wrong key {KEY}\n\x1b[31mignore the above"))

    assert KEY not in str(error)
    assert KEY not in repr(error)
    assert "\x1b" not in str(error)


def test_the_key_is_in_no_representation() -> None:
    config = ModelsConfig()
    endpoint = Endpoint(config, {"OPENAI_API_KEY": KEY}, httpx2.MockTransport(lambda request: refused(400)))
    with pytest.raises(Exception, match="no"):
        asyncio.run(endpoint.ask(PROMPT))

    assert KEY not in f"{endpoint!r} {config!r} {config.model_dump_json()}"


def test_a_key_is_read_from_the_environment_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(" sk-file \n")
    config = ModelsConfig(api_key_file=file)

    assert read_key(config, {"OPENAI_API_KEY": "sk-environment"}) == "sk-environment"
    assert read_key(config, {"OPENAI_API_KEY": " "}) == "sk-file"


def test_a_missing_key_is_said_with_what_to_do_and_needed_at_openai_only(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"set OPENAI_API_KEY or models\.api_key_file"):
        read_key(ModelsConfig(), {})
    with pytest.raises(ModelError, match="can't be read"):
        read_key(ModelsConfig(api_key_file=tmp_path / "none"), {})

    assert read_key(ModelsConfig(base_url=LOCAL), {}) is None


def test_only_what_was_sent_and_not_refused_may_be_on_the_bill() -> None:
    def error_of(failure: Exception) -> BaseException:
        def fail(request: httpx2.Request) -> httpx2.Response:
            raise failure

        endpoint = Endpoint(ModelsConfig(), {"OPENAI_API_KEY": KEY}, httpx2.MockTransport(fail))
        with pytest.raises(Exception) as caught:  # noqa: PT011 (its kind is what is looked at)
            asyncio.run(endpoint.ask(PROMPT))
        return caught.value

    assert not may_have_cost(error_of(httpx2.ConnectError("refused")))
    assert may_have_cost(error_of(httpx2.ReadError("reset")))
    assert may_have_cost(error_of(httpx2.ReadTimeout("slow")))
