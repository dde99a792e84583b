# SPDX-License-Identifier: MIT
"""The example with a window, on a display that nobody sees: it shows readings, and its button is obeyed."""

import ctypes
import os

import pytest

from display import MISSING, Display
from runner import eventually

TITLE = "This machine"
HEADER = 50  # of its height the window's title bar
BUTTON = (60, 26)  # in it, from the left
CLOSE = (-27, 26)  # in it, from the right

pytestmark = pytest.mark.managed


def find_missing():
    try:
        ctypes.CDLL("libgtk-3.so.0")
        return MISSING
    except OSError:
        return [*MISSING, "libgtk-3-0"]


@pytest.fixture
def display(tmp_path):
    missing = find_missing()
    if missing:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"not installed: {' '.join(missing)}")
    made = Display(tmp_path)
    yield made
    made.close()


def start(tree, runner, environment, **keys):
    """The example's own file and modules, faster than people need it."""
    example = tree.dist / "share" / "umh" / "examples" / "dashboard"
    text = (example / "broker.json").read_text()
    assert '"IntervalMs": 500' in text
    runner.config.write_text(text.replace('"IntervalMs": 500', '"IntervalMs": 50'))
    os.symlink(example / "modules", runner.folder / "modules")
    runner.start(environment=environment, **keys)


def await_window(runner, display):
    """Where it is, once something is drawn in it."""
    def is_drawn():
        place = display.find_window(TITLE)
        return place if place and len(display.picture().cut(*place).colours()) > 20 else None

    return eventually(is_drawn, runner.patience, "there is a window with something in it")


def await_reading(listener, check):
    return listener.next_json(where=lambda value: check(value["count"]))


@pytest.mark.limit(60)
def test_window_shows_readings_and_sends_a_command(tree, runner, display, tmp_path):
    start(tree, runner, display.environment)
    readings, commands = runner.listen("readings"), runner.listen("commands")
    left, top, width, height = await_window(runner, display)
    await_reading(readings, lambda count: count > 10)

    def content():
        return display.picture().cut(left, top + HEADER, width, height - HEADER)

    first = content()
    display.picture().cut(left, top, width, height).save(tmp_path / "window.png")
    colours = sorted(first.colours().values(), reverse=True)
    ground, inked = colours[0], sum(colours[1:])
    assert ground > inked > ground / 50, "a ground, and less on it"
    assert len(colours) > 100, "text has smooth edges, the bars have a colour of their own"
    eventually(lambda: content().differs(first), runner.patience, "the readings change")

    display.click(left + BUTTON[0], top + BUTTON[1])
    assert commands.next()["text"] == "reset"
    assert await_reading(readings, lambda count: count == 1)["processor_peak"] <= 100

    runner.kill("desktop")
    runner.await_host("desktop", lambda host: host["restarts"] == 1 and host["state"] == "running")
    left, top, width, height = await_window(runner, display)
    display.click(left + width + CLOSE[0], top + CLOSE[1])
    host = runner.await_host("desktop", lambda host: host["state"] == "absent")
    assert host["why"] == "Restart.When is OnFailure, and this was none"
    assert runner.find_host("sensors")["state"] == "running"


def test_window_ends_with_its_host(tree, runner, display):
    start(tree, runner, display.environment)
    await_window(runner, display)
    pid = runner.pid("desktop")
    runner.umh("reload", "desktop", "Dashboard")
    assert runner.pid("desktop") != pid
    await_window(runner, display)
    assert runner.stop() == 0
    assert "killed" not in runner.log()


def test_without_a_display_it_says_what_is_missing(tree, runner):
    if "libgtk-3-0" in find_missing():
        pytest.skip("not installed: libgtk-3-0")
    start(tree, runner, {"DISPLAY": "", "WAYLAND_DISPLAY": ""}, wait=False)
    runner.await_log("no display answers")
    line = next(line for line in runner.log().splitlines() if "no display answers" in line)
    assert "module=Dashboard" in line and "desktop session" in line and "level=error" in line
    eventually(runner.find_status, runner.patience, "the broker answers")
    runner.await_host("desktop", lambda host: host["restarts"] >= 1)
