# SPDX-License-Identifier: MIT
"""Native user interfaces: the main thread is theirs, stop reaches them, and closing the window ends the host."""

import pytest

ASKED, RESULT, OTHER_ASKED, OTHER_RESULT = 610, 611, 612, 613
ECHO_ASKED, ECHO_ANSWERED = 1, 2


def window(runner, asked=ASKED, result=RESULT, name="window", **config):
    return runner.module(name, "window", Asked=asked, Result=result, **config)


@pytest.mark.sanitize
@pytest.mark.tsan
def test_event_loop_has_main_thread(runner):
    runner.configure(runner.host("ui", window(runner), "echo", Ui=True))
    runner.start()
    assert runner.exchange(ASKED, RESULT, "thread") == "main"
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "beside it") == "beside it"


@pytest.mark.sanitize
def test_stop_reaches_event_loop(runner):
    runner.configure(runner.host("ui", window(runner), Ui=True), runner.host("other", "echo"))
    runner.start()
    listener = runner.listen(RESULT)
    runner.umh("unload", "ui", "window")
    assert listener.next()["text"] == "stopped"


@pytest.mark.sanitize
def test_reload_begins_event_loop_anew(runner):
    runner.configure(runner.host("ui", window(runner), Ui=True))
    runner.start()
    listener = runner.listen(RESULT)
    for _ in range(5):
        runner.umh("reload", "ui", "window")
        assert listener.next()["text"] == "stopped"
        assert listener.next()["text"] == "main"


@pytest.mark.sanitize
def test_closed_window_ends_host(runner):
    runner.configure(runner.host("ui", window(runner), Ui=True))
    runner.start()
    listener = runner.listen(RESULT)
    runner.send(ASKED, "close 0")
    assert listener.next()["text"] == "stopped"
    host = runner.await_host("ui", lambda host: host["state"] == "absent")
    assert host["restarts"] == 0
    assert host["why"] == "Restart.When is OnFailure, and this was none"
    assert "the user interface of window has ended with code 0: the host ends" in runner.log()


def test_failed_user_interface_is_started_again(runner):
    runner.configure(runner.host("ui", window(runner), Ui=True))
    runner.start()
    runner.send(ASKED, "close 3")
    host = runner.await_host("ui", lambda host: host["restarts"] == 1 and host["state"] == "running")
    assert host["deaths"][0]["exit_code"] == 3
    assert host["deaths"][0]["kind"] == "exit"


def test_policy_of_file_wins(runner):
    runner.configure(runner.host("ui", window(runner), Ui=True, Restart={"When": "Always"}))
    runner.start()
    runner.send(ASKED, "close 0")
    runner.await_host("ui", lambda host: host["restarts"] == 1 and host["state"] == "running")


def test_deaf_user_interface_is_killed(runner):
    runner.configure(runner.host("ui", window(runner, Deaf=1), Ui=True, Timeouts={"StopMs": 300}),
                     runner.host("other", "echo"))
    runner.start()
    pid = runner.pid("other")
    runner.umh("reload", "ui", "window", code=None)
    runner.await_host("ui", lambda host: host["restarts"] == 1 and host["state"] == "running")
    assert "stop" in runner.find_host("ui")["death"]
    assert runner.pid("other") == pid


def test_second_event_loop_is_refused(runner):
    runner.configure(runner.host("ui", window(runner), window(runner, OTHER_ASKED, OTHER_RESULT, "second"), Ui=True))
    runner.start()
    failed = [module for module in runner.find_host("ui")["modules"] if module["state"] == "failed"]
    assert len(failed) == 1
    assert "the main thread runs the user interface of module" in failed[0]["why"]


def test_event_loop_needs_ui_host(runner):
    runner.configure(runner.host("plain", window(runner), "echo"))
    runner.start()
    module = runner.find_module("plain", "window")
    assert module["state"] == "failed"
    assert 'its host needs "Ui": true' in module["why"]
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "goes on") == "goes on"


@pytest.mark.managed
def test_managed_modules_are_beside_it(runner):
    runner.configure(runner.host("ui", window(runner), "Talker", Ui=True))
    runner.start()
    assert runner.exchange(ASKED, RESULT, "thread") == "main"
    assert {module["state"] for module in runner.find_host("ui")["modules"]} == {"running"}
