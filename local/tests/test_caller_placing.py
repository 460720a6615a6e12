"""Where received frames belong, whatever the receiver's delays."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from local.caller.band import FRAME
from local.caller.placing import FRAME_SECONDS, lay_out, phase_of, places


def stream(count, *, begins=1.0, late=0.0004):
    return [begins + n * FRAME_SECONDS + late for n in range(count)]


def test_frames_that_come_on_time_lie_side_by_side():
    assert places(stream(5)).tolist() == [100, 101, 102, 103, 104]


def test_no_frames_have_no_places():
    assert places([]).tolist() == []


def test_a_late_first_frame_does_not_shift_the_rest():
    times = stream(200)
    times[0] += 0.05
    assert places(times).tolist() == list(range(100, 300))


def test_a_burst_after_a_busy_moment_is_laid_where_it_belongs():
    times = stream(500)
    times[100:140] = [times[139]] * 40
    assert places(times).tolist() == list(range(100, 600))


def test_even_a_second_of_standing_still_moves_nothing():
    times = stream(1000)
    times[300:420] = [times[419]] * 120
    assert places(times).tolist() == list(range(100, 1100))


def test_a_real_hole_stays_a_hole():
    times = stream(300)
    times[100:] = [t + 0.5 for t in times[100:]]
    placed = places(times).tolist()
    assert placed[:100] == list(range(100, 200))
    assert placed[100:] == list(range(250, 450))


def test_two_holes_are_both_kept():
    times = np.array(stream(900))
    times[300:] += 0.2
    times[600:] += 1.0
    placed = places(times.tolist())
    assert (placed[299], placed[300], placed[599], placed[600]) == (399, 420, 719, 820)


def test_jitter_beside_a_hole_does_not_hide_it():
    rng = np.random.default_rng(3)
    times = np.array(stream(800)) + rng.exponential(0.004, 800)
    times[400:] += 0.3
    placed = places(np.maximum.accumulate(times).tolist())
    assert placed[400] - placed[399] in {30, 31, 32}
    assert np.all(np.diff(placed)[:399] == 1)


def test_tracks_keep_their_distance_whatever_part_of_a_frame_the_clock_ticks_in():
    for part in range(10):
        begins = 1.0 + part / 1000
        phase = phase_of(stream(100, begins=begins))
        giver = places(stream(100, begins=begins), phase=phase)
        taker = places(stream(100, begins=begins + 1.14, late=0.0011), phase=phase)
        assert taker[0] - giver[0] == 114


@given(
    st.lists(st.floats(0, 0.5), min_size=1, max_size=400),
    st.lists(st.tuples(st.integers(1, 399), st.floats(0.1, 2.0)), max_size=3),
)
def test_a_track_never_overlaps_itself(delays, holes):
    times = np.arange(len(delays)) * FRAME_SECONDS + np.array(delays)
    for index, seconds in holes:
        times[index:] += seconds
    placed = places(np.maximum.accumulate(times).tolist())
    assert np.all(np.diff(placed) >= 1)
    assert placed[0] >= 0


@given(st.lists(st.floats(0, 0.4), min_size=50, max_size=300))
def test_a_stream_without_holes_stays_whole(delays):
    times = 1.0 + np.arange(len(delays)) * FRAME_SECONDS + np.array(delays)
    times[-1] = 1.0 + (len(delays) - 1) * FRAME_SECONDS + 0.0  # somebody is on time in the end
    placed = places(times.tolist())
    assert np.all(np.diff(placed) == 1)


def test_frames_are_laid_in_their_places_with_silence_between():
    one, two = np.full(FRAME, 1, dtype=np.int16), np.full(FRAME, 2, dtype=np.int16)
    laid = lay_out([one, two], np.array([1, 3]), frame_count=5).reshape(-1, FRAME)
    assert laid[:, 0].tolist() == [0, 1, 0, 2, 0]


def test_what_came_after_the_end_is_left_out():
    frame = np.full(FRAME, 1, dtype=np.int16)
    assert lay_out([frame, frame], np.array([4, 5]), frame_count=5).size == 5 * FRAME
