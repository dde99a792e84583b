# SPDX-License-Identifier: MIT
"""Programs: a managed Main has the main thread of its host, and with it the host's life."""

import json
import pathlib
import shutil
import struct
import subprocess

import pytest

from runner import eventually

ASKED, RESULT = 0x251, 0x252
ECHO_ASKED, ECHO_ANSWERED = 1, 2
CONTRACT = "UniversalModuleHost.Abstractions"

pytestmark = pytest.mark.managed


def panel(runner, name="Panel", file=None, arguments=(), **config):
    entry = runner.module(name, file or "Panel", **config)
    return {**entry, "Arguments": list(arguments)} if arguments else entry


def copy_of_panel(tree, runner):
    """Its folder, where files can be changed; returns the assembly."""
    folder = runner.folder / "Panel"
    shutil.copytree(tree.tests / "modules" / "Panel", folder)
    return folder / "Panel.dll"


@pytest.fixture
def talk(runner):
    """A program beside a native module, and who asks it."""
    def begin(arguments=(), timeouts={}, **config):
        runner.configure(runner.host("ui", panel(runner, arguments=arguments, **config), "echo", Ui=True,
                                     Timeouts=timeouts))
        runner.start()
        return runner.talk(ASKED, RESULT)

    return begin


def ask(talk, text):
    talk.tell(text)
    return talk.listener.next(where=lambda message: message["text"] not in ("began", "stopped"))["text"]


@pytest.mark.sanitize
def test_main_has_the_main_thread_and_the_host(runner, tree, talk):
    panel = talk(arguments=["--scale", "1.5", "two words"])
    assert ask(panel, "thread") == "main"
    assert ask(panel, "arguments") == "--scale|1.5|two words"
    assert ask(panel, "who") == "Panel in ui"
    assert ask(panel, "contract") == str(tree.dist / "lib" / "umh" / "managed" / (CONTRACT + ".dll"))
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "beside it") == "beside it"
    assert [module["loader"] for module in runner.find_host("ui")["modules"]] == ["program", "native"]

    assert ask(panel, "console") == "said"
    runner.await_log("from the console of a program")
    runner.await_log("a program logs 42")
    for text in ("from the console of a program", "a program logs 42"):
        line = next(line for line in runner.log().splitlines() if text in line)
        assert "host=ui" in line and "module=Panel" in line

    panel.tell("refuse")
    runner.await_log("told to throw in a handler")
    assert ask(panel, "still here") == "still here"


@pytest.mark.sanitize
def test_stop_and_reload_reach_main(runner, talk):
    panel = talk()
    pid = runner.pid("ui")
    runner.umh("reload", "ui", "Panel")
    assert panel.listener.next()["text"] == "stopped"
    assert panel.listener.next()["text"] == "began"
    assert runner.pid("ui") != pid
    assert ask(panel, "again") == "again"

    assert runner.umh("unload", "ui", "Panel").stdout.strip() == b"replaced"
    assert panel.listener.next()["text"] == "stopped"
    assert runner.find_module("ui", "Panel") is None
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "stays") == "stays"

    runner.umh("load", "ui", "Panel")
    assert panel.listener.next()["text"] == "began"
    assert runner.stop() == 0
    assert "killed" not in runner.log()


def test_a_program_that_comes_back_has_another_process(runner):
    """Whatever `OnHeld` says; without it the process goes on, and is left alone where that is wished."""
    runner.configure(runner.host("ui", panel(runner), "echo", Ui=True, OnHeld="Refuse"))
    runner.start()
    talk = runner.talk(ASKED, RESULT)
    pid = runner.pid("ui")
    assert runner.umh("reload", "ui", "Panel").stdout.strip() == b"replaced"
    assert talk.listener.next()["text"] == "stopped" and talk.listener.next()["text"] == "began"
    assert ask(talk, "again") == "again"
    assert runner.pid("ui") != pid

    pid = runner.pid("ui")
    assert runner.umh("unload", "ui", "Panel", code=1).stdout.strip() == b"refused"
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "stays") == "stays"
    assert runner.pid("ui") == pid


def test_a_reload_loses_nothing(runner, talk):
    panel = talk()
    for turn in range(3):
        for i in range(10):
            panel.tell(f"{turn}.{i}")
        runner.umh("reload", "ui", "Panel")
    wanted = [f"{turn}.{i}" for turn in range(3) for i in range(10)]
    eventually(lambda: [text for text in panel.listener.texts if "." in text] == wanted, runner.patience,
               lambda: f"30 answers in order, not {panel.listener.texts}")


def test_config_is_told_or_reloads(runner, talk):
    panel = talk(Word="one", Watches=True)
    pid = runner.pid("ui")
    assert ask(panel, "config") == "one"
    runner.config.write_text(runner.config.read_text().replace('"one"', '"two"'))
    runner.umh("apply")
    runner.await_log("took its changed Config over")
    assert ask(panel, "config") == "two"
    assert runner.pid("ui") == pid



def test_changed_arguments_replace_the_process(runner, talk):
    panel = talk(arguments=["one"])
    pid = runner.pid("ui")
    runner.config.write_text(runner.config.read_text().replace('"one"', '"two"'))
    assert b"reload module 'Panel' of host 'ui' (Arguments)" in runner.umh("plan", runner.config).stdout
    runner.umh("apply")
    runner.await_host("ui", lambda host: host["pid"] != pid and host["state"] == "running")
    runner.await_module("ui", "Panel", "running")
    assert ask(panel, "arguments") == "two"


@pytest.mark.sanitize
def test_closed_program_ends_host(runner, talk):
    panel = talk()
    panel.tell("close 0")
    host = runner.await_host("ui", lambda host: host["state"] == "absent")
    assert host["restarts"] == 0
    assert host["why"] == "Restart.When is OnFailure, and this was none"
    assert "the user interface of Panel has ended with code 0: the host ends" in runner.log()
    runner.umh("reset", "ui")
    assert panel.listener.next(where=lambda message: message["text"] == "began")


def test_failed_program_is_started_again(runner, talk):
    panel = talk()
    panel.tell("close 3")
    host = runner.await_host("ui", lambda host: host["restarts"] == 1 and host["state"] == "running")
    assert host["deaths"][0]["kind"] == "exit" and host["deaths"][0]["exit_code"] == 3
    runner.await_module("ui", "Panel", "running")

    panel.tell("fall")
    host = runner.await_host("ui", lambda host: host["restarts"] == 2 and host["state"] == "running")
    assert host["deaths"][0]["kind"] == "signal"
    assert "Panel" in host["deaths"][0]["text"]
    line = next(line for line in runner.log().splitlines() if "told to throw in the loop" in line)
    assert "module=Panel" in line and "level=critical" in line

    runner.await_module("ui", "Panel", "running")
    runner.kill("ui")
    host = runner.await_host("ui", lambda host: host["restarts"] == 3 and host["state"] == "running")
    assert host["deaths"][0]["module"] == "Panel" and "ran the program Panel" in host["deaths"][0]["text"]


@pytest.mark.parametrize("begins, kind", [("throw", "signal"), ("return 4", "exit")])
def test_main_that_fails_at_once_comes_with_back_off(runner, begins, kind):
    runner.configure(runner.host("ui", panel(runner, Begins=begins), Ui=True, Restart={"FirstDelayMs": 50}))
    runner.start(wait=False)
    eventually(lambda: runner.find_status(), runner.patience, "the broker answers")
    host = runner.await_host("ui", lambda host: host["restarts"] >= 2)
    assert host["deaths"][0]["kind"] == kind


def test_deaf_program_is_killed(runner, talk):
    panel = talk(timeouts={"StopMs": 300}, Deaf=True)
    assert ask(panel, "thread") == "main"
    runner.umh("reload", "ui", "Panel", code=None)
    runner.await_host("ui", lambda host: host["restarts"] == 1 and host["state"] == "running")
    assert "module Panel did not stop within" in runner.find_host("ui")["death"]


def test_wrong_layouts_are_refused_in_both_names(runner):
    runner.configure(runner.host("two", panel(runner), panel(runner, "Second"), "echo", Ui=True),
                     runner.host("beside", "Talker", panel(runner), Ui=True),
                     runner.host("plain", panel(runner), "echo"),
                     runner.host("library", {**runner.module("Talker"), "Arguments": ["one"]}))
    told = runner.umh("check", runner.config, code=1).stderr.decode()
    wanted = ("host 'two' runs the program 'Panel', which has .NET to itself: 'Second' needs another host",
              "host 'beside' runs the program 'Panel', which has .NET to itself: 'Talker' needs another host",
              'which only a host with "Ui": true can load', "Arguments")
    for text in wanted:
        assert text in told
    runner.start()
    assert runner.find_module("two", "Panel")["state"] == "running"
    assert wanted[0] in runner.find_module("two", "Second")["why"]
    assert runner.find_module("beside", "Panel")["state"] == "running"
    assert wanted[1] in runner.find_module("beside", "Talker")["why"]
    assert wanted[2] in runner.find_module("plain", "Panel")["why"]
    assert "Arguments are for a program" in runner.find_module("library", "Talker")["why"]


def test_what_comes_later_is_refused(runner, talk):
    panel = talk()
    runner.umh("load", "ui", str(runner.tree.file("Talker")), code=None)
    module = runner.await_module("ui", "Talker", "failed")
    assert "host 'ui' runs the program 'Panel', which has .NET to itself: 'Talker' needs another host" in module["why"]
    assert ask(panel, "thread") == "main"


def test_missing_parts_are_named(runner, tree):
    file = copy_of_panel(tree, runner)
    config = file.with_name("Panel.runtimeconfig.json")
    whole = config.read_text()
    wanted = json.loads(whole)
    wanted["runtimeOptions"]["framework"]["version"] = "99.0.0"
    config.write_text(json.dumps(wanted))
    runner.configure(runner.host("ui", panel(runner, file=file), "echo", Ui=True))
    runner.start(wait=False)
    eventually(runner.find_status, runner.patience, "the broker answers")
    host = runner.await_host("ui", lambda host: host["state"] == "absent")
    assert "module 'Panel' needs the framework Microsoft.NETCore.App 99.0.0" in host["why"]

    runner.stop()

    config.write_text("{")
    runner.start()
    module = runner.find_module("ui", "Panel")
    assert module["state"] == "failed" and "Panel.runtimeconfig.json" in module["why"]
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "the rest") == "the rest"
    config.write_text(whole)
    runner.umh("reload", "ui", "Panel")
    assert runner.exchange(ASKED, RESULT, "thread") in ("began", "main")


def set_wanted_contract(file, version):
    """Another version in the assembly's reference to the contract."""
    raw = file.read_bytes()
    root = raw.index(b"BSJB")
    heap = raw.index(b"#Strings\0", root)
    strings = root + struct.unpack_from("<I", raw, heap - 8)[0]
    name = raw.index(b"\0" + CONTRACT.encode() + b"\0", strings) + 1 - strings
    at = raw.index(struct.pack("<4H I 2H", 0, 2, 0, 0, 0, 0, name))
    file.write_bytes(raw[:at] + struct.pack("<4H", *version) + raw[at + 8:])


def test_contract_is_the_hosts_or_newer_ones_are_named(runner, tree):
    file = copy_of_panel(tree, runner)
    set_wanted_contract(file, (0, 9, 0, 0))
    runner.configure(runner.host("ui", panel(runner, file=file), "echo", Ui=True))
    runner.start()
    module = runner.find_module("ui", "Panel")
    assert module["state"] == "failed"
    assert f"the program was built against {CONTRACT} 0.9.0.0, this host has 0.2.0.0" in module["why"]
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "the rest") == "the rest"

    shutil.copy(tree.tests / "modules" / "Panel" / "Panel.dll", file)
    set_wanted_contract(file, (0, 1, 0, 0))
    runner.umh("reload", "ui", "Panel")
    assert runner.exchange(ASKED, RESULT, "thread") in ("began", "main")


def test_started_by_hand_it_says_what_to_do(tree):
    dotnet = shutil.which("dotnet") or pathlib.Path.home() / ".dotnet" / "dotnet"
    done = subprocess.run([dotnet, tree.tests / "modules" / "Panel" / "Panel.dll"], capture_output=True, text=True)
    assert "broker.json" in done.stderr and "umh run" in done.stderr
