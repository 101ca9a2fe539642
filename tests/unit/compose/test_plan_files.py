"""Plans that are kept in files."""

from pathlib import Path

import pytest

from compose.deciding.choices import ImageChoice
from compose.deciding.observed import Observed
from compose.deciding.options import Options
from compose.deciding.plan import plan
from compose.deciding.wanted import wanted_stack
from compose.errors import StackError, UsageError
from compose.showing.plan_files import read_plan, require_unchanged, write_plan
from tests.unit.compose.planning import IMAGE, World, service, stack, up, wanted


def kept(path: Path, **environment: str) -> None:
    write_plan(path, up(stack(service("web", environment=environment)), World()), "/p", Options(), build=False)


def test_a_plan_holds_while_the_same_would_be_decided_whatever_ids_are_drawn(tmp_path: Path) -> None:
    kept(tmp_path / "plan", A="1")
    of = stack(service("web", environment={"A": "1"}))
    images = {"web": ImageChoice(name="bb", image=IMAGE)}
    other_ids = wanted_stack(of, images, Options(), new_id=lambda: "f" * 64)

    require_unchanged(read_plan(tmp_path / "plan"), plan(other_ids, Observed()), "/p")


def test_a_plan_that_does_not_hold_says_what_differs(tmp_path: Path) -> None:
    kept(tmp_path / "plan", A="1")
    saved = read_plan(tmp_path / "plan")
    of = stack(service("web", environment={"A": "1"}), service("db"))

    with pytest.raises(StackError, match="what its containers are made of has changed"):
        require_unchanged(saved, up(stack(service("web", environment={"A": "2"})), World()), "/p")
    with pytest.raises(StackError, match=r"now: create container shop-db-1 \(new service\); now: start container"):
        require_unchanged(saved, up(of, World()), "/p")
    with pytest.raises(StackError, match="no longer: create network shop_default; no longer: create container"):
        require_unchanged(saved, up(of, World().add(wanted(of))), "/p")
    with pytest.raises(StackError, match="the plan is for stack shop of /p, not for shop of /q"):
        require_unchanged(saved, up(of, World()), "/q")


def test_a_plans_file_is_for_its_owner_and_keeps_no_secret(tmp_path: Path) -> None:
    kept(tmp_path / "plan", PASSWORD="hunter2")

    assert (tmp_path / "plan").stat().st_mode & 0o777 == 0o600
    assert "hunter2" not in (tmp_path / "plan").read_text()


@pytest.mark.parametrize("text", ["", "{}", "services: {}", '{"windlass_plan": 1}'])
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan").write_text(text)
    with pytest.raises(UsageError, match="is no plan of this version of windlass"):
        read_plan(tmp_path / "plan")
    with pytest.raises(UsageError, match="cannot read the plan"):
        read_plan(tmp_path / "none")
