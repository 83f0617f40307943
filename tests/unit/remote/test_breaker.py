from actors.remote.breaker import FATAL_PROBE_AFTER_S, Breaker
from configs.models import PacingConfig
from pipeline.errors import ModelError, ModelFault

DOWN = ModelError(ModelFault.UNAVAILABLE, "nobody listens")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock, error: ModelError = DOWN, times: int = 5) -> Breaker:
    breaker = Breaker(PacingConfig(), clock)
    for _ in range(times):
        breaker.record(error, is_probe=breaker.admit())
    return breaker


def refused(breaker: Breaker) -> ModelFault | None:
    try:
        breaker.abandon(is_probe=breaker.admit())
    except ModelError as error:
        return error.fault
    return None


def test_four_failures_leave_it_closed_and_the_fifth_opens_it() -> None:
    assert refused(opened(Clock(), times=4)) is None
    assert refused(opened(Clock(), times=5)) is ModelFault.CIRCUIT_OPEN


def test_failures_further_apart_than_the_window_do_not_add_up() -> None:
    clock = Clock()
    breaker = Breaker(PacingConfig(failure_window_s=30), clock)

    for clock.now in (0.0, 8.0, 16.0, 24.0, 32.0, 40.0):
        breaker.record(DOWN, is_probe=breaker.admit())

    assert refused(breaker) is None


def test_after_a_while_one_probe_goes_through_and_no_second_beside_it() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 5.0

    assert breaker.admit()

    assert refused(breaker) is ModelFault.CIRCUIT_OPEN


def test_a_probe_that_succeeds_closes_it_and_one_that_fails_opens_it_again_at_once() -> None:
    for error, expected in ((None, None), (DOWN, ModelFault.CIRCUIT_OPEN)):
        clock = Clock()
        breaker = opened(clock)
        clock.now = 5.0
        breaker.record(error, is_probe=breaker.admit())

        assert refused(breaker) is expected


def test_the_end_of_an_older_call_does_not_make_room_for_a_second_probe() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 5.0
    breaker.admit()

    breaker.record(DOWN, is_probe=False)

    assert refused(breaker) is ModelFault.CIRCUIT_OPEN


def test_an_abandoned_probe_makes_room_for_another() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 5.0

    breaker.abandon(is_probe=breaker.admit())

    assert breaker.admit()


def test_one_bad_key_is_enough_and_says_so_for_a_minute() -> None:
    clock = Clock()
    breaker = opened(clock, ModelError(ModelFault.BAD_KEY, "no"), times=1)

    clock.now = FATAL_PROBE_AFTER_S - 1
    assert refused(breaker) is ModelFault.BAD_KEY
    clock.now = FATAL_PROBE_AFTER_S
    assert refused(breaker) is None


def test_wrong_answers_say_nothing_of_the_endpoint() -> None:
    assert refused(opened(Clock(), ModelError(ModelFault.BAD_OUTPUT, "no JSON"), times=50)) is None
