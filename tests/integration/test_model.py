"""The protocol's model: the checker finds a broken rule, and is found itself, on machines made of shell scripts."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from local.settings import LocalSettings
from local.supervisor.errors import NotFound
from tools import model, spin

UNPACKS = 'mkdir -p "$3/usr/bin"; echo spin > "$3/usr/bin/spin"'


def machine(tmp_path: Path, **programs: str) -> LocalSettings:
    """A machine whose PATH holds only these shell scripts."""
    folder = tmp_path / "path"
    folder.mkdir()
    for name, script in programs.items():
        program = folder / name.replace("_", "-")
        program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{textwrap.dedent(script)}\n")
        program.chmod(0o755)
    return LocalSettings.from_env({"PATH": str(folder), "VOICEMESH_CACHE_DIR": str(tmp_path / "cache")})


def test_without_a_compiler_the_error_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="C compiler") as failure:
        spin.find(machine(tmp_path, spin="exit 0"))
    assert "apt-get install -y gcc" in str(failure.value)


def test_without_spin_and_apt_the_error_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as failure:
        spin.find(machine(tmp_path, gcc="exit 0"))
    assert "apt-get install -y spin gcc" in str(failure.value)


def test_a_spin_on_the_path_comes_first(tmp_path: Path) -> None:
    tools = spin.find(machine(tmp_path, gcc="exit 0", spin="exit 0", apt_get="exit 1"))
    assert tools.spin == str(tmp_path / "path" / "spin")


def test_apt_s_package_is_unpacked_into_the_cache_once(tmp_path: Path) -> None:
    settings = machine(tmp_path, gcc="exit 0", apt_get="touch spin_6.5.2_any.deb", dpkg_deb=UNPACKS)
    tools = spin.find(settings)
    assert tools.spin == str(tmp_path / "cache" / "bin" / "spin")
    assert [entry.name for entry in (tmp_path / "cache" / "bin").iterdir()] == ["spin"]
    (tmp_path / "path" / "apt-get").unlink()
    assert spin.find(settings) == tools


def test_a_machine_without_package_lists_gets_lists_of_its_own(tmp_path: Path) -> None:
    apt = 'case "$*" in *update*) touch updated;; *download*) [ -f updated ] && touch spin_6.5.2_any.deb;; esac'
    tools = spin.find(machine(tmp_path, gcc="exit 0", apt_get=apt, dpkg_deb=UNPACKS))
    assert Path(tools.spin).is_file()


def test_an_apt_that_cannot_fetch_it_is_quoted_and_leaves_nothing_in_the_cache(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="Unable to locate package"):
        spin.find(
            machine(tmp_path, gcc="exit 0", apt_get='echo "E: Unable to locate package" >&2; exit 100', dpkg_deb="")
        )
    assert list((tmp_path / "cache" / "bin").iterdir()) == []


def test_a_broken_rule_is_found_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody evicts: the thawed agent and its successor speak at once. All mutants: `python -m tools.model --mutants`."""
    assert model.check_mutants(spin.find(LocalSettings.from_env()), 2)
    said = capsys.readouterr().out
    assert "FAULT" in said
    assert "opens its gate" in said


def test_a_mutant_that_is_not_found_out_fails_the_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unbroken = model.Mutant(99, "nothing is broken", "n_<=1", model.Search("small", {"FAULTS": 0, "HANDOFFS": 2}))
    monkeypatch.setattr(model, "MUTANTS", (unbroken,))
    assert not model.check_mutants(spin.find(LocalSettings.from_env()))
    assert "MISSED" in capsys.readouterr().out
