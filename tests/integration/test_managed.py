# SPDX-License-Identifier: MIT
"""Managed modules: they load, talk, log, unload with proof and come back changed, beside native ones."""

import os
import shutil

import pytest

from runner import eventually, memory_of

ECHO_ASKED, ECHO_ANSWERED = 1, 2
TALKER_ASKED, TALKER_ANSWERED = 0x141, 0x142
MIB = 1024 * 1024

pytestmark = pytest.mark.managed


def install(tree, runner, name):
    """The module's folder, where its files can be changed."""
    folder = runner.folder / "modules" / "Talker"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(tree.tests / "modules" / name, folder)


@pytest.fixture
def talking(tree, runner):
    """A managed module and a native one in one process."""
    install(tree, runner, "Talker")
    runner.configure(runner.host("one", {"Name": "Talker", "Config": {"Greeting": "good day"}}, "echo"))
    runner.start()
    return lambda text: runner.exchange(TALKER_ASKED, TALKER_ANSWERED, text)


@pytest.mark.sanitize
def test_talks_beside_a_native_module(runner, talking):
    assert talking("grüß dich") == "heard grüß dich"
    assert talking("version") == "first"
    assert talking("config") == "good day"
    assert talking("who") == "Talker one 0"
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "native") == "native"
    modules = runner.find_host("one")["modules"]
    assert [module["loader"] for module in modules] == ["managed", "native"]


def test_sends_and_is_refused_like_any_module(runner, talking):
    own = talking("own")
    assert own == f"own hello from 0 of {runner.find_host('one')['number']}"
    assert talking("wait") == "waited"
    assert talking("too large") == "TooLarge"
    assert talking("not text") == "NotText"
    assert talking("control") == "NotAllowed"
    assert len(talking("large")) == 16 * MIB


def test_survives_an_exception_of_a_handler(runner, talking):
    runner.send(TALKER_ASKED, "throw")
    assert talking("still here") == "heard still here"
    runner.await_log("told to throw")
    assert runner.find_host("one")["restarts"] == 0


def test_logs_by_logger_and_console(runner, talking):
    assert talking("log") == "logged"
    assert talking("console") == "said"
    runner.await_log("from the console")
    runner.await_log("said with 42")
    lines = runner.log().splitlines()
    console = next(line for line in lines if "from the console" in line)
    logged = next(line for line in lines if "said with 42" in line)
    assert "module=Talker" in logged and "level=warning" in logged and "Number=42" in logged
    assert "host=one" in console


def test_reloads_in_a_changed_version(tree, runner, talking):
    pid = runner.pid("one")
    assert talking("version") == "first"
    install(tree, runner, "TalkerNext")
    assert talking("version") == "first"
    assert runner.umh("reload", "one", "Talker").stdout.strip() == b"running"
    assert talking("version") == "second"
    assert runner.pid("one") == pid
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "unmoved") == "unmoved"


def test_loads_and_unloads_with_proof(tree, runner, talking):
    pid = runner.pid("one")
    assert talking("count") == "1" and talking("count") == "2"
    assert runner.umh("unload", "one", "Talker").stdout.strip() == b"unloaded"
    assert runner.find_module("one", "Talker") is None
    runner.umh("load", "one", "Talker")
    # Statics are those of a fresh load context.
    assert talking("count") == "1"
    assert runner.pid("one") == pid


@pytest.mark.limit(90)
def test_reloads_fifty_times_with_proof_and_flat_memory(tree, runner, talking):
    pid = runner.pid("one")
    before = None
    for turn in range(50):
        assert talking("count") == "1"
        assert runner.umh("reload", "one", "Talker").stdout.strip() == b"running"
        if turn == 14:
            before = memory_of(pid)
    assert runner.pid("one") == pid
    if not tree.sanitizer:  # which keeps what was freed for a while
        assert memory_of(pid) < before + 16 * MIB
    assert runner.find_module("one", "Talker")["state"] == "running"


def test_a_reload_loses_nothing(runner, talking):
    listener = runner.listen(TALKER_ANSWERED)
    for turn in range(4):
        for i in range(10):
            runner.send(TALKER_ASKED, f"{turn}.{i}")
        assert runner.umh("reload", "one", "Talker").stdout.strip() == b"running"
    eventually(lambda: len(listener.texts) == 40, runner.patience, lambda: f"40 answers, not {listener.texts}")
    assert listener.texts == [f"heard {turn}.{i}" for turn in range(4) for i in range(10)]


def test_returns_after_a_kill(runner, talking):
    assert talking("count") == "1"
    pid = runner.kill("one")
    runner.await_host("one", lambda host: host["state"] == "running" and host["pid"] != pid)
    assert talking("count") == "1"


def test_loads_into_a_host_that_had_only_native_modules(tree, runner):
    install(tree, runner, "Talker")
    runner.configure(runner.host("one", "echo"))
    runner.start()
    runner.umh("load", "one", "Talker")
    assert runner.exchange(TALKER_ASKED, TALKER_ANSWERED, "late") == "heard late"
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "native") == "native"


def test_says_that_dotnet_is_missing(tree, runner):
    install(tree, runner, "Talker")
    runner.configure(runner.host("one", {"Name": "Talker"}, "echo", DotNet={"Root": "/nowhere"}))
    runner.start()
    module = runner.find_module("one", "Talker")
    assert module["state"] == "failed"
    assert all(word in module["why"] for word in (".NET 10", "install", "/nowhere"))
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "the rest") == "the rest"


def test_says_that_an_assembly_is_a_program(tree, runner):
    install(tree, runner, "Talker")
    path = runner.folder / "modules" / "Talker" / "Talker.dll"
    raw = bytearray(path.read_bytes())
    flags = int.from_bytes(raw[0x3C:0x40], "little") + 22
    raw[flags + 1] &= ~0x20 & 0xFF
    path.write_bytes(raw)
    runner.configure(runner.host("one", {"Name": "Talker"}, "echo"))
    runner.start()
    module = runner.find_module("one", "Talker")
    assert module["state"] == "failed" and "marked as a program" in module["why"]
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "the rest") == "the rest"


def test_says_that_an_assembly_is_no_module(tree, runner):
    path = tree.dist / "lib" / "umh" / "managed" / "Microsoft.Extensions.Primitives.dll"
    folder = runner.folder / "modules" / "Primitives"
    folder.mkdir(parents=True)
    shutil.copy(path, folder / "Primitives.dll")
    broken = runner.folder / "modules" / "Broken"
    shutil.copytree(tree.tests / "modules" / "Talker", broken)
    raw = (broken / "Talker.dll").read_bytes()
    (broken / "Broken.dll").write_bytes(raw[:len(raw) // 2])
    os.unlink(broken / "Talker.dll")
    runner.configure(runner.host("one", {"Name": "Primitives"}, {"Name": "Broken"}, "echo"))
    runner.start()
    for name in ("Primitives", "Broken"):
        module = runner.find_module("one", name)
        assert module["state"] == "failed" and module["why"], module
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "the rest") == "the rest"
