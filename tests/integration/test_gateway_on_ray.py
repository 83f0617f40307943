"""What Ray adds to the gateway: one for all, from any process, and no error when it is gone."""

import time

import pytest

from actors.remote.budget import Payer
from actors.remote.embedder import OpenAIEmbedder
from actors.remote.writer import OpenAIWriter
from configs.models import ModelsConfig
from pipeline.errors import ModelError
from pipeline.ports import Unanswered
from tests.integration.test_model_contract import PROMPT, QUICK, Words, config_of
from tests.support.model_server import ModelServer, serving

pytestmark = pytest.mark.ray


def test_two_runs_share_the_calls_at_once_and_have_a_bill_each(ray_local: str) -> None:
    from cluster.gateway import open_line, start_gateway

    server = ModelServer(answer=lambda body: {"name": "Tea", "score": 1}, latency_s=0.05)
    with serving(server):
        config = config_of(server, pacing=QUICK.model_copy(update={"chat_calls": 2}))
        gateway = start_gateway(config)
        lines = [open_line(gateway, Payer("shop", run_id)) for run_id in ("one", "two")]
        futures = [line.chat(PROMPT, time.time() + 20) for line in lines for _ in range(5)]
        answers = [future.result(30) for future in futures]
        bills = [line.close() for line in lines]

    assert answers == [Words(name="Tea", score=1)] * 10
    assert server.most_at_once <= 2
    assert [row.calls for bill in bills for row in bill or ()] == [5, 5]


def test_a_shared_gateway_is_found_by_name_and_another_setting_is_another_gateway(ray_local: str) -> None:
    import ray

    from cluster.gateway import find_gateway, shared_gateway

    here = ModelsConfig(base_url="http://127.0.0.1:1/v1", dimensions=8)
    elsewhere = here.model_copy(update={"base_url": "http://127.0.0.1:2/v1"})
    shared = shared_gateway(here)
    try:
        assert shared_gateway(here) == shared
        assert find_gateway(here) == shared
        assert find_gateway(elsewhere) != shared
    finally:
        ray.kill(shared)


def test_a_gateway_that_died_is_an_answer_too(ray_local: str) -> None:
    import ray

    from cluster.gateway import open_line, start_gateway

    server = ModelServer(latency_s=30)
    with serving(server):
        config = config_of(server)
        gateway = start_gateway(config, max_restarts=0)
        line = open_line(gateway, Payer("shop", "run"))
        asked = line.chat(PROMPT, time.time() + 20)
        ray.kill(gateway)
        answers = OpenAIWriter(config, line).answer([PROMPT], time.time() + 5)

        assert isinstance(answers[0], Unanswered)
        assert answers[0].code == "unavailable"
        with pytest.raises(ModelError, match="the gateway to the models failed"):
            OpenAIEmbedder(config, line, 5.0).embed(["a"])
        assert asked.exception(20) is not None
        assert line.close() is None
