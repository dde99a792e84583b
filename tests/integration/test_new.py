# SPDX-License-Identifier: MIT
"""A module's project from `umh new`: it builds, its test passes, and it runs, as the user does it."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

NATIVE = ("c", "c++")
GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


@pytest.fixture
def work(tmp_path, tree, monkeypatch):
    """An empty folder, with `umh` on the PATH and what .NET keeps in a folder beside it."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{tree.umh.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("NUGET_PACKAGES", str(tmp_path / "packages"))
    monkeypatch.setenv("DOTNET_CLI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOTNET_CLI_TELEMETRY_OPTOUT", "1")
    monkeypatch.setenv("DOTNET_GENERATE_ASPNET_CERTIFICATE", "false")
    monkeypatch.setenv("DOTNET_CLI_USE_MSBUILD_SERVER", "0")
    monkeypatch.setenv("MSBUILDDISABLENODEREUSE", "1")
    monkeypatch.setenv("UseSharedCompilation", "false")
    return folder


def run(folder, *command, code=0, text=b"", patience=280):
    done = subprocess.run([str(part) for part in command], cwd=folder, input=text, capture_output=True, timeout=patience)
    said = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == code, f"{command} ended with {done.returncode}: {said[-4000:]}"
    return done


def make(folder, name, language, *arguments):
    """What `umh new --json` says of the project it has made."""
    done = run(folder, "umh", "new", "module", name, "--language", language, "--json", *arguments)
    return json.loads(done.stdout)


def refuse(folder, *arguments, code=1):
    """What it says on stderr; it leaves the folder as it was."""
    before = sorted(folder.rglob("*"))
    done = run(folder, "umh", "new", *arguments, code=code)
    assert not done.stdout and done.stderr.startswith(b"umh: ")
    assert sorted(folder.rglob("*")) == before
    return done.stderr.decode()


def try_it(project, name):
    """`umh try` in its folder, with one question; the names are those of its broker.json."""
    asked = project["services"]["questions"]
    done = run(project["folder"], "umh", "try", text=f"{asked} hello\nquestions again\n".encode())
    assert done.stdout.decode() == f"answers {name}: hello\nanswers {name}: again\n"


@pytest.fixture
def dotnet(work, monkeypatch):
    """Packages that the machine has are taken from there; ours are always those of the feed."""
    packages = pathlib.Path.home() / ".nuget" / "packages"
    if packages.is_dir():
        monkeypatch.setenv("RestoreFallbackFolders", str(packages))
    return shutil.which("dotnet") or str(pathlib.Path.home() / ".dotnet" / "dotnet")


# --- native ------------------------------------------------------------------------------------


@pytest.mark.limit(120)
@pytest.mark.parametrize("language", NATIVE)
def test_a_native_project_builds_and_runs(work, language):
    project = make(work, "greeter", language)
    assert b"FAILED" not in run(project["folder"], "make", "test").stdout
    try_it(project, "greeter")
    run(project["folder"], "umh", "check", "broker.json")
    run(project["folder"], "make", "clean")
    assert b"build it first: make" in run(project["folder"], "umh", "try", code=1).stderr


@pytest.mark.limit(120)
@pytest.mark.parametrize("language", NATIVE)
def test_its_test_fails_with_the_module(work, language):
    project = make(work, "greeter", language)
    source = next(pathlib.Path(project["folder"]).glob("greeter.c*"))
    source.write_text(source.read_text().replace('"greeter: ', '"other: '))
    assert b"FAILED" in run(project["folder"], "make", "test", code=2).stdout


def test_two_projects_do_not_hear_each_other(work):
    made = [make(work, name, "c") for name in ("one", "two")]
    guids = [guid for project in made for guid in project["services"].values()]
    assert len(set(guids)) == 4 and all(re.fullmatch(GUID, guid) for guid in guids)
    for project in made:
        folder = pathlib.Path(project["folder"])
        assert sorted(project["files"]) == sorted(
            str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        texts = "".join((folder / file).read_text() for file in project["files"])
        assert "my_module" not in texts and "7c1e3b5a" not in texts and "b5d2f7e9" not in texts


def find_schema(project):
    """Where an editor looks: it leaves out `..` by itself."""
    text = (pathlib.Path(project["folder"]) / "broker.json").read_text()
    return pathlib.Path(os.path.normpath(re.search(r'"\$schema": "([^"]+)"', text)[1]))


@pytest.mark.parametrize("language", NATIVE)
def test_editors_find_the_schema(work, tree, language):
    schema = find_schema(make(work, "greeter", language))
    assert schema == tree.dist / "share" / "umh" / "broker.schema.json" and "properties" in json.loads(schema.read_text())


def test_says_what_to_do_next(work):
    """Its three commands are run as they are printed."""
    said = run(work, "umh", "new", "module", "next-one", "--language", "c", "in a folder").stdout.decode()
    commands = [line.strip() for line in said.splitlines() if line.startswith("  ")]
    assert len(commands) == 3
    assert run(work, "sh", "-ec", "\n".join(commands)).stdout.decode().endswith("next-one: hello\n")


def test_takes_an_empty_folder(work):
    (work / "here").mkdir()
    project = make(work / "here", "greeter", "c++", ".")
    assert pathlib.Path(project["folder"]).resolve() == (work / "here").resolve()
    assert (work / "here" / "greeter.cpp").is_file()


def test_refuses_a_folder_in_use(work):
    (work / "full").mkdir()
    (work / "full" / "file").write_text("mine")
    assert "is not empty" in refuse(work, "module", "full", "--language", "c")
    assert "is not a folder" in refuse(work, "module", "a", "--language", "c", "full/file")
    assert "cannot be made" in refuse(work, "module", "a", "--language", "c", "none/a")
    assert (work / "full" / "file").read_text() == "mine"


def test_refuses_wrong_names(work):
    for name in (".hidden", "-x", "a/b", "a b", "ä", "", "x" * 65):
        refuse(work, "module", "--language", "c", "--", name, code=2)
    for name in ("greeter", "My-Module", "My.Module", "1st", "class", "Module", "XUNIT"):
        refuse(work, "module", "--language", "csharp", name, code=2)


def test_refuses_wrong_usage(work):
    refuse(work, "module", "a", code=2)
    refuse(work, "module", "a", "--language", "java", code=2)
    refuse(work, "host", "a", "--language", "c", code=2)
    refuse(work, "module", "--language", "c", code=2)


def test_an_installation_without_templates(work, tree, tmp_path):
    moved = tmp_path / "moved"
    (moved / "bin").mkdir(parents=True)
    shutil.copy2(tree.umh, moved / "bin" / "umh")
    umh = moved / "bin" / "umh"
    done = run(work, umh, "new", "module", "a", "--language", "c", code=1)
    assert b"the template " in done.stderr and b"is missing" in done.stderr
    assert b"without .NET" in run(work, umh, "new", "module", "A", "--language", "csharp", code=1).stderr
    assert not list(work.iterdir())


def test_leaves_nothing_half_written(work, tree, tmp_path):
    """A file of the template that cannot be taken comes after others of it."""
    moved = tmp_path / "moved"
    (moved / "bin").mkdir(parents=True)
    shutil.copy2(tree.umh, moved / "bin" / "umh")
    templates = moved / "share" / "umh" / "templates"
    shutil.copytree(tree.dist / "share" / "umh" / "templates", templates)
    (templates / "c" / "zz").write_bytes(b"x" * (256 * 1024 + 1))
    (work / "empty").mkdir()
    for folder in ("new", "empty"):
        done = run(work, moved / "bin" / "umh", "new", "module", "a", "--language", "c", folder, code=1)
        assert b"too large" in done.stderr
    assert [path.name for path in work.rglob("*")] == ["empty"]


# --- what `umh try` finds ----------------------------------------------------------------------


def test_trying_nothing_says_so(work):
    assert b"no module's project" in run(work, "umh", "try", code=1).stderr


def test_trying_takes_the_newest_of_one_name_and_that_of_the_folder(work):
    folder = pathlib.Path(make(work, "greeter", "c")["folder"])
    run(folder, "make")
    shutil.copy2(folder / "build" / "greeter.so", folder / "other.so")
    run(folder, "umh", "try")
    moved = folder.rename(work / "elsewhere")
    assert b"several modules" in run(moved, "umh", "try", code=1).stderr
    (moved / "other.so").unlink()
    (moved / "greeter.so").write_text("older, and no module")
    os.utime(moved / "greeter.so", (1, 1))
    run(moved, "umh", "try")


# --- managed -----------------------------------------------------------------------------------


@pytest.mark.managed
@pytest.mark.limit(300)
def test_a_managed_project_builds_and_runs(work, dotnet):
    project = make(work, "Greeter", "csharp")
    assert b"dotnet build" in run(project["folder"], "umh", "try", code=1).stderr
    run(project["folder"], dotnet, "test")
    try_it(project, "Greeter")
    run(project["folder"], "umh", "check", "broker.json")
    assert find_schema(project).is_file()


@pytest.mark.managed
@pytest.mark.limit(300)
def test_dotnet_new_makes_the_same(work, dotnet, tree):
    feed = tree.dist / "share" / "umh" / "nuget"
    package = next(feed.glob("UniversalModuleHost.Templates.*.nupkg"))
    run(work, dotnet, "new", "install", package)
    run(work, dotnet, "new", "umh-module", "-n", "Greeter", "--feed", feed)
    made = work / "Greeter"
    ours = make(work, "Greeter", "csharp", "ours")
    files = sorted(str(path.relative_to(made)) for path in made.rglob("*") if path.is_file())
    assert files == sorted(ours["files"])
    guids = re.compile(GUID)
    for file in files:
        texts = [(folder / file).read_text(encoding="utf-8-sig") for folder in (made, work / "ours")]
        assert guids.sub("", texts[0]) == guids.sub("", texts[1]), file
    found = set(guids.findall((made / "README.md").read_text()))
    assert len(found) == 2 and not found & set(ours["services"].values())
