"""An OpenAI-compatible server on a real socket that does, request by request, what a script says.

`python -m tests.support.model_server` is one in a process of its own that answers well; it prints its address.
"""

import argparse
import asyncio
import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

import numpy as np
from pydantic import BaseModel

from pipeline.ports import Prompt, Unanswered
from tests.support.generators import GOOD, Script

Body = dict[str, Any]
Answer = Callable[[Body], Any]
"""From a chat request to what the model says: JSON, or text as it is."""


@dataclass(frozen=True)
class Fault:
    """What a server does with one request instead of answering it well."""

    kind: str
    """`status`, `hang`, `reset`, `cut`, `drip`, `html`, `garbled`, or one of `CHANGED_VECTORS`, `CHANGED_ANSWERS`."""
    status: int = 500
    code: str | None = None
    message: str = "something went wrong"
    headers: dict[str, str] = field(default_factory=dict)


def status(code: int, error_code: str | None = None, message: str = "no", **headers: str) -> Fault:
    """An HTTP error; underscores of header names are dashes."""
    return Fault("status", code, error_code, message, {name.replace("_", "-"): text for name, text in headers.items()})


class ModelServer:
    """Embeds by a hash of the text, and chats by `answer`.

    Args:
        width: Components of its vectors.
        latency_s: Time before each answer.
        answer: What the chat model says; an empty object by default.
        script: Faults of the first requests, in order; those after it are answered well.
        always: The fault of every request after the script.
    """

    def __init__(
        self, width: int = 8, latency_s: float = 0.0, answer: Answer = lambda body: {},
        script: tuple[Fault | None, ...] = (), always: Fault | None = None,
    ) -> None:  # fmt: skip
        self.width, self.latency_s, self.answer, self.always = width, latency_s, answer, always
        self.script = list(script)
        self.requests: list[tuple[str, Body]] = []
        self.headers: list[dict[str, str]] = []
        self.most_at_once = self._at_once = 0
        self.input_tokens = self.output_tokens = 0
        self.port = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def calls(self) -> int:
        """Requests so far."""
        return len(self.requests)

    def purposes(self) -> list[str]:
        """What the chat requests were for, by the name of their schema."""
        return [body["response_format"]["json_schema"]["name"] for path, body in self.requests if "chat" in path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
                body = json.loads(await reader.readexactly(int(headers.get("content-length", "0"))))
                path = head[0].split()[1]
                self.requests.append((path, body))
                self.headers.append(headers)
                if not await self._respond(path, body, writer):
                    return
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            return
        finally:
            writer.close()

    async def _respond(self, path: str, body: Body, writer: asyncio.StreamWriter) -> bool:
        fault = self.script.pop(0) if self.script else self.always
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(self.latency_s)
            return await self._act(fault, path, body, writer)
        finally:
            self._at_once -= 1

    async def _act(self, fault: Fault | None, path: str, body: Body, writer: asyncio.StreamWriter) -> bool:
        kind = fault.kind if fault else ""
        if kind == "hang":
            await asyncio.sleep(3600)
        if kind == "reset":
            writer.transport.abort()
            return False
        if fault and kind == "status":
            error = {"error": {"message": fault.message, "type": fault.code, "code": fault.code, "param": None}}
            return await _send(writer, fault.status, json.dumps(error).encode(), fault.headers)
        if kind == "html":
            return await _send(writer, 200, b"<html>hello</html>", {"content-type": "text/html"})
        payload = json.dumps(_changed(kind, self._good(path, body))).encode()
        if kind == "cut":
            await _send(writer, 200, payload, {}, length=len(payload) + 100)
            writer.transport.abort()
            return False
        if kind == "garbled":
            payload = payload[: len(payload) // 2]
        return await _send(writer, 200, payload, {}, drip=kind == "drip")

    def _good(self, path: str, body: Body) -> Body:
        if path.endswith("/embeddings"):
            vectors = [vector_of(text, self.width) for text in body["input"]]
            data = [
                {"object": "embedding", "index": index, "embedding": _encoded(vector, body.get("encoding_format"))}
                for index, vector in enumerate(vectors)
            ]
            tokens = sum(-(-len(text.encode()) // 4) for text in body["input"])
            self.input_tokens += tokens
            usage = {"prompt_tokens": tokens, "total_tokens": tokens}
            return {"object": "list", "model": body["model"], "data": data, "usage": usage}
        said = self.answer(body)
        content = said if isinstance(said, str) else json.dumps(said)
        tokens = sum(-(-len(message["content"].encode()) // 4) for message in body["messages"])
        answered = -(-len(content.encode()) // 4)
        self.input_tokens += tokens
        self.output_tokens += answered
        message = {"role": "assistant", "content": content, "refusal": None}
        return {
            "id": "1", "object": "chat.completion", "created": 0, "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
            "usage": {"prompt_tokens": tokens, "completion_tokens": answered, "total_tokens": tokens + answered},
        }  # fmt: skip


def following(scripts: Mapping[str, Script]) -> Answer:
    """Answers of a scripted text model, over the wire."""

    def answer(body: Body) -> Any:
        purpose = body["response_format"]["json_schema"]["name"]
        system, user = (message["content"] for message in body["messages"])
        said = scripts[purpose](Prompt(purpose, "", system, user, BaseModel, 0), json.loads(user))
        return said.detail if isinstance(said, Unanswered) else said

    return answer


def vector_of(text: str, width: int) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """The vector the server gives a text: three times as long as it should be."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
    vector = np.random.default_rng(seed).normal(size=width)
    return np.asarray(3 * vector / np.linalg.norm(vector), dtype=np.float32)


def _encoded(vector: "np.ndarray[Any, np.dtype[np.float32]]", encoding: str | None) -> Any:
    return base64.b64encode(vector.tobytes()).decode() if encoding == "base64" else vector.tolist()


def _changed(kind: str, payload: Body) -> Body:
    """A good answer with one thing wrong."""
    if kind in CHANGED_VECTORS:
        row = payload["data"][-1]
        vector = np.frombuffer(base64.b64decode(row["embedding"]), dtype=np.float32).copy()
        row["embedding"] = _encoded(np.asarray(CHANGED_VECTORS[kind](vector), dtype=np.float32), "base64")
    elif kind in CHANGED_ANSWERS:
        CHANGED_ANSWERS[kind](payload)
    return payload


def _say(payload: Body, content: Callable[[str], str | None], *, reason: str = "stop", refusal: Any = None) -> None:
    choice = payload["choices"][0]
    choice["finish_reason"] = reason
    choice["message"] |= {"content": content(choice["message"]["content"]), "refusal": refusal}


CHANGED_VECTORS: dict[str, Callable[[Any], Any]] = {
    "wide": lambda vector: np.append(vector, 1),
    "nan": lambda vector: vector * np.nan,
    "zero": lambda vector: vector * 0,
}
CHANGED_ANSWERS: dict[str, Callable[[Body], Any]] = {
    "shuffled": lambda payload: payload["data"].reverse(),
    "missing": lambda payload: payload["data"].pop(),
    "twice": lambda payload: payload["data"][-1].update(index=0),
    "empty": lambda payload: payload["data"].clear(),
    "refusal": lambda payload: _say(payload, lambda _: None, refusal="I'd rather not"),
    "filter": lambda payload: _say(payload, lambda said: said, reason="content_filter"),
    "length": lambda payload: _say(payload, lambda said: said[:3], reason="length"),
    "half": lambda payload: _say(payload, lambda said: said[:-2]),
    "no usage": lambda payload: payload.pop("usage"),
}


async def _send(
    writer: asyncio.StreamWriter, status: int, payload: bytes, headers: dict[str, str], *, length: int | None = None,
    drip: bool = False,
) -> bool:  # fmt: skip
    lines = {"content-type": "application/json", "content-length": str(length or len(payload))} | headers
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"HTTP/1.1 {status} -\r\n{head}\r\n".encode())
    for at in range(0, len(payload), 1 if drip else len(payload) or 1):
        writer.write(payload[at : at + (1 if drip else len(payload))])
        await writer.drain()
        await asyncio.sleep(0.2 if drip else 0)
    await writer.drain()
    return True


@contextmanager
def serving(server: ModelServer) -> Iterator[ModelServer]:
    """Serve on 127.0.0.1, on a free port, in a thread; what is on its way at the end is broken off."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    listener = asyncio.run_coroutine_threadsafe(asyncio.start_server(server.serve, "127.0.0.1", 0), loop).result()
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        stop = asyncio.run_coroutine_threadsafe(_stop(listener), loop)
        stop.result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _stop(listener: asyncio.Server) -> None:
    listener.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=int, default=1536)
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS")
    asked = parser.parse_args()
    with serving(ModelServer(asked.width, asked.latency, following(GOOD))) as server:
        print(server.url, flush=True)
        Event().wait()


if __name__ == "__main__":
    main()
