"""What `make sbom` tells of the images, but for what cyclonedx-bom reads out of a lock: it is in no virtual environment."""

from __future__ import annotations

import re
from importlib import metadata

import pytest

from tools import house, sbom

DOCKERFILE = house.ROOT / "Dockerfile"
TOLD = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "metadata": {"timestamp": "2026-12-01T00:00:00+00:00"},
    "components": [
        {
            "type": "library",
            "bom-ref": "requirements-L3",
            "description": "requirements line 3: aiohttp ...",
            "name": "aiohttp",
            "version": metadata.version("aiohttp"),
            "purl": f"pkg:pypi/aiohttp@{metadata.version('aiohttp')}",
        }
    ],
    "dependencies": [{"ref": "requirements-L3"}],
}


def test_every_member_that_an_image_has_exists() -> None:
    members = {member.relative_to(house.ROOT).as_posix() for member in house.members()}
    assert {member for image in sbom.IMAGES.values() for member in image.members} <= members


def test_every_member_is_in_some_image() -> None:
    members = {member.relative_to(house.ROOT).as_posix() for member in house.members()}
    assert members <= {member for image in sbom.IMAGES.values() for member in image.members}


@pytest.mark.skipif(not DOCKERFILE.exists(), reason="there is no Dockerfile yet")
def test_every_image_is_a_target_of_the_dockerfile() -> None:
    targets = set(re.findall(r"^FROM \S+ AS (\S+)", DOCKERFILE.read_text(), re.MULTILINE))
    assert set(sbom.IMAGES) <= targets


def test_an_image_is_told_of_when_its_lock_is_there_and_an_unknown_lock_by_its_own_name() -> None:
    images = sbom.images_of(["scale-down", "build", "strange"])
    assert set(images) == {"scale-down", "strange"}
    assert images["strange"] == sbom.Image("strange")


def test_an_image_holds_what_its_lock_says_and_our_own() -> None:
    told = sbom.complete(TOLD, "scale-down", sbom.IMAGES["scale-down"])
    assert [one["name"] for one in told["components"]] == ["aiohttp", "voicemesh-scale-down"]
    assert told["components"][0]["bom-ref"] == told["components"][0]["purl"]
    assert "description" not in told["components"][0]
    assert told["metadata"]["component"]["name"] == "voice-mesh/scale-down"
    assert {one["ref"] for one in told["dependencies"]} == {
        "voice-mesh/scale-down",
        *(one["bom-ref"] for one in told["components"]),
    }


def test_the_gateway_tells_of_its_script_for_browsers_and_not_of_what_only_tests_run() -> None:
    told = sbom.complete(TOLD, "gateway", sbom.IMAGES["gateway"])
    scripts = {one["name"]: one for one in told["components"] if one.get("purl", "").startswith("pkg:npm/")}
    assert "livekit-client" in scripts
    assert "axe-core" not in scripts
    assert re.fullmatch(r"[0-9a-f]{128}", scripts["livekit-client"]["hashes"][0]["content"])
    assert scripts["@livekit/mutex"]["purl"].startswith("pkg:npm/%40livekit/mutex@")


def test_a_licence_is_told_as_the_installed_package_of_that_version_declares_it() -> None:
    assert sbom.licences("aiohttp", metadata.version("aiohttp"))
    assert sbom.licences("aiohttp", "0.0.1") == []
    assert sbom.licences("no-such-package-anywhere", "1.0") == []


def test_the_lock_of_the_tool_names_versions_and_hashes_and_no_host() -> None:
    lock = (house.ROOT / "tools" / "sbom.lock").read_text()
    assert not re.search(r"https?://", lock)
    entries = [entry for entry in re.split(r"\n(?=\S)", lock) if not entry.startswith("#")]
    assert entries
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
