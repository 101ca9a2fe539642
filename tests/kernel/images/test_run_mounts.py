"""What commands of a build get mounted, and how they are kept apart."""

import socket
from pathlib import Path

import pytest

from engine.dockerfiles.requests import NamedContext, Sandbox
from engine.errors import BuildError
from tests.kernel.images.conftest import Builder

pytestmark = pytest.mark.root


def test_a_cache_keeps_what_a_command_wrote_for_the_next_build_and_out_of_the_image(builder: Builder) -> None:
    text = "FROM localhost/bb:1\nRUN --mount=type=cache,target=/root/c cat /root/c/n; echo {} >> /root/c/n\n"
    builder.build(text.format("one"))
    image = builder.build(text.format("two"))

    assert builder.output == ["one"]
    assert len(image.layers) == 1


def test_caches_may_have_an_owner_and_a_mode_and_be_read_only(builder: Builder) -> None:
    builder.build(
        """\
        FROM localhost/bb:1
        RUN --mount=type=cache,id=x,target=/c,uid=5,gid=6,mode=0750 stat -c '%u %g %a' /c
        RUN --mount=type=cache,id=x,target=/d,ro touch /d/x 2>&1 || echo refused
        """
    )

    assert builder.output == ["5 6 750", "touch: /d/x: Read-only file system", "refused"]


def test_files_of_the_context_are_bound_without_becoming_part_of_the_image(builder: Builder) -> None:
    builder.write("src/a.txt", "one")
    builder.write("src/ignored.log", "x")
    builder.write(".dockerignore", "**/*.log\n")
    command = "ls /in; cat /in/a.txt; echo; touch /in/b 2>&1 || echo no"
    text = f"FROM localhost/bb:1\nRUN --mount=target=/in,source=src {command}\n"
    image = builder.build(text)
    assert builder.output == ["a.txt", "one", "touch: /in/b: Read-only file system", "no"]
    assert len(image.layers) == 1

    builder.build(text)
    assert builder.steps[0].endswith("(cached)")
    builder.write("src/a.txt", "two")
    builder.build(text)
    assert builder.steps[0].endswith("(src/a.txt changed)")


def test_a_single_file_may_be_bound(builder: Builder) -> None:
    builder.write("list", "content\n")
    image = builder.build("FROM localhost/bb:1\nRUN --mount=target=/tmp/list,source=list cat /tmp/list\n")

    assert builder.output == ["content"]
    assert len(image.layers) == 1


def test_stages_and_images_are_bound_and_writes_to_them_are_lost(builder: Builder) -> None:
    image = builder.build(
        """\
        FROM localhost/bb:1 AS made
        RUN mkdir /out && echo x > /out/f && chown 7 /out/f
        FROM localhost/bb:1
        RUN --mount=from=made,source=/out,target=/in stat -c %u /in/f
        RUN --mount=from=made,source=out,target=/in,rw echo more >> /in/f && cat /in/f
        RUN --mount=from=made,source=out,target=/in cat /in/f
        RUN --mount=from=localhost/bb:1,target=/in ls /in/bin/sh
        """
    )

    assert builder.output == ["stage 1 | 7", "stage 1 | x", "stage 1 | more", "stage 1 | x", "stage 1 | /in/bin/sh"]
    assert len(image.layers) == 1


def test_memory_is_mounted_with_its_size(builder: Builder) -> None:
    builder.build("FROM localhost/bb:1\nRUN --mount=type=tmpfs,target=/t,size=1m stat -f -c '%T %b' /t\n")

    assert builder.output == ["tmpfs 256"]


def test_secrets_are_files_or_variables_of_one_command_and_never_part_of_the_image(builder: Builder) -> None:
    text = """\
        FROM localhost/bb:1
        RUN --mount=type=secret,id=key cat /run/secrets/key && stat -c '%u %a' /run/secrets/key
        RUN --mount=type=secret,id=key,target=/k,uid=9,mode=0440 stat -c '%u %a' /k
        RUN --mount=type=secret,id=key,env=KEY echo "$KEY" && test ! -e /run/secrets/key
        RUN --mount=type=secret,id=other true
        """
    image = builder.build(text, secrets={"key": b"pssst hidden\n"})

    assert builder.output == ["pssst hidden", "0 400", "9 440", "pssst hidden"]
    assert len(image.layers) == 1
    builder.build(text, secrets={"key": b"another\n"})
    assert [step.partition(" (")[2] for step in builder.steps] == ["cached)"] * 4
    for path in builder.layout.data.rglob("*"):
        assert path.is_dir() or path.is_symlink() or b"pssst" not in path.read_bytes()


def test_a_required_secret_must_be_given(builder: Builder) -> None:
    with pytest.raises(BuildError, match=r"Dockerfile:2: RUN: the secret 'key' is not given"):
        builder.build("FROM localhost/bb:1\nRUN --mount=type=secret,id=key,required true\n")


def test_an_agents_socket_belongs_to_whom_the_command_runs_as(
    builder: Builder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("agent") / "s"
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(path))
        agent.listen()
        builder.build(
            """\
            FROM localhost/bb:1
            RUN --mount=type=ssh,uid=12 stat -c '%F %u %a' $SSH_AUTH_SOCK
            RUN --mount=type=ssh,target=/agent echo $SSH_AUTH_SOCK
            RUN --mount=type=ssh,id=other echo "<$SSH_AUTH_SOCK>"
            """,
            agents={"default": path},
        )

    assert builder.output == ["socket 12 600", "/agent", "<>"]


def test_without_a_network_there_is_loopback_alone(builder: Builder) -> None:
    text = "FROM localhost/bb:1\nRUN {}ls /sys/class/net\n"
    builder.build(text.format("--network=none "))
    assert builder.output == ["lo"]
    builder.build(text.format(""))
    assert builder.output == ["eth0", "lo"]
    builder.build(text.format(""), sandbox=Sandbox(network="none"))
    assert builder.steps == ["[1/1] RUN ls /sys/class/net (cached)"]
    builder.build(text.format(""), sandbox=Sandbox(privileged=True))
    assert builder.steps == ["[1/1] RUN ls /sys/class/net (how commands are kept apart changed)"]


def test_more_than_the_usual_has_to_be_allowed(builder: Builder) -> None:
    network = "FROM localhost/bb:1\nRUN --network=host readlink /proc/self/ns/net\n"
    insecure = "FROM localhost/bb:1\nRUN --security=insecure grep CapEff /proc/self/status\n"
    with pytest.raises(BuildError, match="the build may not use the host's network"):
        builder.build(network)
    with pytest.raises(BuildError, match="the build may run nothing insecure"):
        builder.build(insecure)

    builder.build(network, sandbox=Sandbox(entitlements=frozenset({"network.host"})))
    assert builder.output == [str(Path("/proc/self/ns/net").readlink())]
    builder.build(insecure, sandbox=Sandbox(entitlements=frozenset({"security.insecure"})))
    assert int(builder.output[0].split()[1], 16) & 1 << 21  # CAP_SYS_ADMIN of the container's own user namespace


def test_hosts_memory_and_limits_are_those_of_the_request(builder: Builder) -> None:
    from engine.spec import ResourceLimit

    builder.build(
        "FROM localhost/bb:1\nRUN grep wanted /etc/hosts; stat -f -c %b /dev/shm; ulimit -n\n",
        sandbox=Sandbox(
            hosts=(("wanted", "192.0.2.7"),),
            shm_bytes=1 << 20,
            limits=(ResourceLimit(name="nofile", soft=99, hard=99),),
        ),
    )

    assert builder.output == ["192.0.2.7\twanted", "256", "99"]


def test_named_contexts_are_directories_or_images(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "f").write_text("from elsewhere")
    image = builder.build(
        """\
        FROM base
        COPY --from=files f /copied
        RUN --mount=from=files,target=/in cat /in/f
        """,
        contexts={"files": NamedContext(directory=other), "base": NamedContext(image="localhost/bb:1")},
    )

    assert builder.find(image, "copied").read_text() == "from elsewhere"
    assert builder.output == ["from elsewhere"]


def test_a_base_image_brings_its_triggers(builder: Builder) -> None:
    builder.write("f", "content")
    base = builder.build(
        'FROM localhost/bb:1\nONBUILD COPY f /to/\nONBUILD RUN <<EOF\ncat /to/f\nEOF\nONBUILD ENV A="1 2"\n'
    )
    assert base.config.on_build == ("COPY f /to/", "RUN <<EOF\ncat /to/f\nEOF", 'ENV A="1 2"')
    builder.store.tag("localhost/triggers:1", base)
    image = builder.build("FROM localhost/triggers:1\nRUN echo $A\n")

    assert builder.output == ["content", "1 2"]
    assert image.config.on_build == ()
    assert image.config.environment["A"] == "1 2"
    assert builder.find(image, "to/f").exists()


def test_what_fails_first_ends_the_other_stages(builder: Builder) -> None:
    with pytest.raises(BuildError, match=r"Dockerfile:2: RUN exit 3: ended with status 3"):
        builder.build(
            """\
            FROM localhost/bb:1 AS bad
            RUN exit 3
            FROM localhost/bb:1 AS slow
            RUN sleep 1000
            FROM localhost/bb:1
            COPY --from=slow /bin/sh /a
            COPY --from=bad /bin/sh /b
            """
        )
