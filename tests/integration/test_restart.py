# SPDX-License-Identifier: MIT
"""Whether and when a host that ended is started again, and what an operator sees of it and can do."""

import re
import shutil

import pytest

from runner import eventually

ECHO_ASKED, ECHO_ANSWERED, CRASH_ASKED = 1, 2, 7
NEVER_HEALTHY = {"Jitter": 0, "HealthyAfterMs": 86400000}


def crash(runner, name, text="now"):
    """Have the module `crash` of a running host end its process; returns what the status says then."""
    restarts = runner.find_host(name)["restarts"]
    runner.send(CRASH_ASKED, text)
    return runner.await_host(name, lambda host: host["restarts"] > restarts or host["state"] == "absent")


def await_restart(runner, name, restarts):
    return runner.await_host(name, lambda host: host["restarts"] == restarts and host["state"] == "running")


def delays_of(runner):
    """All that the log names so far, in milliseconds."""
    return [int(delay) for delay in re.findall(r"starts again in (\d+) ms", runner.log())]


@pytest.mark.sanitize
def test_waits_grow_up_to_their_cap(runner):
    runner.configure(runner.host("one", "crash", Restart={
        **NEVER_HEALTHY, "FirstDelayMs": 5, "Factor": 7, "MaxDelayMs": 50}))
    runner.start()
    for restarts in range(1, 5):
        crash(runner, "one")
        await_restart(runner, "one", restarts)
    assert delays_of(runner) == [5, 35, 50, 50]


def test_jitter_shortens_a_wait(runner):
    runner.configure(runner.host("one", "crash", Restart={"FirstDelayMs": 60000, "MaxDelayMs": 60000, "Jitter": 1}))
    runner.start()
    runner.send(CRASH_ASKED, "now")
    runner.await_log("; starts again")
    assert all(delay <= 60000 for delay in delays_of(runner))


def test_policies(runner):
    runner.configure(runner.host("never", "crash", Restart={"When": "Never"}),
                     runner.host("failure", "crash", Restart={"When": "OnFailure"}),
                     runner.host("always", "crash"))
    runner.start()
    runner.send(CRASH_ASKED, "leave")
    never = runner.await_host("never", lambda host: host["state"] == "absent")
    failure = runner.await_host("failure", lambda host: host["state"] == "absent")
    await_restart(runner, "always", 1)
    assert never["why"] == "Restart.When is Never"
    assert failure["why"] == "Restart.When is OnFailure, and this was none"
    assert "exit code 0" in failure["death"]
    # Revived, the same host is started again after a failure.
    assert runner.umh("reset", "failure").stdout == b"starts now\n"
    runner.await_running("failure")
    runner.send(CRASH_ASKED, "now")
    await_restart(runner, "failure", 2)


def test_an_operator_ends_a_wait(runner):
    runner.configure(runner.host("one", "crash", "echo", Restart={
        **NEVER_HEALTHY, "FirstDelayMs": 3600000, "MaxDelayMs": 3600000}))
    runner.start()
    host = crash(runner, "one")
    assert 3000000 < host["starts_in_ms"] <= 3600000
    assert host["why"] is None
    shown = runner.umh("status").stdout.decode()
    assert re.search(r"starts again in 3[56]\d\d\.\d s", shown)
    assert runner.umh("reset", "one").stdout == b"starts now\n"
    host = await_restart(runner, "one", 1)
    assert host["starts_in_ms"] is None
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "back") == "back"
    assert runner.umh("reset", "one").stdout == b"runs already\n"


@pytest.mark.sanitize
def test_gives_up_until_it_is_reset(runner):
    runner.configure(runner.host("one", "crash", "echo", Restart={
        **NEVER_HEALTHY, "MaxDelayMs": 0, "MaxRestarts": 2, "PerMs": 3600000}))
    runner.start()
    for restarts in (1, 2):
        crash(runner, "one")
        await_restart(runner, "one", restarts)
    host = crash(runner, "one")
    assert host["why"] == "2 restarts within 3600000 ms are all that MaxRestarts allows"
    assert host["starts_in_ms"] is None and host["restarts"] == 2
    assert f"not started again: {host['why']}" in runner.umh("status").stdout.decode()
    runner.await_log(f"it is not started again: {host['why']}")
    refused = runner.umh("load", "one", "printing", code=1).stderr.decode()
    assert "has ended and is not started again; reset it" in refused
    # Everything begins anew: so many restarts again.
    assert runner.umh("reset", "one").stdout == b"starts now\n"
    await_restart(runner, "one", 3)
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "back") == "back"
    for restarts in (4, 5):
        crash(runner, "one")
        await_restart(runner, "one", restarts)
    assert crash(runner, "one")["why"] == host["why"]


def test_reset_names_what_was_meant(runner):
    runner.configure(runner.host("Sensors", "echo"))
    runner.start()
    refused = runner.umh("reset", "Sensor", code=1).stderr.decode()
    assert "there is no host 'Sensor' (did you mean 'Sensors'?)" in refused
    assert "there is no host 'x'\n" in runner.umh("reset", "x", code=1).stderr.decode()
    assert "HOST is missing" in runner.umh("reset", code=2).stderr.decode()
    assert runner.umh("reset", "Sensors").stdout == b"runs already\n"
    assert runner.find_host("Sensors")["restarts"] == 0


# --- how it ended ----------------------------------------------------------------------------------


def last_death(host):
    return host["deaths"][0]


@pytest.mark.sanitize
def test_a_death_in_a_callback_names_the_module(runner):
    runner.configure(runner.host("one", "echo", "crash"))
    runner.start()
    assert runner.find_host("one")["deaths"] == []
    crash(runner, "one")
    host = await_restart(runner, "one", 1)
    death = last_death(host)
    assert {**death, "core_dumped": None, "for_ms": None, "at": None, "text": None} == {
        "at": None, "kind": "signal", "text": None, "exit_code": None, "signal": 6, "core_dumped": None,
        "module": "crash", "activity": "OnMessage", "for_ms": None}
    assert death["core_dumped"] in (True, False) and death["for_ms"] >= 0
    assert re.fullmatch(r"signal 6 \(Aborted\)(, core dumped)?; was in crash\.OnMessage for \d+ ms", death["text"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", death["at"])
    assert host["death"] == death["text"]
    assert f"last end: {death['text']}, at {death['at']}" in runner.umh("status").stdout.decode()


def test_a_death_by_exit_has_its_code(runner):
    runner.configure(runner.host("one", "crash"))
    runner.start()
    crash(runner, "one", "leave")
    death = last_death(await_restart(runner, "one", 1))
    assert (death["kind"], death["exit_code"], death["signal"], death["core_dumped"]) == ("exit", 0, None, None)
    assert death["module"] == "crash"


def test_a_death_by_a_strange_signal_is_not_a_modules(runner):
    runner.configure(runner.host("one", "echo"))
    runner.start()
    runner.kill("one")
    death = last_death(await_restart(runner, "one", 1))
    assert (death["kind"], death["signal"], death["core_dumped"]) == ("signal", 9, False)
    assert (death["module"], death["activity"], death["for_ms"]) == (None, None, None)


def test_a_deadline_says_which_and_where(runner):
    gate = runner.folder / "gate"
    gate.touch()
    runner.configure(
        runner.host("one", runner.module("gated", Phase="start", Gate=str(gate), Asked=120, Result=121),
                    Timeouts={"StartMs": 50}, Restart={"When": "Never"}),
        StartTogetherMs=10)
    runner.start(wait=False)
    eventually(runner.find_status, runner.patience, "the broker answers")
    death = last_death(runner.await_host("one", lambda host: host["why"]))
    assert (death["kind"], death["signal"], death["exit_code"]) == ("deadline", 9, None)
    assert (death["module"], death["activity"]) == ("gated", "Start")
    assert death["for_ms"] > 0
    assert death["text"].startswith("module gated did not start within 50 ms; was in gated.Start for ")


def test_a_process_that_cannot_be_started_says_why(runner):
    runner.dist = shutil.copytree(runner.tree.dist, runner.folder / "dist", symlinks=True)
    (runner.dist / "libexec" / "umh" / "umh-host64").unlink()
    runner.configure(runner.host("one", Restart={"When": "Never"}))
    runner.start(wait=False)
    eventually(runner.find_status, runner.patience, "the broker answers")
    death = last_death(runner.await_host("one", lambda host: host["why"]))
    assert (death["kind"], death["signal"], death["exit_code"]) == ("start", None, None)
    assert "umh-host64" in death["text"]


def test_an_end_that_was_asked_for_is_said_to_be(runner):
    runner.configure(runner.host("one", "nodelete"))
    runner.start()
    assert runner.umh("reload", "one", "nodelete").stdout == b"replaced\n"
    death = last_death(await_restart(runner, "one", 1))
    assert (death["kind"], death["exit_code"], death["module"]) == ("asked", 0, None)


def test_the_last_deaths_are_kept(runner):
    runner.configure(runner.host("one", "crash", Restart={**NEVER_HEALTHY, "MaxDelayMs": 0}))
    runner.start()
    for restarts in range(1, 11):
        crash(runner, "one", "leave" if restarts == 3 else "now")
        await_restart(runner, "one", restarts)
    deaths = runner.find_host("one")["deaths"]
    assert [death["kind"] for death in deaths] == ["signal"] * 7 + ["exit"]
    moments = [death["at"] for death in deaths]
    assert moments == sorted(moments, reverse=True)
