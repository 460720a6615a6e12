"""Who comes to the desk through a proxy that knows its users, and who does not get in, whatever he sends."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from gateway.desk import COOKIE
from gateway.settings import Settings, SettingsError
from gateway.tests.conftest import ENVIRONMENT
from gateway.tests.desk_stage import SECRET, Stage, desk_settings

IN, BEAT, WHO = "/api/desk/in", "/api/desk/beat", "/api/desk/who"
USER = "X-Forwarded-User"


@pytest.mark.parametrize(
    ("named", "name"),
    [
        ("Anna", "Anna"),
        ("Anne-Marie O'Neill", "Anne-Marie O'Neill"),
        ("anna@example.com", "Anna"),
        ("anna.smith_jones@example.com", "Anna Smith Jones"),
    ],
)
def test_whom_a_proxy_of_ours_names_is_signed_in_without_the_secret(named: str, name: str) -> None:
    stage = Stage(replace(desk_settings(), desk_user_header=USER, proxies=1))
    page = stage.browser()
    assert page.post(WHO, headers={USER: named}).json() == {"name": name}
    cookie = page.cookies[COOKIE]
    assert page.post(BEAT, json={"available": True}).json()["name"] == name
    assert page.post(WHO, headers={USER: named}).json() == {"name": name}
    assert page.cookies[COOKIE] == cookie, "and is the same one when his page is loaded again"


@pytest.mark.parametrize("named", [[], [""], ["7"], ["<b>Anna</b>"], ["@example.com"], ["Anna", "Eve"]])
def test_whom_a_proxy_does_not_name_has_to_show_the_secret(named: list[str]) -> None:
    stage = Stage(replace(desk_settings(), desk_user_header=USER, proxies=1))
    page = stage.browser()
    assert page.post(WHO, headers=[(USER, one) for one in named]).status_code == 204
    assert COOKIE not in page.cookies
    assert page.post(IN, json={"secret": SECRET, "name": "Anna"}).status_code == 204


def test_a_wrong_secret_is_told_of_and_not_written_down(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="gateway"):
        Stage(desk_settings()).browser().post(IN, json={"secret": "almost-the-right-one", "name": "Eve"})
    assert [record.getMessage() for record in caplog.records] == ["a wrong secret was shown to the desk"]


def test_a_header_that_is_not_configured_signs_nobody_in() -> None:
    page = Stage(desk_settings()).browser()
    assert page.post(WHO, headers={USER: "Eve"}).status_code == 204
    assert page.post(BEAT, json={}, headers={USER: "Eve"}).status_code == 401


def test_another_sites_page_signs_nobody_in_through_our_proxy() -> None:
    stage = Stage(replace(desk_settings(), desk_user_header=USER, proxies=1))
    page = stage.browser("https://evil.example")
    assert page.post(WHO, headers={USER: "Anna"}).status_code == 403
    assert COOKIE not in page.cookies


@pytest.mark.parametrize(
    ("also", "told"),
    [({"VOICEMESH_DESK_SECRET": SECRET}, "VOICEMESH_PROXIES"), ({"VOICEMESH_PROXIES": "1"}, "VOICEMESH_DESK_SECRET")],
    ids=["no proxy", "no secret"],
)
def test_a_header_that_anybody_could_send_or_that_signs_nothing_is_refused_at_boot(
    also: dict[str, str], told: str
) -> None:
    with pytest.raises(SettingsError, match=told):
        Settings.from_env(ENVIRONMENT | {"VOICEMESH_DESK_USER_HEADER": USER} | also)
