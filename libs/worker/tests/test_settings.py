"""A bad environment is reported whole, with how to mend each part."""

from pathlib import Path

import pytest
from worker.settings import Phone, Settings, SettingsError

GOOD = {
    "LIVEKIT_URL": "ws://127.0.0.1:7880",
    "LIVEKIT_API_KEY": "devkey",
    "LIVEKIT_API_SECRET": "s" * 32,
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "VOICEMESH_SPEECH_URL": "http://127.0.0.1:8000/v1",
}


def test_a_good_environment_needs_only_five_variables() -> None:
    settings = Settings.from_env(GOOD)
    assert settings.livekit_url == "ws://127.0.0.1:7880"
    assert settings.grpc_port == 50051
    assert settings.offer_timeout_seconds == 0.5


def test_every_missing_variable_is_named_in_one_report() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({})
    report = str(caught.value)
    for name in ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "REDIS_URL"):
        assert f"{name} is not set" in report


def test_wrong_values_say_what_is_wrong_and_what_to_give() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(
            {**GOOD, "LIVEKIT_URL": "127.0.0.1:7880", "VOICEMESH_MAX_SESSIONS": "many", "VOICEMESH_GRPC_PORT": "70000"}
        )
    assert caught.value.problems == [
        "LIVEKIT_URL must start with ws:// or wss://; give LiveKit's address, e.g. ws://127.0.0.1:7880",
        "VOICEMESH_GRPC_PORT must lie between 0 and 65535; give a free port for the handoff contract",
        "VOICEMESH_MAX_SESSIONS must be a whole number; give how many calls this worker takes",
    ]


def test_redis_may_be_one_or_watched_by_sentinels_or_a_cluster() -> None:
    for url in (
        "rediss://h?ssl_ca_certs=/ca",
        "redis+sentinel://a,b/mymaster",
        "rediss+cluster://a,b?ssl_ca_certs=/ca",
    ):
        assert Settings.from_env({**GOOD, "REDIS_URL": f" {url} "}).redis_url == url
    with pytest.raises(SettingsError, match="REDIS_URL must name the master") as caught:
        Settings.from_env({**GOOD, "REDIS_URL": "redis+sentinel://me:s3cret@a,b"})
    assert "s3cret" not in str(caught.value)


def test_without_any_speech_provider_a_worker_does_not_start() -> None:
    with pytest.raises(SettingsError, match="no speech at hand"):
        Settings.from_env({k: v for k, v in GOOD.items() if k != "VOICEMESH_SPEECH_URL"})


def test_a_model_is_used_when_a_key_or_a_base_url_is_given() -> None:
    assert not Settings.from_env(GOOD).has_model
    assert Settings.from_env({**GOOD, "OPENAI_API_KEY": "k"}).has_model
    assert Settings.from_env({**GOOD, "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}).has_model


def test_an_unknown_peer_is_found_by_its_dns_name() -> None:
    settings = Settings.from_env({**GOOD, "VOICEMESH_PEERS": "billing=10.0.0.7:6000"})
    assert settings.peer("billing") == "10.0.0.7:6000"
    assert settings.peer("sales") == "sales:50051"


def test_a_malformed_peer_list_shows_the_right_form() -> None:
    with pytest.raises(SettingsError, match=r"must look like billing=127\.0\.0\.1:50051"):
        Settings.from_env({**GOOD, "VOICEMESH_PEERS": "billing"})


def test_telephones_are_numbers_with_a_name_or_without() -> None:
    phones = Settings.from_env({**GOOD, "VOICEMESH_DESK_PHONES": "Anna=+15550100001, +15550100002"}).desk_phones
    assert phones == (Phone("+15550100001", "Anna"), Phone("+15550100002"))
    assert Settings.from_env(GOOD).desk_phones == (), "nobody is called unless somebody says so"


def test_a_telephone_may_have_an_extension() -> None:
    (phone,) = Settings.from_env({**GOOD, "VOICEMESH_DESK_PHONES": "Anna=+15550100001x41"}).desk_phones
    assert (phone.number, phone.extension) == ("+15550100001", "41")
    assert "41" not in repr(phone), "as private as the number"


@pytest.mark.parametrize(
    "raw", ["5550100001", "+1 555 010 0001", "Anna", "Anna=15550100001", "1=+15550100001", "+15550100001x"]
)
def test_a_malformed_telephone_shows_the_right_form_and_is_not_quoted(raw: str) -> None:
    with pytest.raises(SettingsError, match=r"VOICEMESH_DESK_PHONES must look like Anna=\+15550100001") as caught:
        Settings.from_env({**GOOD, "VOICEMESH_DESK_PHONES": f"Ben=+15550100009,{raw}"})
    assert "0009" not in str(caught.value)


def test_a_folder_of_certificates_holds_three_files_or_is_told_which_is_missing(tmp_path: Path) -> None:
    environ = {**GOOD, "VOICEMESH_TLS_DIR": str(tmp_path)}
    for name in ("tls.crt", "ca.crt"):
        (tmp_path / name).touch()
    with pytest.raises(
        SettingsError, match=r"VOICEMESH_TLS_DIR leads to .+, where there is no tls\.key; give a folder"
    ):
        Settings.from_env(environ)
    (tmp_path / "tls.key").touch()
    assert Settings.from_env(environ).tls_dir == str(tmp_path)
    assert Settings.from_env(GOOD).tls_dir == "", "without it nobody proves who he is"
