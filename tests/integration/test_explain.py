# SPDX-License-Identifier: MIT
"""Who holds a module is named one by one, on request, from a dump of its process."""

import json
import pathlib
import shutil
import tempfile

import pytest

from runner import eventually, is_alive

ECHO_ASKED, ECHO_ANSWERED = 1, 2
HOLDERS = [
    "a GCHandle → Clinger.Payload",
    "static field System.Net.NetworkInformation.NetworkChange.s_addressChangedSubscribers → "
    "Dictionary<NetworkAddressChangedEventHandler, ExecutionContext> → a delegate of Clinger.ClingerModule.OnAddressChanged",
    "a running timer → a delegate of Clinger.ClingerModule.OnTimer",
    "a delay that is not over → async Clinger.ClingerModule.WaitAsync",
    "a wait registered with the pool → a delegate of Clinger.ClingerModule.OnSignal",
    "'lingerer' in Clinger.ClingerModule.Linger",
]


@pytest.fixture
def clinging(tree, runner):
    def start(leaves, **keys):
        if tree.sanitizer:
            pytest.skip("a process under a sanitizer has terabytes of address space to dump")
        shutil.copytree(tree.tests / "modules" / "Clinger", runner.folder / "modules" / "Clinger")
        runner.configure(runner.host("one", {"Name": "Clinger", "Config": {"Leaves": leaves}}, "echo", **keys))
        runner.start()
        return runner.pid("one")
    return start


def left_dumps():
    return list(pathlib.Path(tempfile.gettempdir()).glob("umh-explain-*"))


@pytest.mark.managed
@pytest.mark.limit(90)
def test_names_everything_that_holds_a_module(runner, clinging):
    pid = clinging("many", OnHeld="Refuse", DotNet={"Diagnostics": True})
    done = runner.umh("unload", "one", "Clinger", "--explain", "--json", "--timeout", "80", code=1)
    answer = json.loads(done.stdout)
    assert answer["outcome"] == "refused" and answer["left_over"] is True
    lines = answer["explanation"]
    for holder in HOLDERS:
        assert any(line.endswith(holder) for line in lines), f"{holder}: {lines}"
    assert lines[-1].startswith("(the process stood still for at most "), lines
    assert "explained: a GCHandle → Clinger.Payload" in runner.log()
    assert runner.pid("one") == pid
    eventually(lambda: left_dumps() == [], runner.patience, left_dumps)
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "on") == "on"


@pytest.mark.managed
@pytest.mark.limit(90)
def test_explains_before_the_process_is_replaced(runner, clinging):
    pid = clinging("thread", DotNet={"Diagnostics": True})
    done = runner.umh("reload", "one", "Clinger", "--explain", "--timeout", "80")
    lines = done.stdout.decode().splitlines()
    assert lines[0] == "replaced"
    assert lines[1].startswith("  thread ") and lines[1].endswith(HOLDERS[-1])
    assert runner.pid("one") != pid and not is_alive(pid)


@pytest.mark.managed
def test_explains_what_it_can_without_diagnostics(runner, clinging):
    clinging("timer")
    done = runner.umh("unload", "one", "Clinger", "--explain")
    lines = [line.strip() for line in done.stdout.decode().splitlines()]
    assert lines == ["replaced", "held by a running timer: Clinger.ClingerModule.OnTimer every 600000 ms",
                     "set DotNet.Diagnostics to true for this host to have everything named"]


def test_explains_a_native_module(runner):
    runner.configure(runner.host("one", "nodelete", "echo"))
    runner.start()
    done = runner.umh("unload", "one", "nodelete", "--explain", "--no-replace", code=1)
    lines = done.stdout.decode().splitlines()
    assert lines[0] == "refused" and lines[1].endswith("/nodelete.so is still mapped"), lines
    assert "could not be unloaded and is left over: its library stays in memory" in done.stderr.decode()


def test_explains_nothing_of_a_module_that_goes(runner):
    runner.configure(runner.host("one", "counter", "echo"))
    runner.start()
    done = runner.umh("unload", "one", "counter", "--explain", "--json")
    assert set(json.loads(done.stdout)) == {"outcome", "unloading_ms"}
