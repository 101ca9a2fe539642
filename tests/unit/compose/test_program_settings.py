"""What a service's programs may do and take: from the file's words to the container's specification."""

from collections.abc import Callable
from pathlib import Path

import pytest

from compose.deciding.fingerprint import changes
from compose.deciding.replica import Replica
from compose.deciding.translate import container_spec
from compose.errors import FileError
from compose.model import Stack
from engine.images.model import Image, ImageConfig
from engine.spec import (
    BlockLimit,
    BlockLimits,
    Confinement,
    ContainerSpec,
    Device,
    Limits,
    Namespaces,
    ResourceLimit,
)

Read = Callable[..., Stack]
Problems = Callable[..., str]

EVERYTHING = """
services:
  web:
    image: x
    privileged: true
    security_opt:
      - no-new-privileges:true
      - seccomp:unconfined
      - systempaths=unconfined
      - mask=/a:/b
      - unmask=/proc/kcore
    group_add: [audio, 1000]
    devices:
      - /dev/fuse
      - /dev/sda:/dev/xvda:r
      - {source: /dev/snd, target: /dev/sound, permissions: rw}
    device_cgroup_rules: ["c 13:* rwm"]
    sysctls: [net.core.somaxconn=1024, net/ipv4/ip_forward=1]
    ulimits:
      nproc: 65535
      nofile: {soft: 20000, hard: -1}
    oom_score_adj: -5
    cgroup_parent: /shop
    mem_limit: 64m
    mem_reservation: 32m
    memswap_limit: 128m
    mem_swappiness: 10
    cpu_shares: 512
    cpu_quota: 50000
    cpu_period: 20000
    cpuset: 0-1,3
    blkio_config:
      weight: 300
      weight_device: [{path: /dev/sda, weight: 400}]
      device_read_bps: [{path: /dev/sda, rate: 12mb}]
      device_write_iops: [{path: /dev/sda, rate: 30}]
    tty: false
"""


def spec_of(stack: Stack, name: str = "web") -> ContainerSpec:
    config = ImageConfig(command=("run",))
    image = Image(id="sha256:1", created_ns=0, architecture="amd64", config=config, layers=("l",))
    return container_spec(stack, Replica(stack.services[name], 1, 1), image, "x", container_id="ab" * 32)


def test_everything_arrives_in_the_specification(read: Read) -> None:
    spec = spec_of(read(EVERYTHING))
    assert spec.confinement == Confinement(
        privileged=True,
        no_new_privileges=True,
        seccomp="unconfined",
        unmasked=True,
        mask=("/a", "/b"),
        unmask=("/proc/kcore",),
        devices=(
            Device(source="/dev/fuse", target="/dev/fuse"),
            Device(source="/dev/sda", target="/dev/xvda", permissions="r"),
            Device(source="/dev/snd", target="/dev/sound", permissions="rw"),
        ),
        device_rules=("c 13:* rwm",),
    )
    assert spec.process.groups == ("audio", "1000")
    assert spec.sysctls == {"net.core.somaxconn": "1024", "net/ipv4/ip_forward": "1"}
    assert spec.resource_limits == (
        ResourceLimit(name="nproc", soft=65535, hard=65535),
        ResourceLimit(name="nofile", soft=20000, hard=-1),
    )
    assert spec.oom_score_adjustment == -5
    assert spec.cgroup_parent == "/shop"
    assert spec.limits == Limits(
        memory_bytes=64 << 20,
        memory_reservation_bytes=32 << 20,
        swap_bytes=128 << 20,
        swappiness=10,
        cpu_shares=512,
        cpu_quota_us=50000,
        cpu_period_us=20000,
        cpuset="0-1,3",
        block=BlockLimits(
            weight=300,
            weight_device=(BlockLimit(path="/dev/sda", value=400),),
            read_bytes=(BlockLimit(path="/dev/sda", value=12 << 20),),
            write_operations=(BlockLimit(path="/dev/sda", value=30),),
        ),
    )


def test_nothing_said_leaves_the_engines_defaults(read: Read) -> None:
    spec = spec_of(read("services: {web: {image: x}}"))
    assert spec.confinement == Confinement()
    assert spec.limits == Limits()
    assert (spec.resource_limits, spec.sysctls, spec.oom_score_adjustment, spec.cgroup_parent) == ((), {}, None, "")


def test_a_reservation_may_stand_below_deploy(read: Read) -> None:
    text = "services: {web: {image: x, deploy: {resources: {reservations: {memory: 20M}}}}}"
    assert spec_of(read(text)).limits == Limits(memory_reservation_bytes=20 << 20)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("security_opt: [no-new-privs]", "security_opt[0] has the unknown option 'no-new-privs'"),
        ("security_opt: [seccomp]", "security_opt[0] does not say what seccomp should be"),
        ("security_opt: ['no-new-privileges:yes']", "security_opt[0] has 'yes' where true or false belongs"),
        ("devices: [fuse]", "devices[0] names a path that is not absolute"),
        ("devices: ['/dev/a:/dev/b:rx']", "devices[0] has the permissions 'rx'"),
        ("devices: [a.com/b=c]", "devices[0]: 'a.com/b=c' is a name of CDI, which is not supported yet"),
        ("device_cgroup_rules: [c 13]", "device_cgroup_rules[0] is no rule"),
        ("sysctls: {vm.swappiness: 1}", "sysctls: vm.swappiness is the host's, not a container's own"),
        ("sysctls: {net/../kernel/core_pattern: 1}", "sysctls: net/../kernel/core_pattern is the host's"),
        (
            "{network_mode: host, sysctls: {net.core.somaxconn: 1}}",
            "sysctls: net.core.somaxconn belongs to the network, which is the host's here",
        ),
        ("ulimits: {nofiles: 5}", "ulimits: there is no limit 'nofiles'"),
        ("ulimits: {nofile: {soft: 5, hard: 4}}", "ulimits.nofile has a soft limit above the hard one"),
        ("ulimits: {nofile: -2}", "ulimits.nofile is less than -1"),
        ("memswap_limit: 5m", "memswap_limit stands without mem_limit"),
        ("{mem_limit: 5m, memswap_limit: 4m}", "memswap_limit is less than mem_limit"),
        ("{mem_limit: 5m, mem_reservation: 6m}", "mem_reservation is more than mem_limit"),
        ("mem_swappiness: 101", "mem_swappiness cannot be 101"),
        ("{cpus: 1, cpu_quota: 5000}", "cpu_quota and cpus both say how much of the processors there is"),
        ("cpu_period: 5", "cpu_period cannot be 5"),
        ("cpuset: a", "cpuset cannot be 'a'"),
        ("blkio_config: {weight: 5}", "blkio_config: the weight 5"),
        ("cgroup_parent: ../x", "cgroup_parent leads out of its hierarchy"),
        ("use_api_socket: true", "use_api_socket cannot be"),
    ],
)
def test_what_cannot_be_is_refused_in_its_place(problems: Problems, setting: str, message: str) -> None:
    several = setting[1:-1] if setting.startswith("{") else setting
    said = problems(f"services: {{web: {{image: x, {several}}}}}\n")
    assert f"services.web.{message}" in said, said
    assert said.startswith("compose.yaml:1:")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("cpu_count: 2", "services.web.cpu_count has no effect: it is for Windows"),
        ("isolation: hyperv", "services.web.isolation has no effect: it is for Windows"),
        ("runtime: runc", "services.web.runtime has no effect: windlass is its own runtime"),
        ("gpus: all", "services.web.gpus has no effect: windlass has no drivers of GPUs"),
        ("cpu_rt_runtime: 5", "services.web.cpu_rt_runtime has no effect: windlass hands no real-time shares down"),
        ("models: [m]", "services.web.models has no effect: windlass runs no models"),
        (
            "deploy: {resources: {reservations: {cpus: 1}}}",
            "services.web.deploy.resources.reservations: cpus has no effect on a single host",
        ),
        ("security_opt: [label=type:x]", "services.web.security_opt: windlass sets no SELinux labels"),
    ],
)
def test_what_this_kind_of_host_has_not_is_told_once(read: Read, setting: str, message: str) -> None:
    stack = read(f"services: {{web: {{image: x, {setting}}}}}\nmodels: {{m: {{model: ai/m}}}}\n")
    assert [warning.message for warning in stack.warnings] == [message]
    assert stack.obstacles == ()


def test_another_runtime_is_refused(problems: Problems) -> None:
    said = problems("services: {web: {image: x, runtime: nvidia}}")
    assert "services.web: the runtime 'nvidia' is not supported yet" in said


def test_a_profile_of_system_calls_is_read_from_the_projects_directory(read: Read, tmp_path: Path) -> None:
    text = "services: {web: {image: x, security_opt: ['seccomp=./profile.json']}}"
    with pytest.raises(FileError, match=r"the seccomp profile ./profile.json cannot be read: No such file"):
        spec_of(read(text))
    (tmp_path / "profile.json").write_text('{"defaultAction": "SCMP_ACT_ALLOW"}')
    assert spec_of(read(text)).confinement.seccomp == '{"defaultAction": "SCMP_ACT_ALLOW"}'
    (tmp_path / "profile.json").write_text('{"defaultAction": "ALLOW"}')
    with pytest.raises(FileError, match=r"./profile.json is no seccomp profile: Invalid enum value 'ALLOW'"):
        spec_of(read(text))


def test_changes_are_told_in_the_files_words(read: Read) -> None:
    bare = spec_of(read("services: {web: {image: x}}"))
    chosen = "{image: x, privileged: true, sysctls: {net.a: 1}, mem_reservation: 1m}"
    assert changes(bare, spec_of(read(f"services: {{web: {chosen}}}"))) == (
        "mem_reservation changed: None -> 1048576",
        "privileged changed: False -> True",
        "sysctls.net.a added: '1'",
    )


MODES = """
services:
  app: {image: x, container_name: main}
  one: {image: x, pid: "service:app", ipc: "container:main"}
  two: {image: x, pid: host, ipc: host, uts: host, cgroup: host, userns_mode: host, network_mode: host}
  three: {image: x, ipc: shareable, cgroup: private}
"""


def test_namespaces_are_the_hosts_or_those_of_a_container(read: Read) -> None:
    stack = read(MODES)
    assert spec_of(stack, "one").namespaces == Namespaces(pid="container:main", ipc="container:main")
    assert spec_of(stack, "two").namespaces == Namespaces(
        network="host", pid="host", ipc="host", uts="host", cgroup="host", user="host"
    )
    assert spec_of(stack, "three").namespaces == Namespaces()
    assert [(each.service, each.restart) for each in stack.services["one"].depends_on] == [("app", True)]


def test_naming_a_container_is_depending_on_its_service(read: Read) -> None:
    stack = read("services:\n  a: {image: x, container_name: main}\n  b: {image: x, ipc: 'container:main'}\n")
    assert [(each.service, each.restart) for each in stack.services["b"].depends_on] == [("a", True)]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("pid: 'container:other'", "pid: sharing with a container of another stack is not supported yet"),
        ("pid: 'service:web'", "pid is its own"),
        ("pid: hosts", "pid cannot be 'hosts'"),
        ("ipc: 'service:closed'", "ipc: services.closed keeps its shared memory to itself (ipc: private)"),
        ("userns_mode: keep-id", "userns_mode cannot be 'keep-id'"),
    ],
)
def test_namespaces_that_cannot_be_shared_are_refused(problems: Problems, setting: str, message: str) -> None:
    said = problems(f"services:\n  web: {{image: x, {setting}}}\n  closed: {{image: x, ipc: private}}\n")
    assert f"services.web.{message}" in said, said


def test_a_name_of_its_own_contradicts_the_hosts_names(problems: Problems) -> None:
    said = problems("services: {web: {image: x, uts: host, hostname: h}}")
    assert "services.web has a hostname, but the host's names (uts: host)" in said
