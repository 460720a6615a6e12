"""Who is signed in to the console, and who is not, whatever he shows."""

from __future__ import annotations

import time
from dataclasses import replace

import jwt
import pytest
from starlette.requests import Request

from gateway.doors import open_door
from gateway.settings import Settings
from gateway.tests.conftest import LOOKS, READS
from gateway.viewers import COOKIE, Viewer, Viewers

HEADER = "X-Forwarded-User"


def asking(cookie: str = "", *named: str) -> Request:
    """A request with that cookie, and with so many names from a proxy."""
    headers = [(b"cookie", f"{COOKIE}={cookie}".encode())] if cookie else []
    headers += [(HEADER.lower().encode(), name.encode()) for name in named]
    return Request({"type": "http", "headers": headers})


def signed_in(settings: Settings, secret: str) -> str:
    """The cookie of who showed that secret."""
    viewer = Viewers(settings).sign_in(secret)
    assert viewer is not None
    return Viewers(settings).cookie_of(viewer)


@pytest.mark.parametrize(("secret", "may_read"), [(LOOKS, False), (READS, True)])
def test_a_secret_says_what_its_viewer_may(watched: Settings, secret: str, may_read: bool) -> None:
    viewer = Viewers(watched).of(asking(signed_in(watched, secret)))
    assert viewer is not None
    assert viewer.may_read is may_read
    assert not viewer.has_gone


@pytest.mark.parametrize("shown", ["", " ", LOOKS[:-1], LOOKS + " ", "ü" * 40])
def test_any_other_secret_signs_nobody_in(watched: Settings, shown: str) -> None:
    assert Viewers(watched).sign_in(shown) is None


def test_a_secret_that_is_not_set_signs_nobody_in(settings: Settings) -> None:
    viewers = Viewers(replace(settings, console_secret=LOOKS))
    assert viewers.sign_in("") is None
    assert viewers.sign_in(READS) is None


def test_a_viewer_is_signed_in_for_some_hours(watched: Settings) -> None:
    cookie = signed_in(watched, LOOKS)
    claims = jwt.decode(cookie, options={"verify_signature": False})
    assert 7 * 3600 < claims["exp"] - time.time() <= 8 * 3600
    late = replace(watched, console_seconds=-1)
    assert Viewers(late).of(asking(signed_in(late, LOOKS))) is None


def test_a_cookie_of_another_audience_or_another_gateway_is_none(watched: Settings) -> None:
    stranger = replace(watched, secret="another-another-another-another-another")
    claims = {"sub": "reader", "reads": True, "exp": int(time.time()) + 600}
    cookies = {
        "forged": signed_in(stranger, READS),
        "a caller's pass": open_door(watched).pass_,
        "a caller's token": open_door(watched).token,
        "no audience": jwt.encode(claims, watched.secret, algorithm="HS256"),
        "for ever": jwt.encode({"aud": "voicemesh-console", "sub": "reader"}, watched.secret, algorithm="HS256"),
        "unsigned": jwt.encode(claims | {"aud": "voicemesh-console"}, "", algorithm="none"),
        "nonsense": "a.b.c",
    }
    found = {what: Viewers(watched).of(asking(cookie)) for what, cookie in cookies.items()}
    assert found == dict.fromkeys(cookies)


@pytest.mark.parametrize("secret", [LOOKS, READS])
def test_a_secret_that_is_changed_signs_out_who_came_with_it(watched: Settings, secret: str) -> None:
    cookie = signed_in(watched, secret)
    changed = replace(watched, console_secret="c" * 32, console_reader_secret="")
    assert Viewers(changed).of(asking(cookie)) is None


def test_a_viewer_cannot_make_a_reader_of_himself(watched: Settings) -> None:
    claims = jwt.decode(signed_in(watched, LOOKS), options={"verify_signature": False}) | {"reads": True}
    assert Viewers(watched).of(asking(jwt.encode(claims, watched.secret, algorithm="HS256"))) is None


def test_a_proxy_says_who_is_signed_in_and_he_may_not_read(settings: Settings) -> None:
    viewers = Viewers(replace(settings, console_user_header=HEADER, proxies=1))
    viewer = viewers.of(asking("", "ada@example.com"))
    assert viewer is not None
    assert (viewer.name, viewer.may_read) == ("ada@example.com", False)


def test_without_a_name_or_with_two_nobody_is_signed_in(settings: Settings) -> None:
    viewers = Viewers(replace(settings, console_user_header=HEADER, proxies=1))
    for named in ((), ("",), (" ",), ("ada@example.com", "forged@example.com")):
        assert viewers.of(asking("", *named)) is None


def test_a_header_that_is_not_configured_is_not_believed(watched: Settings) -> None:
    assert Viewers(watched).of(asking("", "ada@example.com")) is None


def test_who_comes_through_a_proxy_may_sign_in_as_a_reader_besides(watched: Settings) -> None:
    behind = replace(watched, console_user_header=HEADER, proxies=1)
    viewer = Viewers(behind).of(asking(signed_in(behind, READS), "ada@example.com"))
    assert viewer is not None
    assert viewer.may_read


def test_a_viewers_time_is_over_at_its_end() -> None:
    assert Viewer("viewer", False, 0.0).has_gone
