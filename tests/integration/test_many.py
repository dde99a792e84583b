# SPDX-License-Identifier: MIT
"""More hosts than a process is usually allowed to have open files for."""

import json
import os
import pathlib
import re
import resource
import subprocess

import pytest

from runner import eventually

ECHO_ASKED, ECHO_ANSWERED = 1, 2
USUAL = 128


def open_files_of(pid):
    """(soft, hard)"""
    line = re.search(r"Max open files +(\d+) +(\d+)", pathlib.Path(f"/proc/{pid}/limits").read_text())
    return int(line[1]), int(line[2])


@pytest.mark.limit(120)
def test_the_broker_takes_what_it_may_and_hosts_what_is_usual(runner):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    runner.configure(*[runner.host(f"h{number}", "echo") for number in range(60)])
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (USUAL, hard))
    try:
        runner.start(wait=False)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    status = runner.await_running(*[f"h{number}" for number in range(60)])
    assert open_files_of(status["broker"]["pid"]) == (hard, hard)
    assert open_files_of(status["hosts"][0]["pid"]) == (USUAL, hard)


@pytest.mark.limit(120)
def test_too_few_open_files_are_said_and_survived(runner):
    """What does not start is tried again, what runs goes on, and an operator is told what to set."""
    runner.configure(*[runner.host(f"h{number}", "echo", Restart={"FirstDelayMs": 200, "Jitter": 0})
                       for number in range(60)])
    command = [runner.dist / "bin" / "umh", "--control", runner.control, "run", runner.config,
               "--instance", runner.instance]
    with open(runner.log_path, "ab") as log:
        runner.broker = subprocess.Popen(
            ["sh", "-c", f'ulimit -n {USUAL}; exec "$@"', "sh", *map(str, command)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=runner.folder)
    runner.await_log("60 hosts need about 616 open files, and the system allows 128")
    runner.await_log("Too many open files")

    def some_run():
        done = runner.umh("status", "--json", code=None)
        if done.returncode != 0:
            return False
        states = [host["state"] for host in json.loads(done.stdout)["hosts"]]
        return "running" in states and "absent" in states

    eventually(some_run, runner.patience)
    assert runner.broker.poll() is None


def started_at(pid):
    """In seconds since the machine's start."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")


@pytest.mark.limit(60)
def test_few_hosts_start_at_once(runner):
    """UMH_STARTS_PER_PROCESSOR of them; one that takes longer than UMH_START_COUNTS_MS makes room."""
    at_once, counts_seconds = 4 * len(os.sched_getaffinity(0)), 0.25
    names = [f"h{number}" for number in range(2 * at_once + 1)]
    gate = runner.folder / "gate"
    gate.touch()
    slow = runner.module("gated", Phase="init", Gate=str(gate), Asked=120, Result=121)
    runner.configure(*[runner.host(name, slow, Timeouts={"LoadMs": 20000}) for name in names])
    runner.start(wait=False)
    eventually(runner.find_status, runner.patience, "the broker answers")

    def pids():
        found = [host["pid"] for host in runner.status()["hosts"] if host["state"] == "loading"]
        return found if len(found) == len(names) and all(found) else None

    times = sorted(started_at(pid) for pid in eventually(pids, runner.patience, runner.find_status))
    tick = 2 / os.sysconf("SC_CLK_TCK")
    assert times[at_once] - times[0] >= counts_seconds - tick
    assert times[2 * at_once] - times[0] >= 2 * counts_seconds - 2 * tick
    gate.unlink()
    runner.await_running(*names)


def is_settled(runner, count):
    """So many modules are there, and each has failed."""
    status = runner.find_status()
    states = [module["state"] for host in status["hosts"] for module in host["modules"]] if status else []
    return len(states) == count and set(states) == {"failed"}


@pytest.mark.limit(120)
def test_a_large_system_is_shown_and_changed(runner):
    """What a host may send is less than a client is told of many."""
    hosts, modules = 30, 100

    def configure(number):
        runner.configure(*[runner.host(f"h{host}", *[
            runner.module(f"m{module}", file=runner.folder / f"absent-{number}-{module}.so")
            for module in range(modules)]) for host in range(hosts)])

    configure(1)
    runner.start(wait=False)
    eventually(lambda: is_settled(runner, hosts * modules), runner.patience)
    shown = runner.umh("status", "--json").stdout
    assert len(shown) > 2 * 1024 * 1024
    assert runner.umh("status").stdout.count(b"absent-1-") >= hosts * modules

    configure(2)
    planned = runner.umh("plan", runner.config).stdout
    assert len(planned.splitlines()) >= hosts * modules
    runner.umh("apply", runner.config)
    eventually(lambda: is_settled(runner, hosts * modules), runner.patience)
    assert runner.umh("status").stdout.count(b"absent-2-") >= hosts * modules
    assert len(runner.umh("plan", runner.config).stdout.splitlines()) == 1
