from collections.abc import Callable

import pytest

from compose.model import Mount, Port, Stack

Read = Callable[..., Stack]
Problems = Callable[..., str]
AT_ONCE = "which changes nothing: on Linux container and host see the same files at once"


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("3000-3002", [Port(target=3000), Port(target=3001), Port(target=3002)]),
        ("9090-9091:8080-8081", [Port(target=8080, published="9090"), Port(target=8081, published="9091")]),
        ("8000-8005:80", [Port(target=80, published="8000-8005")]),
        ("127.0.0.1::90", [Port(target=90, host_ip="127.0.0.1")]),
        ("[::1]:6000:6000/udp", [Port(target=6000, published="6000", host_ip="::1", protocol="udp")]),
        ("0:80", [Port(target=80)]),
    ],
)
def test_ports_have_a_short_form(read: Read, text: str, ports: list[Port]) -> None:
    stack = read(f"services: {{a: {{image: x, ports: ['{text}']}}}}\n")
    assert list(stack.services["a"].ports) == ports


def test_an_unquoted_port_is_no_number_of_base_sixty(read: Read) -> None:
    stack = read("services:\n  a:\n    image: x\n    ports:\n      - 22:22\n")
    assert stack.services["a"].ports == (Port(target=22, published="22"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("80-81:80-82", "leads 2 host ports to 3 container ports; the ranges must be equally long"),
        ("localhost:80:80", "has 'localhost' where the address of a host interface is expected"),
        ("65536", "has the port 65536, but ports end at 65535"),
        ("80-79", "has the range '80-79', which ends before it begins"),
        ("80/foo", "has the protocol 'foo', which is none of tcp, udp, sctp"),
        ("80:", "names no container port: '80:'"),
        ("0", "has the container port 0, but ports begin at 1"),
        ("1.2.3.4:80", "has '1.2.3.4' where a port or a range of ports is expected"),
    ],
)
def test_wrong_ports_are_explained(problems: Problems, text: str, message: str) -> None:
    told = problems(f"services: {{a: {{image: x, ports: ['{text}']}}}}\n")
    assert told.splitlines()[0] == f"compose.yaml:1:34: services.a.ports[0] {message}"


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("/anon", Mount(type="volume", target="/anon")),
        ("v:/a/../b/", Mount(type="volume", source="v", target="/b")),
        ("v:/v:ro,nocopy", Mount(type="volume", source="v", target="/v", read_only=True, no_copy=True)),
        ("~/x:/h:ro,z", Mount(type="bind", source="/home/me/x", target="/h", read_only=True)),
        ("~:/h", Mount(type="bind", source="/home/me", target="/h")),
        ("/a:/b:ro,rw", Mount(type="bind", source="/a", target="/b")),
    ],
)
def test_mounts_have_a_short_form(read: Read, text: str, mount: Mount) -> None:
    stack = read(f"services: {{a: {{image: x, volumes: ['{text}']}}}}\nvolumes: {{v: }}\n")
    assert stack.services["a"].mounts == (mount,)


def test_mounts_have_a_long_form(read: Read) -> None:
    stack = read("""
services:
  a:
    image: x
    volumes:
      - {type: bind, source: /s, target: /t, bind: {create_host_path: false}}
      - {type: volume, source: v, target: /v, volume: {nocopy: true}}
      - {type: tmpfs, target: /tmp, tmpfs: {size: 10m, mode: 0700}}
volumes: {v: }
""")
    assert stack.services["a"].mounts == (
        Mount(type="bind", source="/s", target="/t", create_host_path=False),
        Mount(type="volume", source="v", target="/v", no_copy=True),
        Mount(type="tmpfs", target="/tmp", tmpfs_size_bytes=10485760, tmpfs_mode=0o700),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (":/b", "has nothing before, behind or between its colons: ':/b'"),
        ("/a:/b:ro:rw", "has more than three parts between colons: '/a:/b:ro:rw'"),
        ("data", "has the target 'data', which is no absolute path"),
    ],
)
def test_wrong_mounts_are_explained(problems: Problems, text: str, message: str) -> None:
    told = problems(f"services: {{a: {{image: x, volumes: ['{text}']}}}}\n")
    assert told.splitlines()[0] == f"compose.yaml:1:36: services.a.volumes[0] {message}"


def test_tmpfs_takes_the_options_of_mount(read: Read, problems: Problems) -> None:
    stack = read("services: {a: {image: x, tmpfs: [/a, '/b:size=1m,mode=700,exec,ro']}}\n")
    assert stack.services["a"].mounts == (
        Mount(type="tmpfs", target="/a"),
        Mount(
            type="tmpfs",
            target="/b",
            read_only=True,
            tmpfs_size_bytes=1048576,
            tmpfs_mode=0o700,
            tmpfs_executable=True,
        ),
    )
    assert problems("services: {a: {image: x, tmpfs: '/a:huge=always'}}\n") == (
        "compose.yaml:1:33: services.a.tmpfs[0] has the option 'huge=always', which is not supported yet\n"
        "  write /target or /target:size=64m,mode=1777"
    )


def test_a_consistency_that_linux_has_anyway_is_told_once_and_the_strict_one_never(read: Read) -> None:
    mount = "{{type: bind, source: /a, target: {0}, consistency: {1}}}"
    mounts = ", ".join((mount.format("/b", "delegated"), mount.format("/c", "consistent"), "'/a:/d:consistent'"))
    stack = read(f"services: {{a: {{image: x, volumes: [{mounts}]}}}}\n")
    assert tuple(map(str, stack.warnings)) == (
        f"compose.yaml:1:86: services.a.volumes[0].consistency is 'delegated', {AT_ONCE}",
    )


def test_ports_have_two_modes_that_are_one_here_and_descriptions(read: Read) -> None:
    port = "{{target: {0}, mode: {1}, name: web, app_protocol: http}}"
    ports = ", ".join((port.format(80, "host"), port.format(81, "ingress"), port.format(82, "global")))
    stack = read(f"services: {{a: {{image: x, ports: [{ports}]}}}}\n")
    assert tuple(map(str, stack.warnings)) == (
        "compose.yaml:1:170: services.a.ports[2].mode is 'global', which changes nothing",
    )


def test_a_missing_bind_source_is_made_unless_the_file_forbids_it(read: Read) -> None:
    long = "{{type: bind, source: /a, target: {0}, bind: {{{1}}}}}"
    forbidden, asked = "create_host_path: false", "create_host_path: true"
    mounts = ", ".join(("/a:/b", long.format("/c", ""), long.format("/d", forbidden), long.format("/e", asked)))
    stack = read(f"services: {{a: {{image: x, volumes: [{mounts}]}}}}\n")
    assert [mount.create_host_path for mount in stack.services["a"].mounts] == [True, True, False, True]


def test_mount_options_without_effect_are_told(read: Read) -> None:
    stack = read("services: {a: {image: x, volumes: ['/a:/b:cached,foo']}}\n")
    assert tuple(map(str, stack.warnings)) == (
        "compose.yaml:1:36: the mount '/a:/b:cached,foo' has the unknown option 'foo', which changes nothing",
        f"compose.yaml:1:36: the mount '/a:/b:cached,foo' has the option 'cached', {AT_ONCE}",
    )
    stack = read("services: {a: {image: x, volumes: ['/a:/b:nocopy', 'vo:/c:shared,z']}}\nvolumes: {vo: }\n")
    assert tuple(map(str, stack.warnings)) == (
        "compose.yaml:1:36: the mount '/a:/b:nocopy' has the option 'nocopy', which does nothing on a bind mount",
        "compose.yaml:1:52: the mount 'vo:/c:shared,z' has the option 'shared', which does nothing on a volume",
    )
    long = "{type: bind, source: /a, target: /b, bind: {}, volume: {nocopy: true}}"
    tmpfs = "{type: tmpfs, source: x, target: /t, tmpfs: {size: 1m}}"
    stack = read(f"services: {{a: {{image: x, volumes: [{long}, {tmpfs}]}}}}\n")
    assert tuple(map(str, stack.warnings)) == (
        "compose.yaml:1:91: services.a.volumes[0].volume does nothing on a mount of type bind",
        "compose.yaml:1:130: services.a.volumes[1].source does nothing on a mount of type tmpfs",
    )
    assert read("services: {a: {image: x, volumes: ['/a:/b:rshared']}}\n").services["a"].mounts == (
        Mount(type="bind", source="/a", target="/b", propagation="rshared"),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v:/c", ("volume", "v", "/c")),
        ("v:/c:ro", ("volume", "v", "/c")),
        ("c:/x:/y", ("bind", "c:/x", "/y")),
        ("C:\\x:/c:ro", ("bind", "C:\\x", "/c")),
        ("\\\\.\\pipe:/c", ("bind", "\\\\.\\pipe", "/c")),
    ],
)
def test_a_letter_before_a_colon_is_a_volume_if_there_is_one_else_a_drive_of_windows(
    read: Read, text: str, expected: tuple[str, str, str]
) -> None:
    stack = read(f"services: {{a: {{image: x, volumes: ['{text}']}}}}\nvolumes: {{v: }}\n")
    assert [(mount.type, mount.source, mount.target) for mount in stack.services["a"].mounts] == [expected]
    warned = [str(warning) for warning in stack.warnings]
    said = f"compose.yaml:1:36: '{text}' mounts the volume 'v'; Compose takes it for a path of Windows"
    assert warned == ([said] if expected[0] == "volume" else [])


def test_a_drive_without_a_target_is_no_place_in_a_container(problems: Problems) -> None:
    assert problems("services: {a: {image: x, volumes: ['a:/a']}}\n") == (
        "compose.yaml:1:36: services.a.volumes[0] has the target 'a:/a', which is no absolute path\n"
        "  begin it with /; a source before it is ./path, or a volume that stands below the file's `volumes:`"
    )
