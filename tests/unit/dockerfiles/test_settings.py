import pytest

from engine.dockerfiles.dockerfile import parse_dockerfile
from engine.dockerfiles.problems import Mistake
from engine.dockerfiles.settings import Given, Settings, after
from engine.images.model import ImageConfig, ImageHealth


def settings_after(text: str, base: ImageConfig | None = None, **arguments: str) -> Settings:
    dockerfile = parse_dockerfile(f"FROM scratch\n{text}", "Dockerfile")
    settings = Settings(base or ImageConfig())
    given = Given(arguments, {"TARGETARCH": "amd64", "GLOBAL": "g"})
    for instruction in dockerfile.stages[0].instructions:
        settings = after(instruction, settings, given)
    return settings


def test_every_setting_reaches_the_configuration() -> None:
    config = settings_after(
        "ENV A=1 B=${A}x\nENV C=${A}x\nLABEL l=$A\nWORKDIR /srv\nWORKDIR app/../lib\nUSER app\n"
        "EXPOSE 80 53/UDP 8000-8001\n"
        'VOLUME /data\nSTOPSIGNAL quit\nSHELL ["/bin/bash", "-c"]\nCMD run me\nHEALTHCHECK --retries=2 CMD ["x"]'
    ).config

    assert config == ImageConfig(  # noqa: S604 -- the shell of an image, not of a subprocess
        environment={"A": "1", "B": "x", "C": "1x"},
        command=("/bin/bash", "-c", "run me"),
        working_directory="/srv/lib",
        user="app",
        labels={"l": "1"},
        exposed_ports=("80/tcp", "53/udp", "8000/tcp", "8001/tcp"),
        volumes=("/data",),
        stop_signal="SIGQUIT",
        shell=("/bin/bash", "-c"),
        health=ImageHealth(argv=("CMD", "x"), retries=2),
    )


def test_an_entrypoint_drops_the_base_images_command_but_not_the_stages_own() -> None:
    base = ImageConfig(command=("base",))

    assert settings_after('ENTRYPOINT ["/x"]', base).config.command == ()
    assert settings_after('CMD ["own"]\nENTRYPOINT ["/x"]', base).config.command == ("own",)


def test_arguments_come_from_the_user_then_the_default_then_the_files_beginning() -> None:
    settings = settings_after("ARG A=1\nARG B=1\nARG C\nARG GLOBAL\nARG TARGETARCH\nARG D=$A-$B", A="user")

    assert settings.arguments == {"A": "user", "B": "1", "GLOBAL": "g", "TARGETARCH": "amd64", "D": "user-1"}


def test_an_environment_variable_wins_over_an_argument() -> None:
    assert settings_after("ENV A=env\nARG A=arg\nLABEL l=$A").config.labels == {"l": "env"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("EXPOSE http", "'http' is no port"),
        ("EXPOSE 70000", "'70000' is no port"),
        ("EXPOSE 80/icmp", "'80/icmp' is no port"),
        ("STOPSIGNAL SIGNOTHING", "there is no signal SIGNOTHING"),
        ("STOPSIGNAL 99", "there is no signal 99"),
    ],
)
def test_senseless_values_are_refused(text: str, reason: str) -> None:
    with pytest.raises(Mistake, match=reason):
        settings_after(text)
