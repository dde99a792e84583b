# SPDX-License-Identifier: MIT
"""Whether and when a host that ended is started again, and what an operator sees of it and can do."""

import re

import pytest

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
