"""`python -m gateway.phone` as a person meets it: what it prints, what it changes, and its exit code."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from google.protobuf.message import DecodeError
from livekit.api import ListSIPInboundTrunkRequest, ListSIPInboundTrunkResponse, ServerError, SIPInboundTrunkInfo

from gateway.phone import command
from gateway.phone.livekit import Sip
from gateway.settings import PhoneSettings
from gateway.tests.fake_sip import FakeSip
from gateway.tests.phone_files import PASSWORD, SMALL, TWO_CARRIERS, USERNAME, VARIABLES, written

SECRET = "secret-secret-secret-secret-secret-secret"
ENVIRONMENT = {
    "LIVEKIT_URL": "wss://calls.example.com",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": SECRET,
    **VARIABLES,
}
Run = Callable[..., int]


@pytest.fixture
def sip() -> FakeSip:
    return FakeSip()


@pytest.fixture
def run(tmp_path: Path, sip: FakeSip) -> Run:
    """The command over a file with this text; its exit code."""

    @asynccontextmanager
    async def connect(_: PhoneSettings) -> AsyncIterator[Sip]:
        yield sip

    def run(text: str, *options: str, environ: dict[str, str] = ENVIRONMENT) -> int:
        return command.main([str(written(tmp_path, text)), *options], environ=environ, connect=connect)

    return run


class Raises(FakeSip):
    """A LiveKit that answers the first question so."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    async def list_inbound_trunk(self, _: ListSIPInboundTrunkRequest, /) -> ListSIPInboundTrunkResponse:
        raise self._error


# --- what it does ------------------------------------------------------------------------------------------------------------
def test_the_first_time_it_makes_everything_the_second_time_nothing(
    run: Run, sip: FakeSip, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(SMALL) == 0
    first = capsys.readouterr().out
    assert "phone.yaml -> LiveKit at calls.example.com\n" in first
    assert "\n+ rule +15550100000\n    service: triage\n" in first
    assert first.endswith("created trunk +15550100000 (ST_001)\ncreated rule +15550100000 (SDR_002)\n")
    assert run(SMALL) == 0
    assert capsys.readouterr().out.endswith("nothing to do: LiveKit holds what the file says\n")
    assert len(sip.done) == 2


def test_a_dry_run_tells_and_changes_nothing(run: Run, sip: FakeSip, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(SMALL, "--dry-run") == 0
    assert "2 to create" in capsys.readouterr().out
    assert sip.done == []


def test_for_a_script_a_dry_run_has_an_exit_code_that_tells_of_a_difference(run: Run, sip: FakeSip) -> None:
    assert run(SMALL, "--dry-run", "--exit-code") == 2
    assert run(SMALL) == 0
    assert run(SMALL, "--dry-run", "--exit-code") == 0
    assert len(sip.done) == 2


@pytest.mark.parametrize("options", [("--exit-code",), ("--dryrun",), ("a", "b")])
def test_a_wrong_command_has_another_exit_code_than_a_difference(
    run: Run, sip: FakeSip, options: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(SMALL, *options)
    assert ended.value.code == 1
    assert sip.done == []


def test_when_something_of_anothers_stands_in_the_way_nothing_is_changed_also_not_in_a_dry_run(
    run: Run, sip: FakeSip, capsys: pytest.CaptureFixture[str]
) -> None:
    sip.trunks["ST_9"] = SIPInboundTrunkInfo(sip_trunk_id="ST_9", name="theirs", numbers=["+15550100000"])
    assert run(TWO_CARRIERS) == run(TWO_CARRIERS, "--dry-run", "--exit-code") == 1
    assert "trunk ST_9 (theirs) is not ours and holds +15550100000" in capsys.readouterr().err
    assert sip.done == []


# --- what it needs ------------------------------------------------------------------------------------------------------------
def test_what_is_wrong_with_the_settings_and_with_the_file_is_told_in_one_go(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(SMALL.replace("triage", "accounting"), environ={"LIVEKIT_URL": "https://calls.example.com"}) == 1
    told = capsys.readouterr().err
    assert all(word in told for word in ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "phone.yaml:6: "))


def test_nothing_of_the_call_page_is_needed() -> None:
    settings = PhoneSettings.from_env(ENVIRONMENT)
    assert settings.livekit_url == "wss://calls.example.com"
    assert SECRET not in repr(settings)


# --- what LiveKit may say ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (aiohttp.ClientConnectionError("refused"), "does not answer at calls.example.com (ClientConnectionError)"),
        (TimeoutError(), "mend LIVEKIT_URL"),
        (ServerError("unknown", f"invalid token: {SECRET}", status=401), "LIVEKIT_API_SECRET must be a pair"),
        (ServerError("internal", "sip not connected (redis required)", status=500), "has no Redis"),
        (ServerError("unknown", "", status=404), "has no SIP API"),
        (ServerError("bad_route", "no handler", status=404), "has no SIP API"),
        (DecodeError("not protobuf"), "has no SIP API"),
        (ServerError("not_found", "requested sip trunk does not exist", status=404), "requested sip trunk does not"),
        (
            ServerError("invalid_argument", f"what is {PASSWORD}, {USERNAME}?", status=400),
            "what is [secret], [secret]?",
        ),
    ],
)
def test_what_livekit_refuses_is_told_with_how_to_mend_it_and_without_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception, words: str
) -> None:
    @asynccontextmanager
    async def connect(_: PhoneSettings) -> AsyncIterator[Sip]:
        yield Raises(error)

    code = command.main([str(written(tmp_path, TWO_CARRIERS))], environ=ENVIRONMENT, connect=connect)
    told = "".join(capsys.readouterr())
    assert code == 1
    assert words in told
    assert not any(secret in told for secret in (SECRET, *VARIABLES.values()))


def test_one_that_fails_half_way_tells_what_was_done(
    run: Run, sip: FakeSip, capsys: pytest.CaptureFixture[str]
) -> None:
    sip.fails_after = 1
    assert run(SMALL) == 1
    out, err = capsys.readouterr()
    assert out.endswith("created trunk +15550100000 (ST_001)\n")
    assert "refuses (unavailable, 503): come again later" in err


def test_no_secret_is_printed_whatever_it_does(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    changed = TWO_CARRIERS.replace("password_env: CARRIER_PASSWORD", "password_env: OTHER_PASSWORD")
    assert [run(text, *more) for text in (TWO_CARRIERS, changed, SMALL) for more in (("--dry-run",), ())] == [0] * 6
    told = "".join(capsys.readouterr())
    assert not any(secret in told for secret in (SECRET, *VARIABLES.values()))
