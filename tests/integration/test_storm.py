# SPDX-License-Identifier: MIT
"""kill -9, again and again and in every state, under load: all come back, and the books balance."""

import contextlib
import os
import pathlib
import random
import signal
import struct
import subprocess
import time

import pytest

from runner import eventually, is_alive
from test_hostile import HOSTILE, private_installation

ECHO_ASKED, ECHO_ANSWERED, HANG_ASKED = 1, 2, 4
GATED_ASKED, GATED_RESULT = 120, 121
AT_ONCE = {"MaxDelayMs": 0, "Jitter": 0}
BOOK = struct.Struct("=7Q")


class Storm:
    """Hosts whose modules publish to each other and write down what they see."""

    def __init__(self, runner):
        self.runner = runner
        self.gate = runner.folder / "gate"

    def module(self, name, out=0, hears=(), **config):
        heard = {f"In{number}": service for number, service in enumerate(hears, 1)}
        return self.runner.module(name, "storm", Out=out, Gate=str(self.gate),
                                  Record=str(self.runner.folder / f"{name}.book"), **heard, **config)

    def book(self, name):
        numbers = BOOK.unpack((self.runner.folder / f"{name}.book").read_bytes()[:BOOK.size])
        return dict(zip(("processes", "sent", "refused", "slowest_ns", "received", "backwards", "missing"), numbers))

    def go(self):
        """What is published before its receiver has subscribed is for nobody: after the start, where it counts."""
        self.gate.touch()

    def pause(self):
        self.gate.unlink()

    def await_quiet(self):
        """Everything that was accepted has been handled, held back or dropped; what the status says then."""
        def look():
            status = self.runner.await_running()
            modules = [module for host in status["hosts"] for module in host["modules"]]
            if any(module["waiting"] for module in modules):
                return None
            numbers = [(module["published"], module["delivered"], module["dropped"]) for module in modules]
            if numbers != self._numbers:
                self._numbers = numbers
                self._quiet_looks = 0
            self._quiet_looks += 1
            return status if self._quiet_looks > 10 else None

        self._numbers = None
        return eventually(look, self.runner.patience * 2, "nothing waits any more")


def find_programs(broker, name):
    """Processes of that host below the broker, before it knows them itself."""
    parents, found = {}, set()
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            pid = int(folder.name)
            parents[pid] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
            if name.encode() in arguments and b"umh-host64" in arguments[0]:
                found.add(pid)
    # With an init of its own it is a grandchild.
    return {pid for pid in found if broker in (parents[pid], parents.get(parents[pid]))}


def kill_some(storm, names, count, seed):
    """
    Kill that many processes of the hosts, as they come back. Each is known by its host and the restarts of that: a
    pid may be one that was killed long ago.
    """
    chance = random.Random(seed)
    killed = set()
    while len(killed) < count:
        alive = {(host["name"], host["restarts"]): host["pid"] for host in storm.runner.status()["hosts"]
                 if host["name"] in names and host["pid"]}
        left = sorted(alive.keys() - killed)
        for key in chance.sample(left, min(chance.randint(1, len(names)), len(left), count - len(killed))):
            os.kill(alive[key], signal.SIGKILL)
            killed.add(key)


def rage(runner, count):
    """
    Six hosts publish to each other and are killed; two others, which talk to each other and listen to those, are
    not, and miss nothing of each other.
    """
    storm = Storm(runner)
    names = [f"victim{i}" for i in range(6)]
    services = [1000 + i for i in range(6)]
    runner.configure(
        *(runner.host(name, storm.module(name, services[i], (services[(i + 1) % 6], services[(i + 3) % 6], 2000)),
                      Restart=AT_ONCE) for i, name in enumerate(names)),
        runner.host("calm", storm.module("calm", 2000, (2001, services[0]))),
        runner.host("quiet", storm.module("quiet", 2001, (2000, services[3]))))
    runner.start()
    storm.go()
    seed = time.time_ns()
    print("seed", seed)
    sent = {name: storm.book(name)["sent"] for name in ("calm", "quiet")}
    kill_some(storm, names, count, seed)
    for name in sent:
        assert storm.book(name)["sent"] > sent[name], "no publisher was stopped"
    storm.pause()
    status = storm.await_quiet()
    hosts = {host["name"]: host for host in status["hosts"]}
    assert sum(host["restarts"] for host in hosts.values()) == count
    assert all(host["deaths"][0]["signal"] == 9 for name, host in hosts.items() if name in names)
    modules = {name: host["modules"][0] for name, host in hosts.items()}
    books = {name: storm.book(name) for name in modules}
    check_books(names, services, modules, books)
    assert all(books[name]["refused"] == 0 for name in books)
    for name in ("calm", "quiet"):
        assert books[name]["missing"] == 0 and hosts[name]["restarts"] == 0 and modules[name]["dropped"] == 0
        assert books[name]["received"] == modules[name]["delivered"]
    assert all(find_programs(runner.broker.pid, name) == {host["pid"]} for name, host in hosts.items())
    return hosts


def check_books(names, services, modules, books):
    """What was accepted for a module was delivered, dropped, or waits; what it handled was not lost."""
    published = {service: modules[name]["published"] for name, service in zip(names, services)}
    published.update({2000: modules["calm"]["published"], 2001: modules["quiet"]["published"]})
    heard = {name: (services[(i + 1) % 6], services[(i + 3) % 6], 2000) for i, name in enumerate(names)}
    heard.update({"calm": (2001, services[0]), "quiet": (2000, services[3])})
    for name, module in modules.items():
        assert module["delivered"] + module["dropped"] - module["lost"] + module["waiting"] == \
            sum(published[service] for service in heard[name]), name
        # The count of a process that died may lack the message that it was in, and no more.
        handled = module["delivered"] - module["lost"]
        assert handled <= books[name]["received"] <= handled + books[name]["processes"], name
        assert books[name]["backwards"] == 0, name


@pytest.mark.limit(90)
def test_survives_five_hundred_kills(runner):
    hosts = rage(runner, 500)
    shown = runner.umh("status").stdout.decode()
    for i in range(6):
        assert f"ends so far: {hosts[f'victim{i}']['restarts']} signal" in shown
    assert shown.count("last end: signal 9 (Killed)") == 6


@pytest.mark.sanitize
@pytest.mark.tsan
@pytest.mark.limit(60)
def test_survives_some_kills(runner):
    rage(runner, 25)


@pytest.mark.soak
@pytest.mark.limit(100000)
def test_survives_ten_thousand_kills(runner):
    rage(runner, int(os.environ.get("UMH_SOAK_KILLS", "10000")))


# --- in every state -----------------------------------------------------------------------------

@pytest.fixture
def neighbours(runner):
    """Two hosts that talk to each other all the time, and must not notice what happens beside them."""
    storm = Storm(runner)

    def make():
        storm.go()
        return [runner.host("calm", storm.module("calm", 2000, (2001,))),
                runner.host("quiet", storm.module("quiet", 2001, (2000,)))]

    def check():
        for name in ("calm", "quiet"):
            sent = storm.book(name)["sent"]
            eventually(lambda: storm.book(name)["sent"] > sent, runner.patience, "it goes on")
            host = runner.find_host(name)
            book = storm.book(name)
            assert host["restarts"] == 0 and host["modules"][0]["dropped"] == 0
            assert book["missing"] == 0 and book["backwards"] == 0 and book["refused"] == 0 and book["received"] > 0

    make.check = check
    return make


class Gates:
    """Modules that stay in one phase while a file of theirs is there."""

    def __init__(self, runner):
        self.runner = runner

    def path(self, phase):
        return self.runner.folder / f"gate-{phase}"

    def module(self, phase):
        return self.runner.module(phase, "gated", Phase=phase, Gate=str(self.path(phase)), Asked=GATED_ASKED,
                                  Result=GATED_RESULT)

    def close(self, phase):
        self.path(phase).touch()

    def open(self, phase):
        self.path(phase).unlink(missing_ok=True)


@pytest.mark.sanitize
@pytest.mark.limit(60)
def test_comes_back_from_a_kill_in_every_state_of_a_module(runner, neighbours):
    """Each time a reload has led it there: who waits for that is told, and the module runs again."""
    gates = Gates(runner)
    phases = {"stop": "stopping", "unload": "unloading", "init": "loading", "start": "starting"}
    runner.configure(runner.host("one", *(gates.module(phase) for phase in phases), "echo", Restart=AT_ONCE), *neighbours())
    runner.start()
    for restarts, (phase, state) in enumerate(phases.items(), 1):
        gates.close(phase)
        asked = subprocess.Popen(runner.command("reload", "one", phase), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        runner.await_module("one", phase, state)
        pid = runner.kill("one")
        gates.open(phase)
        said, why = asked.communicate(timeout=runner.patience)
        if phase in ("stop", "unload"):
            assert (asked.returncode, said) == (0, b"replaced\n"), (phase, said, why)
        else:
            assert asked.returncode == 1 and b"its host ended meanwhile: signal 9" in why, (phase, said, why)
        host = runner.await_host("one", lambda host: host["restarts"] == restarts and host["state"] == "running" and
                                 all(module["state"] == "running" for module in host["modules"]))
        assert host["pid"] != pid and not is_alive(pid)
        assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, phase) == phase
    neighbours.check()


@pytest.mark.limit(60)
def test_comes_back_from_kills_while_it_is_reloaded(runner, neighbours):
    """At any moment between the question and a little after its answer: fetching and everything after it."""
    runner.configure(runner.host("one", "echo", "printing", "slow", Restart=AT_ONCE), *neighbours())
    runner.start()
    seed = time.time_ns()
    print("seed", seed)
    chance = random.Random(seed)
    for _ in range(40):
        pid = runner.pid("one")
        asked = [subprocess.Popen(runner.command("reload", "one", module), stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) for module in ("echo", "printing")]
        moment = time.monotonic() + chance.uniform(0, 0.015)
        while time.monotonic() < moment:
            continue
        os.kill(pid, signal.SIGKILL)
        assert all(one.wait(runner.patience) in (0, 1) for one in asked)
        runner.await_host("one", lambda host: host["state"] == "running" and host["pid"] != pid and
                          all(module["state"] == "running" for module in host["modules"]))
    assert runner.find_host("one")["restarts"] == 40
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "after all") == "after all"
    neighbours.check()


def test_comes_back_from_a_kill_before_hello(tree, runner, neighbours):
    runner.dist = private_installation(tree, runner.folder)
    name = HOSTILE + "silent"
    runner.configure(runner.host(name, "printing", Restart=AT_ONCE), *neighbours())
    runner.start(wait=False)
    runner.await_running("calm", "quiet")
    killed = set()
    for restarts in range(3):
        runner.await_host(name, lambda host: host["state"] == "greeting" and host["restarts"] == restarts)
        pid = eventually(lambda: next(iter(find_programs(runner.broker.pid, name) - killed), None), runner.patience)
        killed.add(pid)
        os.kill(pid, signal.SIGKILL)
    host = runner.await_host(name, lambda host: host["restarts"] == 3)
    assert all(death["kind"] == "signal" and death["signal"] == 9 for death in host["deaths"])
    neighbours.check()


def test_ends_though_hosts_are_killed_while_they_are_told_to_end(tree, runner):
    """One stays in its module's stop, the other ignores everything until its pipe is closed, and that as well."""
    runner.dist = private_installation(tree, runner.folder)
    gates = Gates(runner)
    gates.close("stop")
    runner.configure(runner.host("asked", gates.module("stop")),
                     runner.host(HOSTILE + "deaf", "printing", Timeouts={"StopMs": 50}))
    runner.start()
    runner.broker.terminate()
    pids = {host["name"]: host["pid"] for host in runner.status()["hosts"]}
    for name, state in (("asked", "asked"), (HOSTILE + "deaf", "closed")):
        runner.await_host(name, lambda host: host["state"] == state)
        os.kill(pids[name], signal.SIGKILL)
    assert runner.broker.wait(runner.patience) == 0


# --- those who behave badly, and those who do not ------------------------------------------------

@pytest.mark.sanitize
@pytest.mark.limit(60)
def test_bad_hosts_disturb_nobody(tree, runner, neighbours):
    """
    Deaf to everything, with a closed pipe, without hello, flooding, crashing at start, with a module that hangs while
    pings are answered: all at once, and those that must end do so again and again.
    """
    runner.dist = private_installation(tree, runner.folder)
    quick = {"MaxDelayMs": 100}
    faults = {"deaf": {"PingMs": 300}, "closed": {}, "silent": {"HelloMs": 200}, "garbage": {},
              "old-callback": {"CallbackMs": 200}}
    ending = [HOSTILE + fault for fault in faults]
    runner.configure(*(runner.host(HOSTILE + fault, "printing", Restart=quick, Timeouts={"StopMs": 100, **timeouts})
                       for fault, timeouts in faults.items()),
                     runner.host(HOSTILE + "flood", "printing", Timeouts={"StopMs": 100}),
                     runner.host(HOSTILE + "log", "printing", Timeouts={"StopMs": 100}),
                     runner.host("hanging", "hang", Timeouts={"PingMs": 300, "StopMs": 100}), *neighbours())
    runner.start(wait=False)
    runner.await_running("calm", "quiet", "hanging")
    runner.send(HANG_ASKED, "for ever")
    for name in ending:
        runner.await_host(name, lambda host: host["restarts"] >= 2)
    kinds = {name: runner.find_host(name)["deaths"][0]["kind"] for name in ending}
    # The one whose pipe is closed may notice that before it is noticed.
    assert kinds.pop(HOSTILE + "closed") in ("deadline", "exit")
    assert kinds == {name: "violation" if "garbage" in name else "deadline" for name in kinds}
    assert runner.find_host("hanging")["restarts"] == 0 and runner.find_host(HOSTILE + "flood")["restarts"] == 0
    neighbours.check()
    pids = [host["pid"] for host in runner.status()["hosts"] if host["pid"]]
    assert runner.stop() == 0
    assert not any(is_alive(pid) for pid in pids)


# --- stopping -----------------------------------------------------------------------------------

def stop_within(runner, seconds):
    """From the signal to the end of the broker, which is after that of every host."""
    pids = [host["pid"] for host in runner.status()["hosts"]]
    began = time.monotonic()
    runner.broker.send_signal(signal.SIGTERM)
    assert runner.broker.wait(runner.patience) == 0
    took = time.monotonic() - began
    assert took < seconds * runner.tree.slowness, f"{len(pids)} hosts took {took:.3f} s to stop"
    assert not any(is_alive(pid) for pid in pids)


def test_stops_hosts_side_by_side(runner):
    """Twenty times 200 ms one after the other would be four seconds."""
    storm = Storm(runner)
    runner.configure(*(runner.host(f"host{i}", storm.module(f"slow{i}", StopMs=200)) for i in range(20)))
    runner.start()
    stop_within(runner, 2)


@pytest.mark.limit(60)
def test_stops_a_hundred_hosts(runner):
    """The figure is stop/100_hosts of `make bench`; this is a bound for a machine that does other things as well."""
    runner.configure(*(runner.host(f"host{i}", "echo") for i in range(100)))
    runner.start()
    stop_within(runner, 3)
