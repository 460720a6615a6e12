"""Places: calls that run, and offers whose agent is on its way."""

from handoff.outcome import Refusal
from worker.main_process.admission import Admission


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def desk(running: int = 0, capacity: int = 2) -> tuple[Admission, Clock]:
    clock = Clock()
    return Admission(capacity, running=lambda: running, hold_seconds=4.0, now=clock), clock


def test_a_free_place_is_kept_for_an_offer() -> None:
    admission, _ = desk()
    assert admission.try_admit("h1") is None
    assert admission.taken == 1


def test_the_same_offer_asked_twice_keeps_one_place() -> None:
    admission, _ = desk()
    assert (admission.try_admit("h1"), admission.try_admit("h1")) == (None, None)
    assert admission.taken == 1


def test_kept_places_count_against_the_next_offer() -> None:
    admission, _ = desk(running=1)
    assert admission.try_admit("h1") is None
    assert admission.try_admit("h2") is Refusal.AT_CAPACITY


def test_a_place_whose_agent_never_came_is_free_again() -> None:
    admission, clock = desk(running=1)
    admission.try_admit("h1")
    clock.at += 4.1
    assert admission.try_admit("h2") is None


def test_a_withdrawn_offer_gives_its_place_back() -> None:
    admission, _ = desk(running=1)
    admission.try_admit("h1")
    admission.release("h1")
    assert admission.try_admit("h2") is None


def test_a_draining_worker_says_so() -> None:
    admission, _ = desk()
    admission.draining = True
    assert admission.try_admit("h1") is Refusal.DRAINING


def test_a_worker_that_livekit_cannot_reach_has_no_place() -> None:
    admission, _ = desk()
    admission.is_connected = False
    assert admission.try_admit("h1") is Refusal.AT_CAPACITY
    admission.is_connected = True
    assert admission.try_admit("h1") is None


# --- jobs that LiveKit offers -----------------------------------------------------------------------------------------
def test_a_job_comes_in_as_long_as_there_is_a_place() -> None:
    assert desk(running=1)[0].refuse_job() is None
    assert desk(running=2)[0].refuse_job() is Refusal.AT_CAPACITY


def test_a_job_of_a_handoff_that_was_promised_a_place_comes_in_whatever_happened_meanwhile() -> None:
    admission, _ = desk(running=1)
    admission.try_admit("h1")
    assert admission.refuse_job("h1") is None
    assert admission.refuse_job("h2") is Refusal.AT_CAPACITY
    admission.draining = True
    assert admission.refuse_job("h1") is None
    assert admission.refuse_job("h2") is Refusal.DRAINING


def test_a_promise_that_has_passed_is_none() -> None:
    admission, clock = desk(running=1)
    admission.try_admit("h1")
    admission.try_admit("h2")
    clock.at += 4.1
    assert admission.try_admit("h3") is None
    assert admission.refuse_job("h1") is Refusal.AT_CAPACITY
