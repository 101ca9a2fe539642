import pytest

from engine.errors import ImageError
from engine.images import ociconfig
from engine.images.model import HistoryEntry, ImageConfig, ImageHealth

LAYER = "sha256:" + "1" * 64

FULL = ImageConfig(  # noqa: S604 -- the shell of an image, not of a subprocess
    environment={"PATH": "/bin", "EMPTY": ""},
    entrypoint=("/run.sh",),
    command=("--port", "80"),
    working_directory="/srv",
    user="www-data",
    labels={"a": "b"},
    exposed_ports=("80/tcp",),
    volumes=("/data",),
    stop_signal="SIGQUIT",
    shell=("/bin/bash", "-c"),
    health=ImageHealth(argv=("CMD", "true"), interval_seconds=1.5, retries=2),
)


def test_a_configuration_is_written_as_the_oci_specification_says() -> None:
    document = ociconfig.encode(
        config=FULL,
        layers=(LAYER,),
        created_ns=1_700_000_000_000_000_001,
        architecture="amd64",
        history=(HistoryEntry(created_by="RUN true"), HistoryEntry(created_by="USER x", author="me", empty=True)),
    )

    assert document.decode() == (
        '{"architecture":"amd64","config":{"Cmd":["--port","80"],"Entrypoint":["/run.sh"],'
        '"Env":["PATH=/bin","EMPTY="],"ExposedPorts":{"80/tcp":{}},"Healthcheck":{"Interval":1500000000,"Retries":2,'
        '"Test":["CMD","true"]},"Labels":{"a":"b"},"Shell":["/bin/bash","-c"],"StopSignal":"SIGQUIT",'
        '"User":"www-data","Volumes":{"/data":{}},"WorkingDir":"/srv"},"created":"2023-11-14T22:13:20.000000001Z",'
        '"history":[{"created_by":"RUN true"},{"author":"me","created_by":"USER x","empty_layer":true}],'
        '"os":"linux","rootfs":{"diff_ids":["' + LAYER + '"],"type":"layers"}}'
    )


def test_a_configuration_survives_being_written_and_read() -> None:
    document = ociconfig.encode(config=FULL, layers=(LAYER,), created_ns=1_700_000_000_123, architecture="arm64")

    image = ociconfig.decode(document)

    assert image.config == FULL
    assert image.layers == (LAYER,)
    assert image.created_ns == 1_700_000_000_123
    assert image.architecture == "arm64"
    assert image.id == ociconfig.digest_of(document)


def test_a_foreign_configuration_is_read_with_the_defaults() -> None:
    image = ociconfig.decode(
        b'{"architecture":"amd64","os":"linux","created":"2024-05-01T10:00:00Z","config":{"Env":["A=b=c"],"Cmd":null},'
        b'"rootfs":{"type":"layers","diff_ids":[]},"variant":"v8"}'
    )

    assert image.config == ImageConfig(environment={"A": "b=c"})
    assert image.created_ns == 1_714_557_600_000_000_000


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"{", "cannot be read"),
        (b'{"architecture":"amd64","os":"windows","rootfs":{"type":"layers","diff_ids":[]}}', "made for windows"),
        (b'{"architecture":"amd64","os":"linux","created":"x","rootfs":{"diff_ids":[]}}', "cannot be read"),
    ],
)
def test_a_document_that_cannot_be_used_is_refused(document: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        ociconfig.decode(document)
