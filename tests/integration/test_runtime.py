# SPDX-License-Identifier: MIT
"""The .NET runtime that the managed modules of a host share: frameworks, properties, and layouts that have none."""

import json
import os
import pathlib
import shutil
import subprocess
import urllib.request

import pytest

from runner import eventually
from test_sessions import ANN, desk  # noqa: F401 (a fixture)

WEB = (0x1e0, 0x1e1)
READER = (0x146, 0x147)
ECHO = (1, 2)
ASP = "Microsoft.AspNetCore.App"
CORE = "Microsoft.NETCore.App"
EVENTS = "System.Diagnostics.Tracing.EventSource.IsSupported"

pytestmark = [pytest.mark.managed, pytest.mark.limit(90)]


def take(tree, runner, name, folder=None, **options):
    """A folder of a built module with options of its runtimeconfig.json changed; returns its assembly."""
    target = runner.folder / "built" / (folder or name)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(tree.tests / "modules" / name, target)
    path = next(path for path in target.glob("*.dll") if path.with_suffix(".deps.json").exists())
    change(path, **options)
    return path


def change(path, properties=None, frameworks=None):
    file = path.with_suffix(".runtimeconfig.json")
    config = json.loads(file.read_text())
    options = config["runtimeOptions"]
    if properties:
        options["configProperties"] = properties
    if frameworks:
        options.pop("framework", None)
        options["frameworks"] = [{"name": name, "version": version} for name, version in frameworks.items()]
    file.write_text(json.dumps(config))


def root_of_dotnet():
    """Where the .NET is that hosts use."""
    places = (pathlib.Path("/usr/share/dotnet"), pathlib.Path("/usr/lib/dotnet"), pathlib.Path.home() / ".dotnet")
    return next(place for place in places if (place / "shared" / CORE).is_dir())


def make_root(runner, *frameworks):
    """A .NET root with links to some of what is installed."""
    root = runner.folder / "dotnet"
    (root / "shared").mkdir(parents=True)
    (root / "host").symlink_to(root_of_dotnet() / "host")
    for name in frameworks:
        (root / "shared" / name).symlink_to(root_of_dotnet() / "shared" / name)
    return root


def runtime_files(runner):
    """What the store has of runtimeconfig.json files."""
    for folder in ("/var/lib/umh", os.path.expanduser("~/.cache/umh/store")):
        modules = pathlib.Path(folder, runner.instance, "modules")
        if modules.is_dir():
            return sorted(path.name for path in modules.iterdir() if path.name.startswith("runtime-"))
    return []


def get(url):
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read().decode()


def test_asp_net_answers_http(runner):
    runner.configure(runner.host("one", runner.module("web", "Kestrel"), "echo"))
    runner.start()
    assert len(runtime_files(runner)) == 1
    pid = runner.pid("one")
    url = runner.exchange(*WEB, "listen")
    assert url.startswith("http://127.0.0.1:")
    assert get(url) == "hello from web"
    count, is_hosts, is_shared, place = runner.exchange(*WEB, "shared").split(maxsplit=3)
    assert (count, is_hosts, is_shared) == ("1", "True", "True")
    assert f"/shared/{ASP}/" in place

    # Stopped and disposed it holds nothing: no other process is needed.
    runner.umh("reload", "one", "web")
    assert runner.pid("one") == pid
    with pytest.raises(OSError):
        get(url)
    assert get(runner.exchange(*WEB, "listen")) == "hello from web"
    assert "unloaded" in runner.umh("unload", "one", "web").stdout.decode()
    assert runner.pid("one") == pid
    assert runner.exchange(*ECHO, "hello") == "hello"
    runner.stop()
    assert runtime_files(runner) == []


def test_hosts_that_ask_for_the_same_share_a_file(tree, runner):
    plain = take(tree, runner, "Reader")
    runner.configure(*(runner.host(name, runner.module("web", "Kestrel")) for name in ("one", "two")),
                     runner.host("plain", runner.module("reader", plain)))
    runner.start()
    assert len(runtime_files(runner)) == 1
    runner.configure(runner.host("two", runner.module("web", "Kestrel")))
    runner.umh("apply")
    eventually(lambda: len(runner.status()["hosts"]) == 1, runner.patience)
    assert len(runtime_files(runner)) == 1
    runner.configure()
    runner.umh("apply")
    eventually(lambda: runtime_files(runner) == [], runner.patience, lambda: f"{runtime_files(runner)}")


def test_a_module_that_needs_more_replaces_the_process(tree, runner):
    reader = runner.module("reader", take(tree, runner, "Reader"))
    runner.configure(runner.host("one", reader, "echo"))
    runner.start()
    pid = runner.pid("one")
    runner.configure(runner.host("one", reader, "echo", runner.module("web", "Kestrel")))
    runner.umh("apply")
    runner.await_module("one", "web", "running")
    assert runner.pid("one") != pid
    runner.await_log("is replaced by a fresh process: for module web: its runtime was started without "
                     f"{ASP} 10.0.0")
    assert get(runner.exchange(*WEB, "listen")) == "hello from web"
    assert runner.exchange(*ECHO, "hello") == "hello"
    assert not runner.find_host("one")["deaths"] or runner.find_host("one")["restarts"] <= 1

    # Another crash brings the same runtime back.
    again = runner.kill("one")
    runner.await_host("one", lambda host: host["pid"] not in (None, 0, again) and host["state"] == "running")
    runner.await_module("one", "web", "running")
    assert get(runner.exchange(*WEB, "listen")) == "hello from web"


def test_properties_of_the_file_of_the_host_and_of_modules(tree, runner):
    by_module = take(tree, runner, "Kestrel", "big", properties={"System.GC.Server": True})
    runner.configure(
        runner.host("one", runner.module("web", "Kestrel"),
                    DotNet={"Gc": {"HeapLimitMiB": 150, "Concurrent": False, "ConserveMemory": 5},
                            "InvariantGlobalization": True}),
        DotNet={"TieredCompilation": False, "TieredPgo": True, "InvariantGlobalization": False,
                "Properties": {"Some.Switch": "on", EVENTS: "true"}})
    runner.start()
    runtime = runner.exchange(*WEB, "runtime")
    assert runtime.startswith("server=False latency=Batch heap=150 .NET 10.")
    for name, value in {"System.Runtime.TieredCompilation": "false", "System.Runtime.TieredPGO": "true",
                        "System.Globalization.Invariant": "true", "Some.Switch": "on",
                        "System.GC.ConserveMemory": "5", "System.Globalization.PredefinedCulturesOnly": "false",
                        EVENTS: "true"}.items():
        assert runner.exchange(*WEB, name).lower() == value, name
    assert runner.exchange(*WEB, "culture") == "1.5"

    # A change of what the process is born with replaces it; what a module fixes holds where nobody else says it.
    pid = runner.pid("one")
    runner.configure(runner.host("one", runner.module("web", by_module),
                                 DotNet={"Frameworks": [f"{ASP} 10.0.0"], "InvariantGlobalization": False}))
    runner.umh("apply")
    runner.await_host("one", lambda host: host["pid"] != pid and host["state"] == "running"
                      and host["modules"][0]["state"] == "running")
    assert runner.exchange(*WEB, "runtime").startswith("server=True latency=Interactive")
    assert runner.exchange(*WEB, "culture") == "1,5"
    assert runner.exchange(*WEB, EVENTS).lower() == "false"


def test_a_layout_that_cannot_share_a_runtime(tree, runner):
    big = take(tree, runner, "Reader", "big", properties={"System.GC.Server": True})
    small = take(tree, runner, "ReaderNext", "small", properties={"System.GC.Server": False})
    modules = [runner.module("big", big), runner.module("small", small)]
    why = ("modules 'big' and 'small' cannot share one runtime: in their runtimeconfig.json, 'big' sets "
           "System.GC.Server to true, 'small' to false; say in DotNet.Gc.Server of the host which it is")
    runner.configure(runner.host("one", *modules), runner.host("other", "echo"))
    checked = runner.umh("check", runner.config, code=None)
    assert checked.returncode != 0 and why in checked.stderr.decode()
    assert why in runner.umh("plan", runner.config, code=None).stderr.decode()

    runner.start(wait=False)
    runner.await_running("other")
    host = runner.await_host("one", lambda host: host["state"] == "absent" and host["why"])
    assert why in host["why"]
    assert runner.log().count("is not started until it is changed or reset") == 1
    assert why in runner.umh("plan", runner.config, code=None).stderr.decode()
    assert runner.exchange(*ECHO, "hello") == "hello"
    assert runtime_files(runner) == []

    # A reset looks at the files as they are now.
    runner.umh("reset", "one")
    eventually(lambda: runner.log().count("is not started until it is changed or reset") == 2, runner.patience)
    change(small, properties={"System.GC.Server": True})
    runner.umh("reset", "one")
    runner.await_running("one")
    assert runner.exchange(*READER, "package") == "12.0.0.0 read 2"

    # One module of a host that runs is refused alone, and goes on as it was.
    pid = runner.pid("one")
    change(small, properties={"System.GC.Server": False})
    refused = runner.umh("reload", "one", "small", code=None)
    assert refused.returncode != 0 and "cannot share one runtime" in refused.stderr.decode()
    runner.await_module("one", "small", "running")
    assert runner.pid("one") == pid

    # As the message says.
    runner.configure(runner.host("one", *modules, DotNet={"Gc": {"Server": False}}), runner.host("other", "echo"))
    runner.umh("check", runner.config)
    runner.umh("apply")
    runner.await_host("one", lambda host: host["pid"] not in (None, 0, pid) and host["state"] == "running")
    runner.umh("reload", "one", "small")


def test_a_framework_that_is_not_installed(tree, runner):
    root = make_root(runner, CORE)
    runner.configure(runner.host("one", runner.module("web", "Kestrel"), DotNet={"Root": str(root)}),
                     runner.host("other", "echo"))
    why = (f"module 'web' needs the framework {ASP} 10.0.0, and no version of it that will do is installed: install "
           f"the package aspnetcore-runtime-10.0; looked in {root}/shared/{ASP} (there: none)")
    assert why in runner.umh("check", runner.config, code=None).stderr.decode()
    runner.start(wait=False)
    runner.await_running("other")
    assert why in runner.await_host("one", lambda host: host["state"] == "absent" and host["why"])["why"]

    # It is installed: nothing but a reset is needed.
    (root / "shared" / ASP).symlink_to(root_of_dotnet() / "shared" / ASP)
    runner.umh("reset", "one")
    runner.await_running("one")
    assert get(runner.exchange(*WEB, "listen")) == "hello from web"


def test_hostfxr_has_the_last_word(tree, runner):
    root = make_root(runner, CORE)
    (root / "shared" / ASP / "10.0.99").mkdir(parents=True)
    runner.configure(runner.host("one", runner.module("web", "Kestrel"), DotNet={"Root": str(root)}))
    runner.start()
    module = runner.await_module("one", "web", "failed")
    assert f".NET in '{root}' did not start" in module["why"]
    assert ASP in module["why"] and "https://aka.ms/dotnet" in module["why"]


def test_a_later_dotnet_and_a_self_contained_one(tree, runner):
    late = take(tree, runner, "Reader", "late", frameworks={CORE: "11.0.0"})
    alone = take(tree, runner, "ReaderNext", "alone")
    file = alone.with_suffix(".runtimeconfig.json")
    file.write_text(json.dumps({"runtimeOptions": {"includedFrameworks": [{"name": CORE, "version": "10.0.0"}]}}))
    runner.configure(runner.host("one", runner.module("late", late)), runner.host("two", runner.module("alone", alone)))
    said = runner.umh("check", runner.config, code=None).stderr.decode()
    assert f"module 'late' needs {CORE} 11.0.0, and this host runs on .NET 10; build it for net10.0" in said
    assert "published with a .NET of its own (self-contained)" in said
    runner.start(wait=False)
    runner.await_running("two")
    assert "this host runs on .NET 10" in \
        runner.await_host("one", lambda host: host["state"] == "absent" and host["why"])["why"]
    assert "self-contained" in runner.await_module("two", "alone", "failed")["why"]


def test_an_assembly_of_a_framework_that_nobody_asked_for(tree, runner):
    path = take(tree, runner, "Kestrel", frameworks={CORE: "10.0.0"})
    runner.configure(runner.host("one", runner.module("web", path)))
    runner.start()
    runner.send(WEB[0], "listen")
    runner.await_log(f"is part of the framework {ASP}, without which this process runs: add {ASP} to "
                     "DotNet.Frameworks of its host")
    runner.configure(runner.host("one", runner.module("web", path), DotNet={"Frameworks": [ASP]}))
    pid = runner.pid("one")
    runner.umh("apply")
    runner.await_host("one", lambda host: host["pid"] != pid and host["state"] == "running"
                      and host["modules"][0]["state"] == "running")
    assert get(runner.exchange(*WEB, "listen")) == "hello from web"


def test_a_host_of_a_user_may_read_what_it_is_started_with(runner, desk):  # noqa: F811
    runner.configure(runner.host("one", runner.module("web", "Kestrel"), Session="AllUsers",
                                 DotNet={"Gc": {"HeapLimitMiB": 150}}))
    desk.log_on("c1", ANN)
    desk.start()
    hosts = desk.await_hosts("one@1")
    assert f"Uid:\t{ANN}" in pathlib.Path(f"/proc/{hosts['one@1']['pid']}/status").read_text()
    assert [module["state"] for module in hosts["one@1"]["modules"]] == ["running"]
    file, = pathlib.Path("/var/lib/umh", runner.instance, "users").glob("runtime-*")
    assert file.stat().st_mode & 0o777 == 0o644 and file.stat().st_uid == 0
    assert json.loads(file.read_text())["runtimeOptions"]["configProperties"]["System.GC.HeapHardLimit"] == 150 << 20


def test_cultures_without_their_library(runner):
    """In a mount namespace in which libicu is empty."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
        pytest.skip("no mount namespace can be made here")
    hide = ("for file in $(ldconfig -p | sed -n 's/.*libicu.* => //p' | xargs -r -n 1 readlink -f | sort -u); do "
            "mount --bind /dev/null $file || exit 1; done; exec \"$@\"")
    runner.configure(runner.host("one", runner.module("web", "Kestrel"), DotNet={"InvariantGlobalization": False},
                                 Restart={"When": "Never"}), runner.host("other", "echo"))
    runner.start(wait=False, under=("unshare", "--mount", "--propagation", "private", "sh", "-c", hide, "hide"))
    runner.await_running("other")
    host = runner.await_host("one", lambda host: host["state"] == "absent" and host["death"])
    assert "with InvariantGlobalization false, .NET ends where libicu is not installed" in host["death"]
    assert "Couldn't find a valid ICU package installed on the system" in runner.log()


def test_keys_that_are_wrong(runner):
    runner.configure(runner.host("one", "echo", DotNet={
        "Frameworks": ["../App", "App 1"], "RollForward": "Sideways", "Gc": {"Server": "yes", "ConserveMemory": 10}}))
    said = runner.umh("check", runner.config, code=None).stderr.decode()
    for part in ("RollForward: expected one of Minor", "Gc.Server: expected true or false, found \"yes\"",
                 "Gc.ConserveMemory: expected a whole number from 0 to 9"):
        assert part in said, said
    runner.configure(runner.host("one", "echo", DotNet={"Frameworks": ["../App", "App 1"]}))
    said = runner.umh("check", runner.config, code=None).stderr.decode()
    assert "DotNet.Frameworks[0]: expected the name of a framework" in said and "Frameworks[1]" not in said
