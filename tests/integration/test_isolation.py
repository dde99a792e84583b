# SPDX-License-Identifier: MIT
"""Each managed module sees the assemblies, libraries and resources of its own folder, or is told what is wrong."""

import json
import os
import pathlib
import shutil

import pytest

from runner import eventually, has_mapped

READER = (0x146, 0x147)
READER_NEXT = (0x148, 0x149)
ECHO = (1, 2)
LIBRARY = "runtimes/linux-x64/native/libanswer.so"

pytestmark = pytest.mark.managed


def take(tree, runner, name):
    """A folder of a built module, where its files can be changed; returns its assembly."""
    folder = runner.folder / "built" / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(tree.tests / "modules" / name, folder)
    return next(path for path in folder.glob("*.dll") if (folder / f"{path.stem}.deps.json").exists())


def add_library(tree, path, answer, listed):
    """A native library: as that of a package, which the list of dependencies names, or beside the assembly."""
    target = path.parent / (LIBRARY if listed else "libanswer.so")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(tree.tests / "libraries" / str(answer) / "libanswer.so", target)
    if not listed:
        return
    listing = path.with_suffix(".deps.json")
    deps = json.loads(listing.read_text())
    package = f"Answer/{answer}.0.0"
    deps["targets"][deps["runtimeTarget"]["name"]][package] = {
        "runtimeTargets": {LIBRARY: {"rid": "linux-x64", "assetType": "native", "fileVersion": "0.0.0.0"}}}
    deps["libraries"][package] = {"type": "package", "serviceable": True, "sha512": "", "path": package.lower()}
    listing.write_text(json.dumps(deps))


def copies(runner):
    """What the store holds."""
    for root in ("/var/lib/umh", os.path.expanduser("~/.cache/umh/store")):
        folder = pathlib.Path(root, runner.instance, "modules")
        if folder.is_dir():
            return sorted(path.name for path in folder.iterdir())
    return []


@pytest.fixture
def readers(tree, runner):
    """Two versions of one module in one process."""
    older, newer = take(tree, runner, "Reader"), take(tree, runner, "ReaderNext")
    add_library(tree, older, 12, listed=True)
    add_library(tree, newer, 13, listed=False)
    runner.configure(runner.host("one", runner.module("older", older), runner.module("newer", newer), "echo"))
    runner.start()
    return lambda pair, text: runner.exchange(*pair, text)


def test_two_versions_of_everything_in_one_process(runner, readers):
    assert readers(READER, "package") == "12.0.0.0 read 2"
    assert readers(READER_NEXT, "package") == "13.0.0.0 read 2"
    assert readers(READER_NEXT, "native") == "13"
    assert readers(READER, "native") == "12"
    assert readers(READER, "package") == "12.0.0.0 read 2"
    assert [module["state"] for module in runner.find_host("one")["modules"]] == ["running"] * 3


def test_satellites_of_each(runner, readers):
    assert readers(READER, "greeting de") == "guten Tag"
    assert readers(READER_NEXT, "greeting de") == "hallo"
    assert readers(READER, "greeting fr") == "good day"
    assert readers(READER_NEXT, "greeting en") == "hello"


def test_shares_the_contract_and_nothing_else(runner, readers):
    for pair in (READER, READER_NEXT):
        readers(pair, "package")
        readers(pair, "greeting de")
        assert readers(pair, "own") == "Newtonsoft.Json Reader Reader.resources"
        assert readers(pair, "shared") == "UniversalModuleHost.Abstractions Microsoft.Extensions.Logging.Abstractions"


def test_a_copy_of_the_contract_yields_to_the_hosts(tree, runner):
    path = take(tree, runner, "Reader")
    for name in ("UniversalModuleHost.Abstractions", "Microsoft.Extensions.Logging.Abstractions"):
        shutil.copy(tree.dist / "lib" / "umh" / "managed" / f"{name}.dll", path.parent)
    runner.configure(runner.host("one", runner.module("older", path)))
    runner.start()
    assert runner.exchange(*READER, "own") == "Reader"


def test_a_module_folder_found_by_name(tree, runner):
    path = take(tree, runner, "Reader")
    add_library(tree, path, 12, listed=True)
    shutil.copytree(path.parent, runner.folder / "modules" / "Reader")
    shutil.rmtree(path.parent)
    runner.configure(runner.host("one", {"Name": "Reader"}))
    runner.start()
    assert runner.exchange(*READER, "package") == "12.0.0.0 read 2"
    assert runner.exchange(*READER, "native") == "12"
    assert runner.exchange(*READER, "greeting de") == "guten Tag"


def test_an_assembly_without_a_list_of_dependencies(tree, runner):
    path = take(tree, runner, "ReaderNext")
    path.with_suffix(".deps.json").unlink()
    add_library(tree, path, 13, listed=False)
    runner.configure(runner.host("one", runner.module("newer", path)))
    runner.start()
    assert runner.exchange(*READER_NEXT, "package") == "13.0.0.0 read 2"
    assert runner.exchange(*READER_NEXT, "native") == "13"
    assert runner.exchange(*READER_NEXT, "greeting de") == "hallo"


def test_the_originals_are_deleted_while_loaded(runner, readers):
    shutil.rmtree(runner.folder / "built")
    assert readers(READER, "package") == "12.0.0.0 read 2"
    assert readers(READER, "native") == "12"
    assert readers(READER, "greeting de") == "guten Tag"
    pid = runner.kill("one")
    runner.await_host("one", lambda host: host["state"] == "running" and host["pid"] != pid)
    assert readers(READER, "native") == "12"
    assert readers(READER_NEXT, "package") == "13.0.0.0 read 2"


def test_the_originals_are_rebuilt_while_loaded(tree, runner):
    path = take(tree, runner, "Reader")
    add_library(tree, path, 12, listed=True)
    runner.configure(runner.host("one", runner.module("reader", path), "echo"))
    runner.start()
    assert runner.exchange(*READER, "native") == "12"
    before = copies(runner)
    newer = take(tree, runner, "ReaderNext")
    add_library(tree, newer, 13, listed=True)
    shutil.rmtree(path.parent)
    shutil.move(newer.parent, path.parent)
    assert runner.exchange(*READER, "package") == "12.0.0.0 read 2"
    assert runner.umh("reload", "one", "reader").stdout.strip() == b"running"
    assert runner.exchange(*READER_NEXT, "native") == "13"
    assert runner.exchange(*READER_NEXT, "package") == "13.0.0.0 read 2"
    assert runner.exchange(*READER_NEXT, "greeting de") == "hallo"
    pid = runner.pid("one")
    assert runner.umh("unload", "one", "reader").stdout.strip() == b"unloaded"
    assert runner.pid("one") == pid and not has_mapped(pid, "Newtonsoft.Json.dll")
    eventually(lambda: len(copies(runner)) == len(before) - 1, runner.patience, lambda: f"one less than {before}")
    assert len(before) == 2


def test_the_next_start_removes_what_a_crash_left(runner, readers):
    before = copies(runner)
    assert len(before) == 3
    runner.kill_broker()
    assert copies(runner) == before
    runner.start()
    assert readers(READER, "native") == "12"
    eventually(lambda: len(copies(runner)) == 3, runner.patience, lambda: f"three copies: {copies(runner)}")


# --- what is wrong, in words ---------------------------------------------------------------------


def make_net11(path):
    """As a later SDK would build it: its framework's name, and the version of what all types come from."""
    raw = path.read_bytes()
    assert b".NETCoreApp,Version=v10.0" in raw
    raw = raw.replace(b".NETCoreApp,Version=v10.0", b".NETCoreApp,Version=v11.0")
    path.write_bytes(raw.replace(version_row(10), version_row(11)))


def version_row(major):
    return major.to_bytes(2, "little") + bytes(10)


def make_net_framework(path):
    shutil.copy(path.parent / "net45" / "Newtonsoft.Json.dll", path)


def make_package(path):
    shutil.copy(path.parent / "Newtonsoft.Json.dll", path)


def cli_flags(raw):
    """Where they are in the file."""
    def number(at, size=4):
        return int.from_bytes(raw[at:at + size], "little")

    pe = number(0x3C)
    optional = pe + 24
    directories = optional + (112 if number(optional, 2) == 0x20B else 96)
    header = number(directories + 14 * 8)
    sections = optional + number(pe + 20, 2)
    for at in range(sections, sections + 40 * number(pe + 6, 2), 40):
        if number(at + 12) <= header < number(at + 12) + number(at + 8):
            return header - number(at + 12) + number(at + 20) + 16
    raise AssertionError("no CLI header")


def change_flags(path, clear, add):
    raw = bytearray(path.read_bytes())
    at = cli_flags(raw)
    raw[at] = raw[at] & ~clear & 0xFF | add
    path.write_bytes(raw)


def make_32_bit(path):
    change_flags(path, 0, 2)


def make_mixed(path):
    change_flags(path, 1, 0)


def make_newer_shared(path):
    raw = path.read_bytes()
    path.write_bytes(raw.replace(version_row(10), version_row(11)))


WRONG = [
    (make_newer_shared, ("built against Microsoft.Extensions.", "Abstractions 11.0.0.0", "this host has 10.0.0.0: ",
                         "reference version 10.0.* of it")),
    (make_net11, ("built for .NET 11.0", ".NET 10.", "build it for net10.0", "install")),
    (make_net_framework, ("built for .NET Framework 4.5", "build it for net10.0")),
    (make_package, ("no public class that derives from UniversalModuleHost.Module", "its public classes are",
                    "Newtonsoft.Json.")),
    (make_32_bit, ("32-bit only", "64-bit", "AnyCPU")),
    (make_mixed, ("mixes managed with native code", "P/Invoke")),
]


@pytest.mark.parametrize("make, words", WRONG, ids=[make.__name__.replace("make_", "") for make, _ in WRONG])
def test_says_what_is_wrong_with_an_assembly(tree, runner, make, words):
    path = take(tree, runner, "Reader")
    make(path)
    runner.configure(runner.host("one", runner.module("wrong", path), "echo"))
    runner.start()
    module = runner.find_module("one", "wrong")
    assert module["state"] == "failed"
    assert all(word in module["why"] for word in words), module["why"]
    assert runner.exchange(*ECHO, "the rest") == "the rest"
    assert runner.find_host("one")["restarts"] == 0


@pytest.mark.parametrize("part", ["assembly", "assembly and list"])
def test_names_a_missing_dependency_and_where_it_looked(tree, runner, part):
    path = take(tree, runner, "Reader")
    (path.parent / "Newtonsoft.Json.dll").unlink()
    if part != "assembly":
        path.with_suffix(".deps.json").unlink()
    runner.configure(runner.host("one", runner.module("older", path, Start="package"), "echo"))
    runner.start()
    module = runner.find_module("one", "older")
    listed = "where Reader.deps.json says" if part == "assembly" else "without a Reader.deps.json"
    assert module["state"] == "failed"
    for word in ("Newtonsoft.Json 12.0.0.0", str(path.parent), listed, ".NET 10.", "dotnet publish"):
        assert word in module["why"], module["why"]
    assert runner.exchange(*ECHO, "the rest") == "the rest"


def test_lends_nothing_of_the_hosts_own(tree, runner):
    """The host has that assembly for itself; a module that forgot it must not find out by an update."""
    path = take(tree, runner, "Clerk")
    (path.parent / "Microsoft.Extensions.Options.dll").unlink()
    assert (tree.dist / "lib" / "umh" / "managed" / "Microsoft.Extensions.Options.dll").exists()
    runner.configure(runner.host("one", runner.module("clerk", path), "echo"))
    runner.start()
    module = runner.find_module("one", "clerk")
    assert module["state"] == "failed"
    assert "missing: Microsoft.Extensions.Options 10.0.0.0" in module["why"], module["why"]
    assert runner.exchange(*ECHO, "the rest") == "the rest"


def make_root(runner, *runtimes):
    """A .NET root with this machine's resolver and folders of runtimes that are empty."""
    real = pathlib.Path(os.path.realpath(shutil.which("dotnet") or "/usr/share/dotnet/dotnet")).parent
    root = runner.folder / "dotnet"
    root.mkdir()
    if runtimes:
        shutil.copytree(real / "host" / "fxr", root / "host" / "fxr")
    for version in runtimes:
        (root / "shared" / "Microsoft.NETCore.App" / version).mkdir(parents=True)
    return root


@pytest.mark.parametrize("runtimes, words", [
    ((), ("no .NET 10 runtime", "install")),
    (("9.0.1",), ("no .NET 10 runtime", "install", "9.0.1")),
    (("10.0.0",), ("You must install or update .NET", "No frameworks were found", "install the .NET 10 runtime")),
], ids=["nothing", "another version", "a broken one"])
def test_says_which_runtime_is_missing(tree, runner, runtimes, words):
    root = make_root(runner, *runtimes)
    path = take(tree, runner, "Reader")
    runner.configure(runner.host("one", runner.module("older", path), "echo", DotNet={"Root": str(root)}))
    runner.start()
    module = runner.find_module("one", "older")
    assert module["state"] == "failed"
    for word in (*words, str(root)):
        assert word in module["why"], module["why"]
    assert runner.exchange(*ECHO, "the rest") == "the rest"
