"""What is in each image, as CycloneDX 1.6: `python -m tools.sbom` writes .run/sbom/<image>.cdx.json from the images' locks.

cyclonedx-bom, in a folder of its own in the user's cache, reads a lock: names, versions, purls, hashes. Added here is what a lock does not
know: our own members, licences (as the installed packages of the same version declare them), and the gateway's script for browsers.
The base image's Debian packages are not in it: whoever scans an image finds them there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from local.settings import LocalSettings
from tools.house import ROOT, project

LOCKS = ROOT / "images"
OUT = ROOT / ".run" / "sbom"
_TOOL_LOCK = ROOT / "tools" / "sbom.lock"
_WEB_LOCK = ROOT / "gateway" / "web" / "package-lock.json"
_NOT_AN_IMAGE = {"build"}
"""Locks of what only builds."""
_MAKE_SECONDS = 600.0
_SERVICES = ("triage", "billing", "technical", "sales", "escalation")
_WITH_OFFICE = _SERVICES[1:]
_VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
found = [(f, JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(f).read())) for f in sys.argv[1:]]
print("\\n".join(f"{f}: {wrong}" for f, wrong in found if wrong))
"""


@dataclass(frozen=True, slots=True)
class Image:
    """What goes into an image: a lock of images/, and folders of ours."""

    lock: str
    members: tuple[str, ...] = ()
    has_browser_script: bool = False


IMAGES: dict[str, Image] = {
    **{
        name: Image("worker", ("libs/telemetry", "libs/handoff", "libs/worker", f"services/{name}"))
        for name in _SERVICES
    },
    **{
        f"{name}-mcp": Image("office", ("libs/telemetry", "libs/backoffice", f"services/{name}"))
        for name in _WITH_OFFICE
    },
    "gateway": Image(
        "gateway", ("libs/telemetry", "libs/handoff", "libs/yaml_lines", "gateway"), has_browser_script=True
    ),
    "ledger": Image("ledger", ("libs/telemetry", "libs/handoff", "libs/backoffice", "libs/ledger")),
    "scale-down": Image("scale-down", ("libs/scale_down",)),
    "speech": Image("speech", ("libs/telemetry", "libs/handoff", "libs/yaml_lines")),
    "caller": Image("speech", ("libs/telemetry", "libs/handoff", "libs/yaml_lines")),
}
"""As the Dockerfile has them."""

Component = dict[str, Any]


def images_of(locks: Iterable[str]) -> dict[str, Image]:
    """The images that can be told of with these locks; a lock that no image is known for is told of by its own name."""
    there = set(locks) - _NOT_AN_IMAGE
    known = {name: image for name, image in IMAGES.items() if image.lock in there}
    return known | {lock: Image(lock) for lock in there - {image.lock for image in IMAGES.values()}}


def complete(told: dict[str, Any], name: str, image: Image) -> dict[str, Any]:
    """What cyclonedx-bom told of a lock becomes what is in the image of that name."""
    components = [_of_lock(one) for one in told["components"]] + [_ours(ROOT / member) for member in image.members]
    if image.has_browser_script:
        components += browser_script(json.loads(_WEB_LOCK.read_text()))
    components.sort(key=lambda one: str(one["bom-ref"]))
    itself = {"type": "container", "bom-ref": f"voice-mesh/{name}", "name": f"voice-mesh/{name}"}
    return told | {
        "metadata": told["metadata"] | {"component": itself},
        "components": components,
        "dependencies": [
            {"ref": itself["bom-ref"], "dependsOn": [one["bom-ref"] for one in components]},
            *({"ref": one["bom-ref"]} for one in components),
        ],
    }


def licences(name: str, version: str) -> list[dict[str, Any]]:
    """As the installed package declares them; empty when it is not installed, or in another version."""
    try:
        package = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return []
    if package.version != version:
        return []
    about = package.metadata
    if expression := _field(about, "License-Expression"):
        return [{"expression": expression, "acknowledgement": "declared"}]
    named = [c.rpartition(" :: ")[2] for c in about.get_all("Classifier") or () if c.startswith("License :: ")]
    text = _field(about, "License").strip()
    if not named and text and "\n" not in text:  # some put the whole licence there
        named = [text]
    return [{"license": {"name": one, "acknowledgement": "declared"}} for one in dict.fromkeys(named)]


def _field(about: metadata.PackageMetadata, name: str) -> str:
    return str((about.get_all(name) or ("",))[0])


def browser_script(lock: dict[str, Any]) -> list[Component]:
    """LiveKit's client for browsers and what is bundled in it, from npm's lock."""
    found = []
    for path, package in lock["packages"].items():
        if not path or package.get("dev"):
            continue
        name, version = path.rpartition("node_modules/")[2], package["version"]
        purl = f"pkg:npm/{name.replace('@', '%40')}@{version}"
        component: Component = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
        algorithm, _, digest = package.get("integrity", "").partition("-")
        if algorithm == "sha512":
            component["hashes"] = [{"alg": "SHA-512", "content": base64.b64decode(digest).hex()}]
        if licence := package.get("license"):
            component["licenses"] = [{"expression": licence, "acknowledgement": "declared"}]
        found.append(component)
    return found


def _of_lock(told: Component) -> Component:
    component = {key: value for key, value in told.items() if key != "description"}  # the line of the lock, once more
    component["bom-ref"] = told["purl"]
    if found := licences(told["name"], told["version"]):
        component["licenses"] = found
    return component


def _ours(member: Path) -> Component:
    about = project(member)
    return {
        "type": "library",
        "bom-ref": f"{about['name']}@{about['version']}",
        "name": about["name"],
        "version": about["version"],
        "description": about["description"],
        "licenses": [{"license": {"id": about["license"], "acknowledgement": "declared"}}],
    }


def tool(settings: LocalSettings) -> Path:
    """The folder that cyclonedx-bom is in; made by the first run with this lock and this Python. Raises CalledProcessError."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256(_TOOL_LOCK.read_bytes()).hexdigest()[:12]
    folder = settings.cache_dir / "tools" / f"sbom-{python}-{digest}"
    if folder.is_dir():
        return folder
    print("installing cyclonedx-bom into the cache, once", flush=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as making:
        made = Path(making) / "made"
        # tools/setup may have made .venv by uv, and then it has no pip.
        uv = shutil.which("uv", path=settings.search_path)
        pip = (uv, "pip", "install", "--python", sys.executable) if uv else (sys.executable, "-m", "pip", "install")
        options = ("--quiet", "--require-hashes", "--target", str(made), "-r", str(_TOOL_LOCK))
        subprocess.run((*pip, *options), env=dict(settings.inherited), check=True, timeout=_MAKE_SECONDS)
        made.rename(folder)
    return folder


def main() -> int:
    """The exit code: 1 when there is no lock, the tool cannot be had, or what it made is not valid."""
    settings = LocalSettings.from_env()
    images = images_of(path.stem for path in LOCKS.glob("*.lock"))
    if not images:
        print(f"sbom: no lock of an image in {LOCKS.relative_to(ROOT)}", file=sys.stderr)
        return 1
    try:
        environment = {**settings.inherited, "PYTHONPATH": str(tool(settings)), **_moment()}
        told = {lock: _told(lock, environment) for lock in sorted({image.lock for image in images.values()})}
        OUT.mkdir(parents=True, exist_ok=True)
        made = [_written(name, complete(told[image.lock], name, image)) for name, image in sorted(images.items())]
        wrong = _run(("-c", _VALIDATE, *map(str, made)), environment).strip()
    except subprocess.CalledProcessError as e:
        print(f"sbom: {e}\n{e.stderr or ''}", file=sys.stderr)  # pip's own words are printed already
        return 1
    if wrong:
        print(f"sbom: not valid:\n{wrong}", file=sys.stderr)
    return 1 if wrong else 0


def _told(lock: str, environment: dict[str, str]) -> dict[str, Any]:
    command = ("-W", "ignore", "-m", "cyclonedx_py", "requirements", "--sv", "1.6", "--of", "JSON")
    told: dict[str, Any] = json.loads(
        _run((*command, "--output-reproducible", str(LOCKS / f"{lock}.lock")), environment)
    )
    return told


def _written(name: str, told: dict[str, Any]) -> Path:
    path = OUT / f"{name}.cdx.json"
    path.write_text(json.dumps(told, indent=2, sort_keys=True) + "\n")
    without = sum("licenses" not in one for one in told["components"])
    print(f"{path.relative_to(ROOT)}: {len(told['components'])} components, {without} without a known licence")
    return path


def _run(arguments: tuple[str, ...], environment: dict[str, str]) -> str:
    command = (sys.executable, *arguments)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=_MAKE_SECONDS)
    return done.stdout


def _moment() -> dict[str, str]:
    """The commit's, so that the same commit gives the same bytes; none outside of a clone."""
    done = subprocess.run(
        ("git", "-C", str(ROOT), "log", "-1", "--format=%ct"), capture_output=True, text=True, check=False
    )
    return {"SOURCE_DATE_EPOCH": done.stdout.strip()} if re.fullmatch(r"\d+\n", done.stdout) else {}


if __name__ == "__main__":
    sys.exit(main())
