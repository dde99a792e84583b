# SPDX-License-Identifier: MIT
"""What every end-to-end test has: a build, a system of its own, a time limit."""

import os
import signal

import pytest

from runner import ROOT, Runner, Tree

LIMIT_SECONDS = 30


def pytest_configure(config):
    config.addinivalue_line("markers", "sanitize: also runs against the address and undefined-behaviour sanitizers")
    config.addinivalue_line("markers", "tsan: also runs against the thread sanitizer; native hosts only")
    config.addinivalue_line("markers", "soak: needs hours to say something")
    config.addinivalue_line("markers", f"limit(seconds): time limit of one test, {LIMIT_SECONDS} s without it")
    config.addinivalue_line("markers", "managed: needs .NET")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    setattr(item, "report_" + report.when, report)


@pytest.fixture(scope="session")
def tree():
    found = Tree()
    assert found.umh.exists(), f"no {found.umh}: run `make build` first"
    if found.sanitizer == "thread":
        known = ROOT / "tests" / "support" / "tsan.suppressions"
        os.environ["TSAN_OPTIONS"] = f"{os.environ.get('TSAN_OPTIONS', '')}:suppressions={known}"
    return found


@pytest.fixture(autouse=True)
def time_limit(request, tree):
    """The end of a test that hangs; what it started is ended by its fixtures."""
    marker = request.node.get_closest_marker("limit")
    seconds = (marker.args[0] if marker else LIMIT_SECONDS) * tree.slowness

    def give_up(number, frame):
        pytest.fail(f"not done within {seconds} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def needs_managed(request, tree):
    if request.node.get_closest_marker("managed") and not tree.has_managed:
        if os.environ.get("CI") == "true":
            pytest.fail("the managed parts are absent")
        pytest.skip("the managed parts are absent")


@pytest.fixture
def make_runner(request, tree):
    """Systems that end with the test."""
    made = []

    def make(**keys):
        made.append(Runner(tree, **keys))
        return made[-1]

    yield make
    call = getattr(request.node, "report_call", None)
    errors = []
    for runner in made:
        try:
            runner.close(is_ok=call is not None and not call.failed)
        except AssertionError as error:
            errors.append(str(error))
    if errors:
        pytest.fail("\n".join(errors), pytrace=False)


@pytest.fixture
def runner(make_runner):
    return make_runner()
