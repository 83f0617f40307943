import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.remote.retries import RETRIED, next_wait_s
from configs.models import PacingConfig
from pipeline.errors import ModelError, ModelFault

CONFIG = PacingConfig()


@pytest.mark.parametrize("fault", sorted(set(ModelFault) - RETRIED))
def test_what_will_not_change_is_not_asked_again(fault: ModelFault) -> None:
    assert next_wait_s(ModelError(fault, ""), 1, 1e9, 0.0, CONFIG) is None


def test_a_server_that_fails_is_asked_four_times_and_one_that_answers_nonsense_twice() -> None:
    def attempts(fault: ModelFault) -> int:
        return next(n for n in range(1, 99) if next_wait_s(ModelError(fault, ""), n, 1e9, 0.0, CONFIG) is None)

    assert attempts(ModelFault.UNAVAILABLE) == 4
    assert attempts(ModelFault.BAD_OUTPUT) == 2


def test_whoever_is_told_to_wait_comes_back_as_long_as_there_is_time() -> None:
    hurry = ModelError(ModelFault.RATE_LIMITED, "", retry_after_s=1.0)

    assert next_wait_s(hurry, 40, 100.0, 0.0, CONFIG) == 1.0
    assert next_wait_s(hurry, 1, 0.9, 0.0, CONFIG) is None


@given(st.integers(1, 3), st.floats(0, 1, exclude_max=True), st.floats(0.001, 60), st.floats(0, 30))
def test_a_wait_is_at_least_what_was_asked_and_ends_before_the_deadline(
    failed: int, draw: float, left: float, asked: float
) -> None:
    wait = next_wait_s(ModelError(ModelFault.UNAVAILABLE, "", asked), failed, left, draw, CONFIG)

    assert wait is None or asked <= wait < left
