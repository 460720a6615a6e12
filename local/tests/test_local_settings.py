"""What the mesh's processes have of the shell that starts them."""

from __future__ import annotations

from local.settings import LocalSettings


def test_where_spans_go_is_the_shells_word_and_whom_a_worker_calls_is_not() -> None:
    shell = {"PATH": "/bin", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_SAMPLER": "always_on"}
    settings = LocalSettings.from_env(
        shell | {"LIVEKIT_URL": "ws://elsewhere", "VOICEMESH_PEERS": "billing=elsewhere:1"}
    )
    assert settings.inherited == shell
