# SPDX-License-Identifier: MIT
"""Hangs are noticed, named and ended as configured; who only had no time is left alone."""

import contextlib
import datetime
import re
import signal
import subprocess

import pytest

from runner import eventually, is_alive
from test_hostile import HOSTILE, private_installation

ECHO_ASKED, ECHO_ANSWERED, SLOW_ASKED, HANG_ASKED = 1, 2, 3, 4
GATED_ASKED, GATED_RESULT = 120, 121


class Gate:
    """A module that stays in one phase while a file is there."""

    def __init__(self, runner, phase):
        self.path = runner.folder / f"gate-{phase}"
        self.path.touch()
        self.entry = runner.module(f"in-{phase}", "gated", Phase=phase, Gate=str(self.path), Asked=GATED_ASKED,
                                   Result=GATED_RESULT)

    def open(self):
        self.path.unlink()


def last_death(host):
    return host["deaths"][0]


def let_pass(runner, seconds):
    """By the broker's clock, which goes on only while it runs."""
    uptime = runner.status()["broker"]["uptime_ms"]
    eventually(lambda: runner.status()["broker"]["uptime_ms"] > uptime + seconds * 1000, runner.patience + seconds)


def sleep(seconds):
    """A process that ends by itself: nobody here runs, so there is no event to wait for."""
    subprocess.run(["sleep", str(seconds)], check=True)


# --- callbacks ----------------------------------------------------------------------------------

@pytest.mark.sanitize
def test_a_callback_beyond_its_time_replaces_its_host(runner):
    runner.configure(runner.host("one", "hang", "echo", Timeouts={"CallbackMs": 300},
                                 Restart={"FirstDelayMs": 500, "Jitter": 0}), runner.host("two", "printing"))
    runner.start()
    listener = runner.listen(ECHO_ANSWERED)
    others = runner.pid("two")
    runner.send(HANG_ASKED, "for ever")
    host = runner.await_host("one", lambda host: host["state"] == "absent")
    # What comes for the others of its host meanwhile is held.
    runner.send(ECHO_ASKED, "held")
    assert listener.next()["text"] == "held"
    death = last_death(host)
    assert (death["kind"], death["module"], death["activity"], death["signal"]) == ("deadline", "hang", "OnMessage", 9)
    assert 300 <= death["for_ms"]
    assert death["text"].startswith("a callback of module hang lasted longer than CallbackMs (300); was in "
                                    "hang.OnMessage for ")
    modules = {module["name"]: module for module in runner.find_host("one")["modules"]}
    assert modules["hang"]["lost"] == 1 and modules["echo"]["dropped"] == 0
    assert runner.find_host("one")["restarts"] == 1 and runner.pid("two") == others


def test_many_short_callbacks_are_no_long_one(runner):
    runner.configure(runner.host("one", "slow", "echo", Timeouts={"CallbackMs": 400}))
    runner.start()
    for _ in range(15):
        runner.send(SLOW_ASKED, "100000")
    let_pass(runner, 1.2)
    host = runner.find_host("one")
    assert host["restarts"] == 0 and host["modules"][0]["delivered"] == 15


def test_the_broker_measures_a_callback_by_its_own_clock(tree, runner):
    """A black box that tells of a callback since the machine was started."""
    runner.dist = private_installation(tree, runner.folder)
    name = HOSTILE + "old-callback"
    runner.configure(runner.host(name, "printing", Timeouts={"CallbackMs": 700}, Restart={"When": "Never"}))
    runner.start(wait=False)
    eventually(runner.find_status, runner.patience, "the broker answers")
    seen = runner.await_host(name, lambda host: host["modules"][0]["activity"])
    assert seen["modules"][0]["for_ms"] > 700 and seen["state"] == "running"
    death = last_death(runner.await_host(name, lambda host: host["why"]))
    assert "lasted longer than CallbackMs" in death["text"]


@pytest.mark.sanitize
def test_the_status_says_what_a_module_is_in(runner):
    gates = [Gate(runner, phase) for phase in ("init", "start", "message", "stop")]
    runner.configure(*(runner.host(f"host{i}", gate.entry) for i, gate in enumerate(gates)), StartTogetherMs=50)
    runner.start(wait=False)
    runner.await_running("host2", "host3")
    runner.send(GATED_ASKED, "stay")
    runner.umh("unload", "host3", "in-stop", "--timeout", "0.1", code=None)

    def shown(host, activity):
        module = runner.find_host(host)["modules"][0]
        return module["activity"] == activity and module["for_ms"] >= 100

    for host, activity in (("host0", "Init"), ("host1", "Start"), ("host2", "OnMessage"), ("host3", "Stop")):
        eventually(lambda: shown(host, activity), runner.patience, f"{host} is in {activity}")
    text = runner.umh("status").stdout.decode()
    assert "\n3 of 4 hosts running, 0 restarts so far\n" in text
    for activity in ("Init", "Start", "OnMessage", "Stop"):
        assert re.search(rf"^ +in {activity} for \d+\.\d s$", text, re.M), text
    for gate in gates:
        gate.open()
    runner.await_running("host0", "host1", "host2")
    eventually(lambda: runner.find_host("host2")["modules"][0]["activity"] is None, runner.patience)
    assert not re.search(r"^ +in \w+ for", runner.umh("status").stdout.decode(), re.M)


@pytest.mark.limit(60)
def test_a_long_callback_is_noticed_once(runner):
    gate = Gate(runner, "message")
    runner.configure(runner.host("one", gate.entry))
    runner.start()
    runner.send(GATED_ASKED, "stay")
    runner.await_log("module in-message has been in OnMessage for 5 s")
    let_pass(runner, 1.5)
    assert runner.log().count("has been in OnMessage") == 1
    assert runner.find_host("one")["restarts"] == 0
    gate.open()


# --- stalls -------------------------------------------------------------------------------------

def test_a_message_behind_a_callback_that_does_not_return_is_a_stall(runner):
    runner.configure(runner.host("stalled", "hang", Timeouts={"StopMs": 100}),
                     runner.host("alone", Gate(runner, "message").entry, Timeouts={"StopMs": 100}), StallSeconds=1)
    runner.start()
    runner.send(GATED_ASKED, "nothing waits behind this one")
    runner.send(HANG_ASKED, "the one that is handled")
    let_pass(runner, 2.2)
    assert all(host["restarts"] == 0 for host in runner.status()["hosts"])
    runner.send(HANG_ASKED, "the one that waits")
    host = runner.await_host("stalled", lambda host: host["restarts"] == 1)
    death = last_death(host)
    assert death["kind"] == "deadline" and death["module"] == "hang"
    assert death["text"].startswith("module hang has taken no message for 1 s while some waited; was in hang.OnMessage")
    assert host["modules"][0]["lost"] == 2
    assert runner.find_host("alone")["restarts"] == 0


def test_slow_is_not_stalled(runner):
    runner.configure(runner.host("one", "slow"), StallSeconds=1)
    runner.start()
    for _ in range(10):
        runner.send(SLOW_ASKED, "300000")
    let_pass(runner, 2.5)
    assert runner.find_host("one")["restarts"] == 0


# --- standing still -----------------------------------------------------------------------------

def test_a_broker_that_stood_still_with_its_hosts_kills_none(runner):
    """The hosts go on after the broker does: they have had no time at all to answer, nor to say hello or to load."""
    gates = [Gate(runner, phase) for phase in ("init", "start", "message")]
    names = [f"host{i}" for i in range(3)]
    runner.configure(*(runner.host(name, "printing", Timeouts={"PingMs": 300}) for name in names),
                     runner.host("loading", gates[0].entry, Timeouts={"LoadMs": 2500}),
                     runner.host("starting", gates[1].entry, Timeouts={"StartMs": 2500}),
                     runner.host("calling", gates[2].entry, Timeouts={"CallbackMs": 2500}),
                     runner.host("stalling", "hang", Timeouts={"StopMs": 100}),
                     StartTogetherMs=20, StallSeconds=3)
    runner.start(wait=False)
    runner.await_running(*names, "calling", "stalling")
    runner.send(GATED_ASKED, "stay")
    for _ in range(2):
        runner.send(HANG_ASKED, "stay")
    hosts = runner.status()["hosts"]
    with contextlib.ExitStack() as stack:
        for host in hosts:
            stack.enter_context(runner.paused(host["pid"]))
        with runner.paused(runner.broker.pid):
            sleep(3.1)
        # A machine that wakes does not wake everything at once.
        runner.await_log("the broker stood still for 3.")
    listener = runner.listen(GATED_RESULT)
    for gate in gates:
        gate.open()
    runner.send(GATED_ASKED, "awake")
    listener.next(where=lambda message: message["text"] == "awake")
    let_pass(runner, 1)
    assert all(host["restarts"] == 0 for host in runner.status()["hosts"]), runner.log()
    assert [host["pid"] for host in runner.status()["hosts"]] == [host["pid"] for host in hosts]
    # A stall is one in the end.
    death = last_death(runner.await_host("stalling", lambda host: host["restarts"] == 1))
    assert "has taken no message" in death["text"]


def test_a_back_off_is_not_lengthened_by_standing_still(runner):
    runner.configure(runner.host("one", "echo", Restart={"FirstDelayMs": 2500, "MaxDelayMs": 2500, "Jitter": 0}))
    runner.start()
    runner.kill("one")
    runner.await_host("one", lambda host: host["state"] == "absent")
    with runner.paused(runner.broker.pid):
        sleep(2.6)
    uptime = runner.status()["broker"]["uptime_ms"]
    runner.await_host("one", lambda host: host["state"] == "running")
    assert runner.status()["broker"]["uptime_ms"] < uptime + 2000


@pytest.mark.sanitize
def test_a_host_that_stands_still_has_until_its_ping(runner):
    runner.configure(runner.host("short", "echo", Timeouts={"PingMs": 2000}),
                     runner.host("long", "printing", Timeouts={"PingMs": 300}))
    runner.start()
    with runner.paused(runner.pid("short")):
        let_pass(runner, 0.7)
    pid = runner.kill("long", signal.SIGSTOP)
    host = runner.await_host("long", lambda host: host["restarts"] == 1 and host["state"] == "running")
    death = last_death(host)
    assert (death["kind"], death["signal"], death["module"]) == ("deadline", 9, None)
    assert "ping" in death["text"] and "300 ms" in death["text"]
    assert not is_alive(pid)
    assert runner.find_host("short")["restarts"] == 0
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "goes on") == "goes on"


# --- clocks -------------------------------------------------------------------------------------

def expect_right_times(runner):
    """Deadlines, back-off and pings, all within some seconds, whatever any calendar says."""
    host = runner.await_host("one", lambda host: host["state"] == "running")
    runner.send(HANG_ASKED, "for ever")
    host = runner.await_host("one", lambda host: host["restarts"] == 1 and host["state"] == "running")
    assert 300 <= last_death(host)["for_ms"] < 10_000
    let_pass(runner, 1)
    hosts = {host["name"]: host for host in runner.status()["hosts"]}
    assert hosts["two"]["restarts"] == 0 and hosts["one"]["restarts"] == 1
    assert 1000 <= hosts["two"]["running_ms"] < 60_000
    assert runner.status()["broker"]["uptime_ms"] < 60_000
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "in time") == "in time"


def configure_for_clocks(runner):
    runner.configure(runner.host("one", "hang", Timeouts={"CallbackMs": 300},
                                 Restart={"FirstDelayMs": 200, "Jitter": 0}),
                     runner.host("two", "echo", Timeouts={"PingMs": 300}))


def test_a_wall_clock_that_jumps_changes_nothing(tree, runner):
    """By a year, forth and back, every millisecond, for the broker and what reads it."""
    if tree.sanitizer:
        pytest.skip("a sanitizer must be loaded before anything else")
    configure_for_clocks(runner)
    runner.start(environment={"LD_PRELOAD": str(tree.file("clock_jump"))})
    expect_right_times(runner)
    today = datetime.date.today()
    days = [datetime.date.fromisoformat(day) for day in re.findall(r"^time=(\d{4}-\d\d-\d\d)T", runner.log(), re.M)]
    assert days and all(abs((day - today).days) > 300 for day in days), "the broker saw the jumps"


def test_a_monotonic_clock_of_its_own_changes_nothing(runner):
    """A machine that is up for years, by a time namespace."""
    command = ["unshare", "--time", "--monotonic", "100000000"]
    if subprocess.run([*command, "true"], capture_output=True).returncode != 0:
        pytest.skip("no time namespace may be made here")
    configure_for_clocks(runner)
    runner.start(under=command)
    expect_right_times(runner)
