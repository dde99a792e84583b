# SPDX-License-Identifier: MIT
"""Experiments with processes that end: one restarted again and again, beside other supervisors, and a thousand."""

import contextlib
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

from system import Failed, System, cpu_clock_ns, memory_kib

KILLS = 100
HEALTHY_SECONDS = 1.1  # runsv and s6-supervise wait with what ended within its first second
PATIENCE_SECONDS = 30
PEER_SERVICES = 5
PEER_ROUNDS = 3
SCALE_HOSTS = 1000
IDLE_SECONDS = 10
QUIET_QUESTIONS = 1000  # at one every 5 ms
STORM_QUESTIONS = 1000
AT_ONCE = {"FirstDelayMs": 0, "MaxDelayMs": 0, "Jitter": 0}


def wait_until(check, what):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f"waited in vain for {what}")
        time.sleep(0.0005)


def percentile(values, share):
    """By nearest rank: of 100 values, the 99th is that of 0.99."""
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]


class Stamps:
    """A copy of the program `stamp` and what it has written."""

    def __init__(self, bench, place):
        self.program = pathlib.Path(place)
        shutil.copy(bench / "programs" / "stamp", self.program)
        self.file = pathlib.Path(f"{place}.stamps")

    def lines(self):
        """[(pid as the program sees it, ns)]"""
        if not self.file.exists():
            return []
        return [tuple(map(int, line.split())) for line in self.file.read_text().splitlines() if line.count(" ") == 1]

    def await_count(self, count):
        wait_until(lambda: len(self.lines()) >= count, f"start {count} of {self.program}")


def kill_and_time(stamps, pid):
    """From the signal to the first instruction of the next, in ms."""
    count = len(stamps.lines())
    killed_ns = time.monotonic_ns()
    os.kill(pid, 9)
    stamps.await_count(count + 1)
    return (stamps.lines()[count][1] - killed_ns) / 1e6


# --- one host ---------------------------------------------------------------------------------------


def exec_times(dist, bench):
    """kill -9 of a host → its program's first instruction, ms. The program is `stamp`, then what it stands for."""
    with tempfile.TemporaryDirectory(prefix="umh-bench-dist-") as folder:
        copy = pathlib.Path(folder) / "dist"
        shutil.copytree(dist, copy, symlinks=True, ignore=shutil.ignore_patterns("managed", "docs"))
        program = copy / "libexec" / "umh" / "umh-host64"
        program.rename(f"{program}.next")
        stamps = Stamps(bench, program)
        host = {"GroupName": "beacon-0", "Modules": ["beacon"], "Restart": AT_ONCE}
        with System(copy, [host], folders=[bench / "modules"]) as system:
            times = []
            for _ in range(KILLS):
                system.result()
                times.append(kill_and_time(stamps, wait_until(lambda: system.pids()["beacon-0"], "a pid")))
        return times


def ready_times(system):
    times = []
    for _ in range(KILLS):
        system.result()
        pid = wait_until(lambda: system.pids()["beacon-0"], "a pid")
        killed_ns = time.monotonic_ns()
        os.kill(pid, 9)
        _, record = system.expect("a result", lambda r: r.get("msg") == "result")
        times.append((int(record["message_ns"]) - killed_ns) / 1e6)
        system.records.put((0, record))  # the next round's first
    return times


# --- other supervisors ------------------------------------------------------------------------------


def start_peer(command, bench, folder):
    """One service folder with its supervisor and its stamps."""
    service = folder / "service"
    service.mkdir(parents=True)
    stamps = Stamps(bench, service / "run")
    return subprocess.Popen([command, service], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, cwd=folder), stamps


def peer_times(command, bench):
    """The same of `runsv` or `s6-supervise` with `stamp` as their service; None where they are not installed."""
    if not shutil.which(command):
        return None
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="umh-bench-peer-")))
        peers = [start_peer(command, bench, folder / str(number)) for number in range(PEER_SERVICES)]
        times = []
        try:
            for round_number in range(PEER_ROUNDS):
                for _, stamps in peers:
                    stamps.await_count(round_number + 1)
                time.sleep(HEALTHY_SECONDS)
                times += [kill_and_time(stamps, stamps.lines()[-1][0]) for _, stamps in peers]
        finally:
            for process, stamps in peers:
                process.kill()
                process.wait()
                with contextlib.suppress(ProcessLookupError):
                    os.kill(stamps.lines()[-1][0], 9)
        return times


# --- a thousand -------------------------------------------------------------------------------------


class Thousand:
    """Hosts with a tiny module each, and two that nobody kills: a pacer and who answers it."""

    def __init__(self, dist, bench):
        hosts = [{"GroupName": f"tiny-{number}", "Modules": ["tiny"]} for number in range(SCALE_HOSTS)]
        hosts += [{"GroupName": name, "Modules": [name]} for name in ("pacer", "answerer")]
        self.system = System(dist, hosts, folders=[bench / "modules"])

    def await_modules(self, result_of=None):
        """When each module has said that it was started; with the pacer's result when that came on the way."""
        count = 0
        while count < SCALE_HOSTS:
            seen_ns, record = self.system.expect("modules that start", lambda r: r.get("msg") == "result")
            if "p99_ns" in record:
                result_of(record)
            else:
                count += 1
        return seen_ns

    def ask(self, count):
        self.system.go(count, 1)

    def pss_kib(self, pids):
        """Of a host with its init, which is its parent where it has one."""
        whole = 0
        for pid in pids:
            parent = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            for one in {pid, parent} - {self.system.broker.pid}:
                whole += memory_kib(one, "smaps_rollup", "Pss")
        return whole / len(pids)

    def measure(self):
        system = self.system
        found = {"all_ready": (self.await_modules() - system.started_ns) / 1e6}
        broker = system.broker.pid
        pids = {name: pid for name, pid in system.pids().items() if name.startswith("tiny-")}
        before_ns = cpu_clock_ns(broker)
        time.sleep(IDLE_SECONDS)
        found["idle_cpu"] = (cpu_clock_ns(broker) - before_ns) / IDLE_SECONDS / 1e7
        found["broker_rss"] = memory_kib(broker, "status", "VmRSS") * 1024 / 1e6
        found["host_pss"] = self.pss_kib(list(pids.values())[::20]) * 1024 / 1e6

        self.ask(QUIET_QUESTIONS)
        found["quiet_p99"] = system.result()["p99_ns"] / 1e6
        storm = []
        self.ask(STORM_QUESTIONS)
        killed_ns = time.monotonic_ns()
        for pid in pids.values():
            os.kill(pid, 9)
        found["kill_all_to_ready"] = (self.await_modules(storm.append) - killed_ns) / 1e6
        result = storm[0] if storm else system.expect("an answer", lambda r: "p99_ns" in r)[1]
        found["storm_p99"] = int(result["p99_ns"]) / 1e6
        return found


def thousand(dist, bench):
    measured = Thousand(dist, bench)
    with measured.system:
        return measured.measure()


def median_and_p99(times):
    return statistics.median(times), percentile(times, 0.99)
