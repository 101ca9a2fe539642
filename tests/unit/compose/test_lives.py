"""How a service's containers live, from the file's words to the specification."""

from collections.abc import Callable
from pathlib import Path

import pytest

from compose.deciding.translate_lives import log_options, restart_policy, storage_bytes
from compose.decoding.lives import same_platform
from compose.doing.images import choose_images
from compose.errors import FileError
from compose.model import Stack
from engine.images.model import Image, ImageConfig, Origin
from engine.spec import LogOptions, RestartPolicy

Read = Callable[..., Stack]
HEAD = "services:\n  web:\n    image: bb\n"
IMAGE = Image(id="sha256:1", created_ns=0, architecture="amd64", config=ImageConfig(command=("x",)), layers=())


def _refused(stack: Stack, image: Image | None) -> list[str]:
    try:
        choose_images(stack, stack.services.values(), lambda _name: image)
    except FileError as error:
        return [problem.message for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("logging", "expected"),
    [
        ("{}", LogOptions()),
        ("{driver: json-file, options: {max-size: 1m, max-file: '3'}}", LogOptions(max_bytes=1 << 20, max_files=3)),
        ("{driver: local, options: {max-size: 512k}}", LogOptions(max_bytes=512 << 10)),
        ("{options: {max-size: '-1', max-file: 1}}", LogOptions(max_bytes=0, max_files=1)),
        ("{driver: none}", LogOptions(kept=False)),
    ],
)
def test_logging_says_how_output_is_kept(read: Read, logging: str, expected: LogOptions) -> None:
    assert log_options(read(f"{HEAD}    logging: {logging}\n").services["web"].logging) == expected


def test_a_driver_that_leads_elsewhere_is_warned_of_once(read: Read) -> None:
    stack = read(HEAD + "    logging: {driver: syslog, options: {syslog-address: 'udp://1.2.3.4'}}\n")
    assert [(each.place.line, each.message) for each in stack.warnings] == [
        (4, "services.web.logging: windlass has no driver 'syslog'; it keeps the logs itself")
    ]
    assert log_options(stack.services["web"].logging) == LogOptions()


def test_wrong_logging_is_refused(problems: Callable[..., str]) -> None:
    assert problems(HEAD + "    logging: {options: {max-size: big, max-file: 0, max-sise: 1m}}\n") == (
        "compose.yaml:4:35: services.web.logging.options.max-size is no size: 'big'\n"
        "  write a size such as 10m, or -1\n"
        "compose.yaml:4:50: services.web.logging.options.max-file cannot be '0'\n"
        "  write a number from 1 to 1000\n"
        "compose.yaml:4:63: services.web.logging has no option 'max-sise'\n"
        "  the options are max-size and max-file"
    )
    assert "the driver 'loki' is not supported yet" in problems(HEAD + "    logging: {driver: loki}\n")


def test_the_deployments_restart_policy_is_stronger_than_restart(read: Read) -> None:
    text = HEAD + "    restart: always\n    deploy: {restart_policy: {%s}}\n"
    service = read(text % "condition: on-failure, delay: 5s, max_attempts: 3, window: 2m").services["web"]
    assert restart_policy(service.restart, service.restart_policy) == RestartPolicy(
        condition="on-failure", max_retries=3, delay_seconds=5.0, window_seconds=120.0
    )
    service = read(text % "delay: 1s").services["web"]
    assert restart_policy(service.restart, service.restart_policy) == RestartPolicy(
        condition="always", delay_seconds=1.0
    )
    service = read(text % "condition: none").services["web"]
    assert restart_policy(service.restart, service.restart_policy) == RestartPolicy()


def test_what_makes_sense_on_several_hosts_is_one_warning(read: Read) -> None:
    deploy = "{mode: global, endpoint_mode: vip, placement: {constraints: [a==b]}, labels: {a: b}}"
    assert [each.message for each in read(f"{HEAD}    deploy: {deploy}\n").warnings] == [
        "services.web.deploy: endpoint_mode, placement, labels have no effect on a single host"
    ]
    assert read(HEAD + "    deploy: {mode: replicated}\n").warnings == ()


def test_label_files_lie_below_the_services_own_labels(read: Read, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("A=1\nB=1\nC=1\n")
    (tmp_path / "two").write_text("B=2\nC=2\n")
    stack = read(HEAD + "    label_file: [./one, ./two]\n    labels: {C: 3}\n")
    assert stack.services["web"].labels == {"A": "1", "B": "2", "C": "3"}


def test_a_missing_label_file_is_told(problems: Callable[..., str], tmp_path: Path) -> None:
    said = problems(HEAD + "    label_file: ./none\n")
    assert said.startswith(f"compose.yaml:4:17: the label file {tmp_path}/none does not exist")


@pytest.mark.parametrize("wanted", ["linux/amd64", "amd64", "linux/x86_64", "linux/amd64/v2", "LINUX/AMD64", "linux"])
def test_platforms_of_this_machine(wanted: str) -> None:
    assert same_platform(wanted, "linux/amd64")


@pytest.mark.parametrize("wanted", ["linux/arm64", "arm64", "windows/amd64", "linux/386"])
def test_platforms_of_other_machines(wanted: str) -> None:
    assert not same_platform(wanted, "linux/amd64")


def test_another_platform_is_an_obstacle_and_an_empty_one_is_none(read: Read) -> None:
    stack = read(HEAD + "    platform: linux/s390x\n")
    assert [problem.place.line for problem in stack.obstacles] == [4]
    assert read(HEAD + '    platform: ""\n').obstacles == ()


def _pulled(stack: Stack, image: Image | None, origin: Origin | None = None, now_ns: int = 0) -> str:
    choices = choose_images(
        stack, stack.services.values(), lambda _name: image, origin=lambda _name: origin, now_ns=now_ns
    )
    need = choices["web"].need
    return need.cause if need and need.pull else ""


def test_what_is_missing_is_pulled_unless_the_policy_forbids_it(read: Read) -> None:
    for policy in ("missing", "if_not_present", "daily", "weekly", "every_12h", "refresh"):
        stack = read(f"{HEAD}    pull_policy: {policy}\n")
        assert not _pulled(stack, IMAGE)
        assert _pulled(stack, None) == "not here yet"
    never = read(HEAD + "    pull_policy: never\n")
    assert not _pulled(never, IMAGE)
    assert _refused(never, None) == ["image bb is not here, and the pull policy `never` forbids to get it"]


def test_the_policy_always_pulls_what_is_here_too(read: Read) -> None:
    assert _pulled(read(HEAD + "    pull_policy: always\n"), IMAGE) == "pull policy: always"


def test_a_policy_with_an_age_pulls_what_was_checked_longer_ago(read: Read) -> None:
    day_ns = 86_400 * 10**9
    origin = Origin(digest="sha256:1", checked_ns=5 * day_ns)
    daily, weekly = (read(f"{HEAD}    pull_policy: {policy}\n") for policy in ("daily", "weekly"))
    hours = read(HEAD + "    pull_policy: every_12h\n")
    assert not _pulled(daily, IMAGE, origin, 6 * day_ns - 1)
    assert _pulled(daily, IMAGE, origin, 6 * day_ns) == "pull policy: daily"
    assert not _pulled(weekly, IMAGE, origin, 12 * day_ns - 1)
    assert _pulled(weekly, IMAGE, origin, 12 * day_ns) == "pull policy: weekly"
    assert _pulled(hours, IMAGE, origin, 5 * day_ns + day_ns // 2) == "pull policy: every_12h"
    assert not _pulled(daily, IMAGE, None, 100 * day_ns)
    refresh = read(HEAD + "    pull_policy: refresh\n    pull_refresh_after: 36h\n")
    assert not _pulled(refresh, IMAGE, origin, 6 * day_ns)
    assert _pulled(refresh, IMAGE, origin, 7 * day_ns) == "pull policy: every_36h"


def test_nobody_can_build_without_saying_how(read: Read) -> None:
    assert _refused(read(HEAD + "    pull_policy: build\n"), IMAGE) == [
        "services.web.pull_policy is build, but nothing says how to build bb"
    ]


def test_the_policy_build_builds_each_time(read: Read) -> None:
    stack = read(HEAD + "    build: .\n    pull_policy: build\n")
    need = choose_images(stack, stack.services.values(), lambda _name: IMAGE)["web"].need
    assert need is not None
    assert (need.builder, need.cause) == ("web", "pull_policy: build")


def test_an_unknown_policy_is_refused(problems: Callable[..., str]) -> None:
    assert "pull_policy cannot be 'sometimes'" in problems(HEAD + "    pull_policy: sometimes\n")
    assert "pull_policy" in problems(HEAD + "    pull_policy: every_moon\n")


def test_annotations_shm_and_attach_are_kept(read: Read) -> None:
    service = read(HEAD + "    annotations: [a=b]\n    shm_size: 128m\n    attach: false\n").services["web"]
    assert (service.annotations, service.shm_size_bytes, service.attach) == ({"a": "b"}, 128 << 20, False)


def test_a_disk_has_a_size_and_nothing_else(read: Read, problems: Callable[..., str]) -> None:
    service = read(HEAD + "    storage_opt: {size: 1g}\n").services["web"]
    assert storage_bytes(service.storage_opt) == 1 << 30
    assert storage_bytes({}) is None
    assert "is too small for a disk" in problems(HEAD + "    storage_opt: {size: 1m}\n")
    assert "is no size: 'big'" in problems(HEAD + "    storage_opt: {size: big}\n")
    assert "storage_opt.fsuuid is not supported yet" in problems(HEAD + "    storage_opt: {fsuuid: x}\n")


def test_what_gets_unhealthy_is_started_again_if_the_file_says_so(read: Read, problems: Callable[..., str]) -> None:
    assert read(HEAD).services["web"].on_unhealthy == ""
    assert read(f"{HEAD}    x-on-unhealthy: restart\n").services["web"].on_unhealthy == "restart"
    assert problems(f"{HEAD}    x-on-unhealthy: explode\n") == (
        "compose.yaml:4:21: services.web.x-on-unhealthy cannot be 'explode'\n  use restart, or ignore"
    )
