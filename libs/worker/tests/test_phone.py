"""Who comes by telephone is known as such, and his number is in no log."""

from __future__ import annotations

import pytest
from livekit import rtc
from livekit.protocol import models
from worker.telephone.phone import is_on_the_phone, masked

STANDARD = models.ParticipantInfo.STANDARD


def test_a_telephone_is_known_by_its_kind_or_by_what_the_bridge_says_of_it() -> None:
    assert is_on_the_phone(models.ParticipantInfo.SIP, {})
    assert is_on_the_phone(rtc.ParticipantKind.PARTICIPANT_KIND_SIP, {})
    assert is_on_the_phone(STANDARD, {"sip.callID": "SCL_1"})
    assert not is_on_the_phone(STANDARD, {"sipping": "tea"})
    assert not is_on_the_phone(rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD, {})


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("sip_+15550100001 left", "sip_***01 left"),
        ("sip_15550100001", "sip_***01"),
        ("Phone +442079460958, Phone +15550100002", "Phone ***58, Phone ***02"),
    ],
)
def test_of_a_calling_number_two_digits_are_left(written: str, left: str) -> None:
    assert masked(written) == left


@pytest.mark.parametrize(
    "text",
    ["call-3f2a9c41b7", "call-_+15550100001_x7a", "epoch 2", "1733000000.123", "1e+10", "h123456789012", "+0000"],
)
def test_what_is_no_calling_number_stays(text: str) -> None:
    assert masked(text) == text
