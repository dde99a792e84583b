# SPDX-License-Identifier: MIT
"""Hosts of both bitnesses side by side, and modules that are of the wrong one."""

import shutil

import pytest

from runner import eventually, is_alive

ECHO_ASKED, ECHO_ANSWERED, CRASH_ASKED = 1, 2, 7
WORDS_64_IN_32 = "64-bit, where this host is 32-bit"
WORDS_32_IN_64 = "32-bit, where this host is 64-bit"


@pytest.fixture
def host32(tree):
    """The folder of the 32-bit test modules."""
    if not (tree.dist / "libexec" / "umh" / "umh-host32").exists():
        pytest.skip("the 32-bit host is not built here")
    return tree.tests.parent / "tests32" / "modules"


def bits_of(pid):
    with open(f"/proc/{pid}/exe", "rb") as program:
        return {1: 32, 2: 64}[program.read(5)[4]]


def test_both_exchange_messages(runner, host32):
    """32-bit echo answers what came from a 64-bit peer, a 64-bit listener reads it, up to the longest message."""
    runner.configure(runner.host("narrow", runner.module("echo", host32 / "echo" / "echo.so"), Wow64=True),
                     runner.host("wide", "printing"))
    runner.start()
    assert bits_of(runner.pid("narrow")) == 32
    assert bits_of(runner.pid("wide")) == 64
    assert runner.find_host("narrow")["bits"] == 32
    assert runner.find_host("wide")["bits"] == 64
    assert "32-bit" in runner.umh("status").stdout.decode()
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "from wide to narrow") == "from wide to narrow"
    longest = "ä" * (8 * 1024 * 1024)
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, longest) == longest


@pytest.mark.parametrize("count, size", [(100_000, 100), (6, 16 * 1024 * 1024)], ids=["small", "largest"])
@pytest.mark.limit(60)
def test_floods_between_both(runner, host32, count, size):
    """Under back-pressure, both ways at once: every message, in order."""
    config = {"Asked": 101, "Result": 102, "Service": 100}
    back = {"Asked": 201, "Result": 202, "Service": 200}
    asked = {"Asked": 103, "Result": 104, "Service": 100}
    asked_back = {"Asked": 203, "Result": 204, "Service": 200}
    narrow = [runner.module("source", host32 / "source" / "source.so", Count=count, Bytes=size, **config),
              runner.module("sink", host32 / "sink" / "sink.so", **asked_back)]
    wide = [runner.module("source", Count=count, Bytes=size, **back), runner.module("sink", **asked)]
    runner.configure(runner.host("narrow", *narrow, Wow64=True), runner.host("wide", *wide))
    runner.start()
    ends = [runner.listen(104), runner.listen(204)]
    runner.send(101, "go")
    runner.send(201, "go")
    for end in ends:
        result = end.next_json(45, where=lambda value: value["ended"] >= 1)
        assert result["count"] == count and result["errors"] == 0
    assert all(host["restarts"] == 0 for host in runner.status()["hosts"])


@pytest.mark.limit(60)
def test_comes_back_after_a_kill(runner, host32):
    runner.configure(runner.host("narrow", runner.module("echo", host32 / "echo" / "echo.so"), Wow64=True),
                     runner.host("wide", "echo"))
    runner.start()
    wide = runner.pid("wide")
    for restarts in range(1, 6):
        killed = runner.kill("narrow")
        host = runner.await_host("narrow", lambda h: h["restarts"] == restarts and h["state"] == "running")
        assert host["bits"] == 32
        assert "signal 9" in host["death"]
        eventually(lambda: not is_alive(killed))
    runner.umh("unload", "wide", "echo")
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "still here") == "still here"
    assert runner.pid("wide") == wide


def test_its_black_box_names_the_module(runner, host32):
    """What a 32-bit host wrote into the shared page, the 64-bit broker reads."""
    runner.configure(runner.host("narrow", runner.module("crash", host32 / "crash" / "crash.so"), Wow64=True,
                                 Restart={"When": "Never"}))
    runner.start()
    runner.send(CRASH_ASKED, "now")
    host = runner.await_host("narrow", lambda h: h["state"] == "absent")
    assert "crash" in host["death"] and "OnMessage" in host["death"], host["death"]


def test_check_names_the_wrong_bitness(runner, host32):
    runner.configure(runner.host("narrow", "echo", Wow64=True),
                     runner.host("wide", runner.module("echo", host32 / "echo" / "echo.so")))
    said = runner.umh("check", runner.config, code=1).stderr.decode()
    assert f"{WORDS_64_IN_32} (64-bit x86 ELF shared object)" in said
    assert f"{WORDS_32_IN_64} (32-bit x86 ELF shared object)" in said
    assert str(runner.tree.file("echo")) in said
    assert str(host32 / "echo" / "echo.so") in said


def test_the_broker_names_the_wrong_bitness(runner, host32):
    """The module has failed, its host does what else it has to do."""
    runner.configure(runner.host("narrow", "echo", runner.module("crash", host32 / "crash" / "crash.so"), Wow64=True),
                     runner.host("wide", runner.module("echo", host32 / "echo" / "echo.so"), "crash"))
    runner.start()
    for host, words in (("narrow", WORDS_64_IN_32), ("wide", WORDS_32_IN_64)):
        module = runner.find_module(host, "echo")
        assert module["state"] == "failed"
        assert words in module["why"]
        assert runner.find_module(host, "crash")["state"] == "running"
        assert words in runner.umh("status").stdout.decode()
        assert words in runner.log()


def test_a_name_leads_to_the_file_of_the_bitness(runner, host32):
    folder = runner.folder / "modules" / "Both"
    folder.mkdir(parents=True)
    shutil.copy(host32 / "echo" / "echo.so", folder / "Both32.so")
    shutil.copy(runner.tree.file("echo"), folder / "Both64.so")
    runner.configure({"GroupName": "narrow", "Wow64": True, "Modules": ["Both"]},
                     {"GroupName": "wide", "Modules": ["Both"]})
    runner.umh("check", runner.config)
    runner.start()
    for host in ("narrow", "wide"):
        assert runner.find_module(host, "Both")["state"] == "running"


@pytest.mark.managed
def test_a_32_bit_host_has_no_managed_modules(runner, host32):
    runner.configure(runner.host("narrow", "Talker", Wow64=True))
    words = "managed, which a 32-bit host cannot load"
    assert words in runner.umh("check", runner.config, code=1).stderr.decode()
    runner.start()
    assert words in runner.find_module("narrow", "Talker")["why"]


@pytest.mark.sanitize
def test_without_the_program_nothing_is_started(tree, make_runner):
    """The host is given up with the reason, the others run, and it comes once it is installed and reset."""
    runner = make_runner()
    dist = runner.folder / "dist"
    shutil.copytree(tree.dist, dist, symlinks=True)
    program = dist / "libexec" / "umh" / "umh-host32"
    kept = runner.folder / "umh-host32"
    if program.exists():
        program.rename(kept)
    runner.dist = dist
    runner.configure(runner.host("narrow", "echo", Wow64=True), runner.host("wide", "echo"))
    words = "Wow64 needs"
    said = runner.umh("check", runner.config, code=1).stderr.decode()
    assert words in said and "umh-host32" in said and "not installed" in said
    runner.start(wait=False)
    runner.await_running("wide")
    host = runner.await_host("narrow", lambda h: h["state"] == "absent" and h["death"])
    assert words in host["death"]
    assert host["starts_in_ms"] is None and host["pid"] in (None, 0)
    assert words in runner.umh("status").stdout.decode()
    restarts = host["restarts"]
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "wide") == "wide"
    assert runner.find_host("narrow")["restarts"] == restarts
    if not kept.exists():
        return
    kept.rename(program)
    runner.umh("reset", "narrow")
    runner.await_host("narrow", lambda h: h["state"] == "running")


def test_check_misses_the_entry(runner):
    """A library that is no module is named without being loaded."""
    runner.configure(runner.host("one", "unit_plain", "echo"))
    said = runner.umh("check", runner.config, code=1).stderr.decode()
    assert "it has no function umh_module_entry" in said
    assert "1 problem in" in said
