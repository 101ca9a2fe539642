"""What every ring of tests shares: roots of their own, and the promise that nothing is left behind."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from engine.layout import Layout
from tests.leaks import Territory, footprint, leaked_since

RINGS_OF_ROOT = ("kernel", "stacks")

settings.register_profile("everyday", deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "everyday"))


def _ring(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).parts[0]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that need root are skipped without it; the summary says so aloud."""
    missing = pytest.mark.skip(reason="needs root")
    for item in items:
        if _ring(item) in RINGS_OF_ROOT:
            item.add_marker(pytest.mark.root)
        if item.get_closest_marker("root") and os.geteuid() != 0:
            item.add_marker(missing)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report for report in terminalreporter.stats.get("skipped", ()) if "needs root" in str(report.longrepr)]
    if skipped:
        terminalreporter.section("NOT TESTED", sep="!", red=True, bold=True)
        terminalreporter.line(f"{len(skipped)} tests of real containers were SKIPPED: they need root.", red=True)
        terminalreporter.line("Run `sudo make test` on a machine that you can spare.", red=True)


@pytest.fixture
def roots() -> Iterator[Layout]:
    """An installation of the test's own. Its path is short, because Unix sockets lie below it."""
    base = Path(tempfile.mkdtemp(prefix="wl-"))
    layout = Layout(run=base / "run", data=base / "data")
    layout.run.mkdir(mode=0o700)
    layout.data.mkdir(mode=0o700)
    yield layout
    shutil.rmtree(base)


@pytest.fixture
def territory(roots: Layout) -> Territory:
    """What the leak check takes for this test's own; a test adds the names that it gives out itself."""
    return Territory(run=roots.run, data=roots.data)


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test that needs root: no process, mount, interface, rule, cgroup, FIFO or file of it remains."""
    if request.node.get_closest_marker("root") is None:
        yield
        return
    territory: Territory = request.getfixturevalue("territory")
    before = footprint(territory)
    yield
    leaked = leaked_since(before, territory)
    assert not leaked, "left behind:\n  " + "\n  ".join(leaked)
