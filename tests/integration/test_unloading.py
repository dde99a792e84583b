# SPDX-License-Identifier: MIT
"""What holds a module is said where somebody looks, and its host is replaced without a loss, or left alone."""

import os
import re
import shutil

import pytest

from runner import eventually

ECHO_ASKED, ECHO_ANSWERED = 1, 2
ASKED, ANSWERED = 0x1D1, 0x1D2
TENANT_ASKED, TENANT_ANSWERED = 301, 302
NAMES = {
    "timer": "held by a running timer: Clinger.ClingerModule.OnTimer every 600000 ms",
    "delay": "held by a delay that Clinger.ClingerModule.WaitAsync waits for",
    "thread": "its load context is still referenced after 2 s",
}


@pytest.fixture
def clinging(tree, runner):
    """Starts a host with the module, which leaves what is said, and a native one."""
    def start(leaves, seconds=5, **keys):
        folder = runner.folder / "modules" / "Clinger"
        shutil.copytree(tree.tests / "modules" / "Clinger", folder)
        config = {"Leaves": leaves, "Seconds": seconds}
        runner.configure(runner.host("one", {"Name": "Clinger", "Config": config}, "echo", **keys))
        runner.start()
        return runner.pid("one")
    return start


def left_over(runner):
    return runner.find_host("one")["left_over"]


@pytest.mark.managed
@pytest.mark.parametrize("leaves", NAMES)
def test_names_what_holds_a_module_that_is_unloaded(runner, clinging, leaves):
    pid = clinging(leaves)
    done = runner.umh("unload", "one", "Clinger")
    assert done.stdout.strip() == b"replaced"
    assert f"module Clinger could not be unloaded: {NAMES[leaves]}" in done.stderr.decode()
    runner.await_log(NAMES[leaves])
    assert runner.find_module("one", "Clinger") is None
    assert runner.pid("one") != pid
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "anew") == "anew"


@pytest.mark.managed
def test_a_status_names_what_held_a_module_that_is_reloaded(runner, clinging):
    pid = clinging("timer")
    listener = runner.listen(ANSWERED)
    for turn in range(2):
        for i in range(10):
            runner.send(ASKED, f"{turn}.{i}")
        assert runner.umh("reload", "one", "Clinger").stdout.strip() == b"replaced"
        module = runner.find_module("one", "Clinger")
        assert module["state"] == "running" and module["held_by"] == NAMES["timer"]
    assert runner.pid("one") != pid
    assert f"replaced; it was {NAMES['timer']}" in " ".join(runner.umh("status").stdout.decode().split())
    eventually(lambda: len(listener.texts) == 20, runner.patience, lambda: f"20 answers, not {listener.texts}")
    assert listener.texts == [f"heard {turn}.{i}" for turn in range(2) for i in range(10)]
    assert runner.find_host("one")["restarts"] == 2


@pytest.mark.managed
def test_says_how_long_it_took_to_unload(runner, clinging):
    pid = clinging("json")
    assert runner.umh("reload", "one", "Clinger").stdout.strip() == b"running"
    assert runner.find_module("one", "Clinger")["held_by"] is None
    assert runner.umh("unload", "one", "Clinger").stdout.strip() == b"unloaded"
    runner.await_log("unloaded: in ")
    lines = [line for line in runner.log().splitlines() if re.search(r"unloaded: in \d+ ms", line)]
    assert len(lines) == 2 and all("module=Clinger" in line for line in lines), lines
    assert runner.pid("one") == pid


# --- the process is left alone --------------------------------------------------------------------

@pytest.mark.managed
def test_what_is_left_over_is_counted_until_it_goes(runner, clinging):
    pid = clinging("short", seconds=6, OnHeld="Refuse")
    done = runner.umh("unload", "one", "Clinger", code=1)
    assert done.stdout.strip() == b"refused"
    held = "held by a delay that Clinger.ClingerModule.WaitAsync waits for"
    assert f"module Clinger could not be unloaded and is left over: {held}" in done.stderr.decode()
    assert runner.find_module("one", "Clinger") is None
    row, = left_over(runner)
    assert row["module"] == "Clinger" and row["held_by"] == held
    assert "1 left over: Clinger for" in " ".join(runner.umh("status").stdout.decode().split())
    assert runner.umh("load", "one", "Clinger").stdout.strip() == b"running"
    assert runner.exchange(ASKED, ANSWERED, "beside it") == "heard beside it"
    eventually(lambda: left_over(runner) == [], runner.patience, "it has gone")
    assert re.search("module=Clinger msg=\"has gone after all, \\d+ s after", runner.log())
    assert "left over" not in runner.umh("status").stdout.decode()
    assert runner.pid("one") == pid and runner.find_host("one")["restarts"] == 0


@pytest.mark.managed
def test_a_successor_runs_beside_what_is_left_over(runner, clinging):
    pid = clinging("timer", OnHeld="Refuse")
    listener = runner.listen(ANSWERED)
    for turn in range(2):
        runner.send(ASKED, str(turn))
        done = runner.umh("reload", "one", "Clinger")
        assert done.stdout.strip() == b"running" and b"is left over: held by a running timer" in done.stderr
    assert len(left_over(runner)) == 2 and runner.pid("one") == pid
    runner.send(ASKED, "2")
    eventually(lambda: len(listener.texts) == 3, runner.patience, lambda: f"3 answers, not {listener.texts}")
    assert listener.texts == [f"heard {turn}" for turn in range(3)]
    assert runner.umh("reload", "one", "Clinger", "--replace").stdout.strip() == b"replaced"
    assert left_over(runner) == [] and runner.pid("one") != pid


def test_a_native_successor_is_another_image(runner):
    runner.configure(runner.host("one", "nodelete", "counter", OnHeld="Refuse"))
    runner.start()
    pid = runner.pid("one")
    for turn in range(1, 3):
        done = runner.umh("reload", "one", "nodelete")
        assert done.stdout.strip() == b"running" and b"and is left over: its library stays in memory" in done.stderr
        assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, f"turn {turn}") == f"turn {turn}"
        assert len(left_over(runner)) == turn
    assert runner.umh("unload", "one", "counter").stdout.strip() == b"unloaded"
    assert runner.pid("one") == pid


def mapped_copies(pid):
    """Of nodelete, in the store; one that was removed is marked "(deleted)"."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        return {line.split(None, 5)[5].strip() for line in maps if "nodelete" in line}


def test_what_is_left_over_keeps_its_copy(runner):
    """Though another host has the same one, the successor is loaded from one of its own."""
    runner.configure(runner.host("one", "nodelete", "counter", OnHeld="Refuse"), runner.host("two", "nodelete"))
    runner.start()
    pid = runner.pid("one")
    for _ in range(2):
        assert runner.umh("reload", "one", "nodelete").stdout.strip() == b"running"
    assert runner.umh("unload", "one", "nodelete", code=1).stdout.strip() == b"refused"
    assert len(left_over(runner)) == 3 and runner.pid("one") == pid
    copies = mapped_copies(pid)
    assert len(copies) == 3 and all(os.path.exists(copy) for copy in copies), copies
    others = mapped_copies(runner.pid("two"))
    runner.kill("one")
    eventually(lambda: {copy for copy in copies if os.path.exists(copy)} == others, runner.patience, "they have gone")


def test_a_changed_configuration_follows_what_it_says(runner):
    """`OnHeld` holds from then on, and a module that the file has no more is left over like any other."""
    def write(*modules, **keys):
        runner.configure(runner.host("one", *modules, "counter", **keys))

    write("nodelete")
    runner.start()
    pid = runner.pid("one")
    write("nodelete", OnHeld="Refuse")
    runner.umh("apply")
    write(OnHeld="Refuse")
    runner.umh("apply")
    eventually(lambda: [row["module"] for row in left_over(runner)] == ["nodelete"], runner.patience, "it is left over")
    assert runner.find_module("one", "nodelete") is None and runner.pid("one") == pid


def test_no_more_than_16_are_left_over(runner, tree):
    modules = []
    for number in range(17):
        file = runner.folder / f"stays{number}.so"
        file.write_bytes(tree.file("nodelete").read_bytes() + str(number).encode())
        modules.append(runner.module(f"stays{number}", file=file))
    runner.configure(runner.host("one", *modules))
    runner.start()
    pid = runner.pid("one")
    for number in range(16):
        assert runner.umh("unload", "one", f"stays{number}", "--no-replace", code=1).stdout.strip() == b"refused"
        assert len(left_over(runner)) == number + 1
    assert runner.pid("one") == pid
    done = runner.umh("unload", "one", "stays16", "--no-replace")
    assert done.stdout.strip() == b"replaced"
    assert b"with 16 modules left over already, no more may be left" in done.stderr
    assert left_over(runner) == [] and runner.pid("one") != pid


def catch_its_caller(runner, gate):
    """Unloads tenant while the thread that called it is inside the other module; not every thread is that one."""
    for turn in range(20):
        assert runner.exchange(TENANT_ASKED, TENANT_ANSWERED, "touched") == "touched"
        gate.touch()
        runner.send(120, "stay")
        eventually(lambda: runner.find_module("one", "gated")["activity"], runner.patience, "it is called")
        done = runner.umh("unload", "one", "tenant", code=None)
        if done.returncode == 1:
            return done
        gate.unlink()
        assert runner.exchange(120, 121, "back") == "back"
        runner.umh("load", "one", "tenant")
    pytest.fail("the thread was never in the way")


def test_a_slot_with_a_thread_in_it_waits_for_that(runner):
    """Its slot is not free as long as a thread stands in it; later it is."""
    gate = runner.folder / "gate"
    runner.configure(runner.host("one", runner.module("tenant", Thread=0),
                                 runner.module("gated", Phase="message", Gate=str(gate), Asked=120, Result=121),
                                 OnHeld="Refuse"))
    runner.start()
    pid = runner.pid("one")
    done = catch_its_caller(runner, gate)
    assert done.stdout.strip() == b"refused"
    assert b"a thread that called it has not come back from another module" in done.stderr
    module = runner.find_module("one", "tenant")
    assert module["state"] == "failed" and module["why"].startswith("stopped, but not unloaded: ")
    gate.unlink()
    eventually(lambda: not runner.find_module("one", "gated")["activity"], runner.patience, "it has come back")
    assert runner.umh("unload", "one", "tenant").stdout.strip() == b"unloaded"
    assert runner.find_module("one", "tenant") is None and runner.pid("one") == pid
