# SPDX-License-Identifier: MIT
"""What a host may use: files everywhere, the rest where the machine can limit it, and a reason where it cannot. That
quotas hold is shown by `make test-vm`."""

import contextlib
import os
import pathlib
import re
import resource
import shutil
import subprocess

import pytest

from runner import cgroup_places, eventually, is_alive

ASKED, ANSWERED = 801, 802
TALKER_ASKED, TALKER_ANSWERED = 0x141, 0x142
MIB = 1024 * 1024
QUOTAS = {"MemoryMiB": 400, "CpuPercent": 50, "Processes": 100}


@pytest.fixture
def greedy(runner):
    """Configures and starts a host of that name with limits; returns what asks its module."""
    def make(*others, **keys):
        runner.configure(runner.host("greedy", runner.module("greedy", Asked=ASKED, Answered=ANSWERED), **keys), *others)
        runner.start(wait=False)
        runner.await_running("greedy")
        return lambda text: runner.exchange(ASKED, ANSWERED, text)

    return make


def groups(runner):
    """The folder of the instance's control groups."""
    trees = [place / f"umh-{runner.instance}" for place in cgroup_places()]
    if not any(tree.is_dir() for tree in trees):
        pytest.skip(f"no cgroup v2 tree can be written here: {[str(tree) for tree in trees]}")
    return next(tree for tree in trees if tree.is_dir())


def needs_no_controllers(host):
    usage = host["usage"] or {}
    if usage.get("memory_bytes") is not None:
        pytest.skip("the cgroup v2 tree has controllers here: nothing is missing")


@pytest.mark.sanitize
@pytest.mark.parametrize("key", QUOTAS)
def test_a_limit_that_cannot_be_applied_stops_the_host(runner, key):
    runner.configure(runner.host("free", "echo"), runner.host("limited", "echo", Limits={key: QUOTAS[key]}))
    runner.start(wait=False)
    needs_no_controllers(runner.await_running("free")["hosts"][0])

    host = runner.await_host("limited", lambda host: host["why"])
    assert host["state"] == "absent" and host["pid"] is None and host["starts_in_ms"] is None
    assert host["why"].startswith(f"{key} cannot be applied: ")
    assert len(host["why"]) > len(f"{key} cannot be applied: ") + 20
    assert [death["kind"] for death in host["deaths"]] == ["limit"]
    assert host["deaths"][0]["text"] == host["why"]
    assert host["deaths"][0]["exit_code"] is None and host["deaths"][0]["signal"] is None
    assert runner.find_host("free")["state"] == "running"
    quotas = runner.status()["broker"]["quotas"]
    assert key not in quotas["available"] and (quotas["groups"] or quotas["why"])
    shown = runner.umh("status").stdout.decode()
    assert f"not started again: {key} cannot be applied" in shown

    assert b"starts now" in runner.umh("reset", "limited").stdout
    host = runner.await_host("limited", lambda host: len(host["deaths"]) == 2)
    assert host["why"].startswith(f"{key} cannot be applied: ") and host["state"] == "absent"
    assert runner.log().count("is not started until it is changed or reset: ") == 2


def test_a_refused_host_is_tried_again_when_it_is_changed(runner):
    limits = {"CpuPercent": 50}
    runner.configure(runner.host("free", "echo"), runner.host("limited", "echo", Limits=limits))
    runner.start(wait=False)
    needs_no_controllers(runner.await_running("free")["hosts"][0])
    runner.await_host("limited", lambda host: host["why"])
    free = runner.pid("free")

    # as it was: nothing new is tried
    runner.umh("apply")
    assert len(runner.find_host("limited")["deaths"]) == 1
    runner.configure(runner.host("free", "echo"), runner.host("limited", "echo", Limits={**limits, "Required": False}))
    runner.umh("apply")
    host = runner.await_host("limited", lambda host: host["state"] == "running")
    assert host["why"] is None and host["limits"]["required"] is False
    assert runner.log().count("runs without a limit: CpuPercent cannot be applied") == 1
    assert runner.pid("free") == free


@pytest.mark.sanitize
def test_a_limit_that_is_not_required_is_missed_once(runner):
    runner.configure(runner.host("lax", "echo", Limits={**QUOTAS, "Required": False}))
    runner.start()
    needs_no_controllers(runner.find_host("lax"))
    for restarts in (1, 2):
        runner.kill("lax")
        runner.await_host("lax", lambda host: host["restarts"] == restarts and host["state"] == "running")
    for key in QUOTAS:
        assert runner.log().count(f"runs without a limit: {key} cannot be applied") == 1
    host = runner.find_host("lax")
    assert host["limits"] == {"memory_mib": 400, "cpu_percent": 50, "processes": 100, "open_files": None,
                              "required": False}
    assert host["why"] is None


@pytest.mark.sanitize
def test_open_files_are_limited(greedy, runner):
    ask = greedy(Limits={"OpenFiles": 100})
    opened, error = re.fullmatch(r"opened (\d+) errno (\d+)", ask("open 500")).groups()
    assert 50 <= int(opened) < 100 and int(error) == 24
    # who is at its limit is well otherwise
    assert re.fullmatch(r"opened 0 errno 24", ask("open 1"))
    assert runner.find_host("greedy")["limits"]["open_files"] == 100
    assert runner.find_host("greedy")["restarts"] == 0


def test_children_have_the_limit_of_open_files(greedy, runner):
    ask = greedy(Limits={"OpenFiles": 64})
    child = int(ask("leave").split()[1])
    if not runner.find_host("greedy")["pid"]:
        pytest.fail("the host has ended")
    # in a pid namespace it is a number of that
    pids = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if numbers_of(pid)[-1:] == [child]]
    limits = [pathlib.Path(f"/proc/{pid}/limits").read_text() for pid in pids]
    assert any(re.search(r"Max open files\s+64\s+64\s", text) for text in limits)


def numbers_of(pid):
    """A process in its pid namespaces, from the outer to the inner."""
    with contextlib.suppress(OSError):
        found = re.search(r"^NSpid:\t(.*)$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)
        return [int(number) for number in found[1].split()]
    return []


def test_more_open_files_than_can_be_given_stop_the_host(runner):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    count = most + 1
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[0], count))
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[0], most))
        pytest.skip("this user may raise the limit of open files")
    runner.configure(runner.host("hungry", "echo", Limits={"OpenFiles": count}),
                     runner.host("lax", "echo", Limits={"OpenFiles": count, "Required": False}))
    runner.start(wait=False)
    runner.await_running("lax")
    host = runner.await_host("hungry", lambda host: host["why"])
    assert host["why"] == f"OpenFiles cannot be applied: {count} are more than the broker itself may allow"
    assert host["deaths"][0]["kind"] == "limit"
    assert "runs without a limit: OpenFiles" in runner.log()


def test_too_few_open_files_are_a_mistake_of_the_file(runner):
    runner.configure(runner.host("few", "echo", Limits={"OpenFiles": 63}))
    done = runner.umh("check", runner.config, code=None)
    assert done.returncode != 0
    text = (done.stdout + done.stderr).decode()
    assert re.search(r"broker\.json:\d+:\d+: ChildProcesses\[0\]\.Limits\.OpenFiles: 63 are too few", text)


HEAP = "DOTNET_GCHeapHardLimit"


@pytest.mark.parametrize("keys, expected", [
    ({"Limits": {"MemoryMiB": 400, "Required": False}}, f"{HEAP}=12C00000"),
    ({"Limits": {"MemoryMiB": 400, "Required": False}, "Environment": {HEAP: "1000000"}}, f"{HEAP}=1000000"),
    ({"Limits": {"OpenFiles": 100}}, f"{HEAP} is not set"),
], ids=["follows", "is named", "no limit"])
def test_the_heap_of_managed_modules_follows_from_the_memory(greedy, keys, expected):
    assert greedy(**keys)(f"variable {HEAP}") == expected


@pytest.mark.managed
def test_a_managed_module_sees_the_end_of_its_heap(tree, runner):
    folder = runner.folder / "modules" / "Talker"
    shutil.copytree(tree.tests / "modules" / "Talker", folder)
    runner.configure(runner.host("one", {"Name": "Talker"}, Limits={"MemoryMiB": 200, "Required": False}))
    runner.start()
    talk = runner.talk(TALKER_ASKED, TALKER_ANSWERED)
    talk.tell("heap")
    assert int(talk.listener.next()["text"]) == 150 * MIB
    talk.tell("hog")
    assert 100 <= int(talk.listener.next()["text"].split()[0]) < 150
    talk.tell("still here")
    assert talk.listener.next()["text"] == "heard still here"
    assert runner.find_host("one")["restarts"] == 0


def test_every_host_has_a_group(greedy, runner):
    ask = greedy(runner.host("other", "echo"))
    runner.await_running()
    folder = groups(runner)
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["host-greedy", "host-other"]
    before = set((folder / "host-greedy" / "cgroup.procs").read_text().split())
    assert str(runner.pid("greedy")) in before
    ask("leave")
    left = set((folder / "host-greedy" / "cgroup.procs").read_text().split()) - before
    assert len(left) == 1 and is_alive(*left)

    runner.kill("greedy")
    eventually(lambda: not is_alive(*left), runner.patience, "the grandchild has ended with its host")
    runner.await_host("greedy", lambda host: host["restarts"] == 1 and host["state"] == "running")
    assert str(runner.pid("greedy")) in (folder / "host-greedy" / "cgroup.procs").read_text().split()
    assert runner.stop() == 0
    assert not folder.exists()


def test_the_next_broker_sweeps_the_groups_of_one_that_was_killed(runner):
    runner.configure(runner.host("one", "echo"), runner.host("gone", "echo"))
    runner.start()
    folder = groups(runner)
    runner.kill_broker()
    assert (folder / "host-one").is_dir()
    # something that escaped whatever else ends with the broker
    stranger = subprocess.Popen(["sleep", "1000"])
    (folder / "host-one" / "cgroup.procs").write_text(str(stranger.pid))

    runner.configure(runner.host("one", "echo"))
    runner.start()
    assert stranger.wait(runner.patience) == -9
    assert [path.name for path in folder.iterdir() if path.is_dir()] == ["host-one"]
    assert str(stranger.pid) not in (folder / "host-one" / "cgroup.procs").read_text().split()
