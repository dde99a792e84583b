# SPDX-License-Identifier: MIT
"""Hosts die in every phase of their life and come back; with the broker dies everything it started."""

import os
import signal

import pytest

from runner import eventually, is_alive, memory_of

ECHO_ASKED, ECHO_ANSWERED, CRASH_ASKED = 1, 2, 7
GATED_ASKED, GATED_RESULT = 120, 121


class Gate:
    """A module that stays in one phase while a file is there."""

    def __init__(self, runner, phase):
        self.path = runner.folder / "gate"
        self.entry = runner.module("gated", Phase=phase, Gate=str(self.path), Asked=GATED_ASKED, Result=GATED_RESULT)
        self.close()

    def close(self):
        self.path.touch()

    def open(self):
        self.path.unlink()


def expect_return(runner, name, pid):
    """Another process does the work of the one that was killed."""
    host = runner.await_host(name, lambda host: host["state"] == "running" and host["pid"] not in (None, pid))
    assert "signal 9" in host["death"]
    assert not is_alive(pid)
    return host


@pytest.mark.sanitize
@pytest.mark.tsan
def test_restarts_a_killed_host(runner):
    runner.configure(runner.host("one", "echo"), runner.host("two", "printing"))
    runner.start()
    other = runner.pid("two")
    pid = runner.kill("one")
    host = expect_return(runner, "one", pid)
    assert host["restarts"] == 1
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "back") == "back"
    assert runner.pid("two") == other


def test_restarts_a_crashed_host_and_names_the_module(runner):
    runner.configure(runner.host("one", "crash", "echo"))
    runner.start()
    runner.send(CRASH_ASKED, "now")
    host = runner.await_host("one", lambda host: host["restarts"] == 1 and host["state"] == "running")
    assert "signal 6" in host["death"]
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "back") == "back"


def test_waits_longer_after_each_death(runner):
    runner.configure(runner.host("one", "echo", Restart={"FirstDelayMs": 20, "Factor": 50, "MaxDelayMs": 60000}))
    runner.start()
    runner.kill("one")
    runner.await_host("one", lambda host: host["restarts"] == 1 and host["state"] == "running")
    runner.kill("one")
    runner.await_host("one", lambda host: host["restarts"] == 2 and host["state"] == "running")
    runner.kill("one")
    runner.await_host("one", lambda host: host["state"] == "absent")
    assert runner.find_host("one")["restarts"] == 2


def test_keeps_to_the_restart_policy(runner):
    runner.configure(runner.host("never", "crash", Restart={"When": "Never"}),
                     runner.host("failure", "echo", Restart={"When": "OnFailure"}))
    runner.start()
    runner.send(CRASH_ASKED, "now")
    runner.kill("failure")
    runner.await_host("failure", lambda host: host["restarts"] == 1 and host["state"] == "running")
    runner.await_host("never", lambda host: host["state"] == "absent")
    assert runner.find_host("never")["restarts"] == 0


def test_survives_death_before_hello(runner):
    runner.configure(runner.host("one", "echo"), runner.host("two", "printing"))
    runner.start()
    first = runner.pid("one")
    # A process that was just started is killed as soon as it is seen, several times.
    os.kill(first, signal.SIGKILL)
    killed = {first}
    for _ in range(3):
        pid = eventually(lambda: (runner.find_host("one")["pid"] or 0) not in killed and runner.pid("one"))
        killed.add(pid)
        os.kill(pid, signal.SIGKILL)
    host = runner.await_host("one", lambda host: host["state"] == "running" and host["pid"] not in killed)
    assert host["restarts"] >= 4
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "back") == "back"


@pytest.mark.parametrize("phase, module_state", [("init", "loading"), ("start", "starting")])
@pytest.mark.sanitize
def test_restarts_a_host_killed_while_it_starts(runner, phase, module_state):
    gate = Gate(runner, phase)
    runner.configure(runner.host("one", gate.entry), runner.host("two", "echo"), StartTogetherMs=50)
    runner.start(wait=False)
    runner.await_running("two")
    runner.await_module("one", "gated", module_state)
    pid = runner.kill("one")
    gate.open()
    assert expect_return(runner, "one", pid)["restarts"] == 1
    assert runner.exchange(GATED_ASKED, GATED_RESULT, "back") == "back"


def test_restarts_a_host_killed_while_it_is_ready(runner):
    gate = Gate(runner, "init")
    runner.configure(runner.host("one", "echo"), runner.host("two", gate.entry), StartTogetherMs=60000)
    runner.start(wait=False)
    eventually(runner.find_status, runner.patience, "the broker answers")
    runner.await_host("one", lambda host: host["state"] == "ready")
    pid = runner.kill("one")
    runner.await_host("one", lambda host: host["state"] == "ready" and host["pid"] != pid)
    gate.open()
    runner.await_running()
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "back") == "back"


def test_restarts_a_host_killed_in_a_callback(runner):
    gate = Gate(runner, "message")
    runner.configure(runner.host("one", gate.entry))
    runner.start()
    runner.send(GATED_ASKED, "stay")
    pid = runner.kill("one")
    gate.open()
    expect_return(runner, "one", pid)
    assert runner.exchange(GATED_ASKED, GATED_RESULT, "back") == "back"


def test_stops_though_a_host_is_killed_while_it_stops(runner):
    gate = Gate(runner, "stop")
    runner.configure(runner.host("one", gate.entry), runner.host("two", "echo"))
    runner.start()
    pid = runner.pid("one")
    runner.broker.terminate()
    eventually(lambda: not is_alive(runner_pid_of(runner, "two")), runner.patience, "the other has stopped")
    os.kill(pid, signal.SIGKILL)
    assert runner.broker.wait(runner.patience) == 0


def runner_pid_of(runner, name):
    status = runner.find_status()
    if not status:
        return 0
    return next((host["pid"] or 0 for host in status["hosts"] if host["name"] == name), 0)


def test_kills_a_host_that_misses_a_deadline_of_its_start(runner):
    gate = Gate(runner, "init")
    runner.configure(runner.host("one", gate.entry, Timeouts={"LoadMs": 100}), StartTogetherMs=10)
    runner.start(wait=False)
    eventually(runner.find_status, runner.patience, "the broker answers")
    runner.await_host("one", lambda host: host["restarts"] >= 1)
    gate.open()
    runner.await_running()


def test_kills_what_does_not_stop_in_time(runner):
    gate = Gate(runner, "stop")
    runner.configure(runner.host("one", gate.entry, Timeouts={"StopMs": 100}))
    runner.start()
    pid = runner.pid("one")
    assert runner.stop() == 0
    assert not is_alive(pid)


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_stops_in_order_on_a_signal(runner, signal_number):
    runner.configure(runner.host("one", "echo"), runner.host("two", "printing"))
    runner.start()
    pids = [host["pid"] for host in runner.status()["hosts"]]
    runner.broker.send_signal(signal_number)
    assert runner.broker.wait(runner.patience) == 0
    assert not any(is_alive(pid) for pid in pids)


def test_stops_after_a_time(runner):
    runner.configure(runner.host("one", "echo"))
    runner.start("--for", "0.5", wait=False)
    assert runner.broker.wait(runner.patience) == 0


@pytest.mark.sanitize
def test_nothing_survives_a_killed_broker(runner):
    gate = Gate(runner, "message")
    runner.configure(*(runner.host(f"host{i}", "echo") for i in range(4)), runner.host("busy", gate.entry),
                     runner.host("endless", "hang"))
    runner.start()
    runner.send(GATED_ASKED, "stay")
    runner.send(4, "for ever")
    pids = [host["pid"] for host in runner.status()["hosts"]]
    runner.broker.kill()
    runner.broker.wait()
    eventually(lambda: not any(is_alive(pid) for pid in pids), 1.0 * runner.tree.slowness, "every host has ended")


def test_another_broker_of_the_instance_is_refused(runner, make_runner):
    runner.configure(runner.host("one", "echo"))
    runner.start()
    second = make_runner()
    second.instance = runner.instance
    second.config.write_text(runner.config.read_text())
    second.start(wait=False)
    assert second.broker.wait(second.patience) == 1
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "undisturbed") == "undisturbed"


def test_starts_again_after_a_killed_broker(runner):
    runner.configure(runner.host("one", "echo"))
    runner.start()
    runner.kill_broker()
    runner.start()
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "again") == "again"


@pytest.mark.sanitize
def test_two_instances_side_by_side(make_runner):
    runners = [make_runner(), make_runner()]
    for one in runners:
        one.configure(one.host("same", "echo"))
        one.start()
    listeners = [one.listen(ECHO_ANSWERED) for one in runners]
    for number, one in enumerate(runners):
        one.send(ECHO_ASKED, f"of {number}")
    for number, listener in enumerate(listeners):
        assert listener.next()["text"] == f"of {number}"
        assert listener.texts == [f"of {number}"]
    assert runners[0].stop() == 0
    assert runners[1].exchange(ECHO_ASKED, ECHO_ANSWERED, "alone") == "alone"


@pytest.mark.limit(60)
def test_runs_a_hundred_hosts(runner):
    count = 100
    runner.configure(*(runner.host(f"host{i:03}", runner.module("relay", In=1000 + i, Out=1000 + (i + 1) % count,
                                                              Asked=2000 + i, Result=3000, Tokens=1,
                                                              Hops=10 * count - 1)) for i in range(count)))
    runner.start()
    status = runner.status()
    assert len({host["pid"] for host in status["hosts"]}) == count
    runner.send(2000, "go")
    talk = runner.talk(2000, 3000)
    eventually(lambda: talk.ask()["finished"] == 1, runner.patience, "the message went round ten times")
    assert talk.ask()["received"] == 10
    pids = [host["pid"] for host in runner.status()["hosts"]]
    for pid in pids[::2]:
        os.kill(pid, signal.SIGKILL)
    runner.await_host("host000", lambda host: host["restarts"] == 1)
    status = runner.await_running()
    eventually(lambda: sum(host["restarts"] for host in runner.status()["hosts"]) == count // 2, runner.patience)
    runner.await_running()


def test_a_wrong_entry_leaves_the_rest_running(runner):
    runner.configure(runner.host("one", "echo"), {"GroupName": "two", "Moduls": []}, {"Modules": []},
                     runner.host("three", {"Name": "missing"}))
    runner.start(wait=False)
    runner.await_running("one", "three")
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "runs") == "runs"
    assert [host["name"] for host in runner.status()["hosts"]] == ["one", "three"]
    log = runner.log()
    assert "Moduls" in log and "Modules" in log and str(runner.config) in log
    assert runner.find_module("three", "missing")["state"] == "failed"


def test_a_file_that_cannot_be_read_starts_nothing(runner):
    runner.config.write_text("{ \"ChildProcesses\": [ ")
    runner.start(wait=False)
    assert runner.broker.wait(runner.patience) == 1
    assert f"{runner.config}:1:" in runner.log()


def test_publishes_its_own_events(runner):
    runner.configure(runner.host("one", "echo"))
    runner.start()
    events = runner.listen("Broker")
    runner.kill("one")
    states = []
    while "running" not in states:
        event = events.next_json(where=lambda value: value["event"] == "host")
        assert event["v"] == 1 and event["host"] == "one"
        states.append(event["state"])
    assert states[0] == "absent" or "absent" in states


@pytest.mark.soak
@pytest.mark.limit(100000)
def test_restarts_for_hours(runner):
    seconds = float(os.environ.get("UMH_SOAK_SECONDS", "60"))
    runner.configure(runner.host("one", "echo", Restart={"MaxDelayMs": 1}), runner.host("two", "printing"))
    runner.start()
    deadline = eventually(lambda: runner.status()["broker"]["uptime_ms"]) / 1000 + seconds
    first = None
    restarts = 0
    while runner.status()["broker"]["uptime_ms"] / 1000 < deadline:
        pid = runner.kill("one")
        runner.await_host("one", lambda host: host["state"] == "running" and host["pid"] not in (None, pid))
        restarts += 1
        assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, str(restarts)) == str(restarts)
        if restarts == 200:
            first = memory_of(runner.broker.pid)
    if first:
        assert memory_of(runner.broker.pid) < first + 2 * 1024 * 1024
