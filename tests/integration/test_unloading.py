# SPDX-License-Identifier: MIT
"""What holds a managed module is said where somebody looks, and its host is replaced without a loss."""

import re
import shutil

import pytest

from runner import eventually

ECHO_ASKED, ECHO_ANSWERED = 1, 2
ASKED, ANSWERED = 0x1D1, 0x1D2
NAMES = {
    "timer": "held by a running timer: Clinger.ClingerModule.OnTimer every 600000 ms",
    "delay": "held by a delay that Clinger.ClingerModule.WaitAsync waits for",
    "thread": "its load context is still referenced after 2 s",
}

pytestmark = pytest.mark.managed


@pytest.fixture
def clinging(tree, runner):
    """Starts a host with the module, which leaves what is said, and a native one."""
    def start(leaves):
        folder = runner.folder / "modules" / "Clinger"
        shutil.copytree(tree.tests / "modules" / "Clinger", folder)
        runner.configure(runner.host("one", {"Name": "Clinger", "Config": {"Leaves": leaves}}, "echo"))
        runner.start()
        return runner.pid("one")
    return start


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
    assert f"it was held: {NAMES['timer']}" in " ".join(runner.umh("status").stdout.decode().split())
    eventually(lambda: len(listener.texts) == 20, runner.patience, lambda: f"20 answers, not {listener.texts}")
    assert listener.texts == [f"heard {turn}.{i}" for turn in range(2) for i in range(10)]
    assert runner.find_host("one")["restarts"] == 2


def test_says_how_long_it_took_to_unload(runner, clinging):
    pid = clinging("json")
    assert runner.umh("reload", "one", "Clinger").stdout.strip() == b"running"
    assert runner.find_module("one", "Clinger")["held_by"] is None
    assert runner.umh("unload", "one", "Clinger").stdout.strip() == b"unloaded"
    runner.await_log("unloaded: in ")
    lines = [line for line in runner.log().splitlines() if re.search(r"unloaded: in \d+ ms", line)]
    assert len(lines) == 2 and all("module=Clinger" in line for line in lines), lines
    assert runner.pid("one") == pid
