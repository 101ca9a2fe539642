import pytest

from engine.errors import ImageError
from engine.images.model import ImageConfig
from engine.versions.instructions import changed_settings

CONFIG = ImageConfig(environment={"PATH": "/bin", "A": "1"}, command=("sh",), labels={"old": "1"})


def test_only_what_instructions_change_is_named() -> None:
    found = changed_settings(
        CONFIG, ["USER app", "ENV B=$A", 'CMD ["serve", "-p", "80"]', "EXPOSE 80", "LABEL new=2", "WORKDIR srv"]
    )
    assert found == {
        "User": "app",
        "Env": ("PATH=/bin", "A=1", "B=1"),
        "Cmd": ("serve", "-p", "80"),
        "ExposedPorts": {"80/tcp": {}},
        "Labels": {"old": "1", "new": "2"},
        "WorkingDir": "/srv",
    }


def test_what_is_no_longer_there_is_none() -> None:
    assert changed_settings(CONFIG, ['ENTRYPOINT ["/run"]', "CMD []"]) == {"Entrypoint": ("/run",), "Cmd": None}
    assert changed_settings(CONFIG, ["USER root", "ENV A=1"]) == {"User": "root"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("RUN make", "only settings can be changed so"),
        ("COPY a /", "only settings can be changed so"),
        ("nonsense", "only settings can be changed so"),
        ("EXPOSE 99999", "'99999' is no port"),
        ("USER", "USER needs a value"),
    ],
)
def test_other_instructions_are_refused(text: str, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        changed_settings(CONFIG, [text])
