# SPDX-License-Identifier: MIT
"""A system under measurement: `umh run` in a folder of its own, its log as events, its CPU time and memory."""

import json
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

GO = "0b5e0001-7a3c-4f0e-9b1d-52c6e0a17f01"  # the service `go` of modules/bench.h
DEADLINE_SECONDS = 60
PAIR = re.compile(r'([\w.-]+)=("(?:[^"\\]|\\.)*"|\S*)')
CPUCLOCK_SCHED = 2
INSTANCE = "bench"  # of its own: another broker may be running


class Failed(Exception):
    """What keeps one experiment from being measured."""


def cpu_clock_ns(pid):
    """The CPU time of a process and its threads so far; Linux makes the clock's id from the pid."""
    return time.clock_gettime_ns((~pid << 3) | CPUCLOCK_SCHED)


def memory_kib(pid, file, key):
    for line in pathlib.Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    raise Failed(f"no {key} in /proc/{pid}/{file}")


def parse(line):
    """A record as a dictionary; numbers stay texts."""
    return {key: value.strip('"') for key, value in PAIR.findall(line)}


class System:
    """Context manager. `hosts` are entries of ChildProcesses; or `file` is a broker.json that exists."""

    def __init__(self, dist, hosts=(), file=None, folders=()):
        self.umh = pathlib.Path(dist) / "bin" / "umh"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="umh-bench-"))
        self.control = self.folder / "control"
        self.file = file
        if not file:
            self.file = self.folder / "broker.json"
            configuration = {"ModuleFolders": [str(f) for f in folders], "ChildProcesses": list(hosts)}
            self.file.write_text(json.dumps(configuration))
        self.environment = dict(os.environ)
        for name in ("XDG_RUNTIME_DIR", "XDG_CACHE_HOME"):
            place = self.folder / name.lower()
            place.mkdir(mode=0o700)
            self.environment[name] = str(place)
        self.log = []
        self.records = queue.Queue()

    def __enter__(self):
        self.started_ns = time.monotonic_ns()
        self.broker = subprocess.Popen(
            [self.umh, "--instance", INSTANCE, "--control", self.control, "run", self.file], cwd=self.folder, env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()
        return self

    def __exit__(self, *_):
        if self.broker.poll() is None:
            self.broker.send_signal(signal.SIGTERM)
        try:
            self.broker.wait(15)
        except subprocess.TimeoutExpired:
            self.broker.kill()
            self.broker.wait()
        self.reader.join(5)
        # A broker of root keeps its store there, any other in the folder.
        for folder in (self.folder, f"/var/lib/umh/{INSTANCE}", f"/run/umh/{INSTANCE}"):
            shutil.rmtree(folder, ignore_errors=True)

    def read_log(self):
        for line in self.broker.stderr:
            now_ns = time.monotonic_ns()
            self.log.append(line)
            self.records.put((now_ns, parse(line)))
        self.records.put((0, None))

    def expect(self, what, is_it):
        """The next record that `is_it`, and when it was read."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            try:
                seen_ns, record = self.records.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                record = None
            if record is None:
                raise Failed(f"waited in vain for {what}; the log ends with\n" + "".join(self.log[-8:]))
            if is_it(record):
                return seen_ns, record

    def result(self):
        """The numbers of the next `result` record of a module."""
        _, record = self.expect("a result", lambda r: r.get("msg") == "result")
        return {key: int(value) for key, value in record.items() if value.isdigit()}

    def ready(self, host_count):
        """Every module of every host has been started; when that was seen."""
        for _ in range(host_count):
            self.expect("hosts that run", lambda r: r.get("msg", "").startswith("runs as process"))
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            modules = [module for host in self.status()["hosts"] for module in host["modules"]]
            for module in modules:
                if module["why"]:
                    raise Failed(f"module {module['name']} is {module['state']}: {module['why']}")
            if all(module["state"] == "running" for module in modules):
                return time.monotonic_ns()
        raise Failed("waited in vain for modules that run")

    def command(self, *arguments):
        done = subprocess.run([self.umh, "--control", self.control, *arguments], env=self.environment,
                              capture_output=True, text=True, timeout=DEADLINE_SECONDS)
        if done.returncode != 0:
            raise Failed(f"umh {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    def status(self):
        return json.loads(self.command("status", "--json"))

    def pids(self):
        """By host; the broker's is that of ""."""
        hosts = {host["name"]: host["pid"] for host in self.status()["hosts"]}
        return {"": self.broker.pid, **hosts}

    def go(self, count, size):
        self.command("send", GO, f"{count} {size}")

    def round(self, count, size):
        """One round of the modules, and what CPU time all processes took for it."""
        pids = self.pids().values()
        before = sum(cpu_clock_ns(pid) for pid in pids)
        self.go(count, size)
        result = self.result()
        result["cpu_ns"] = sum(cpu_clock_ns(pid) for pid in pids) - before
        return result
