"""The files by which a container knows itself."""

from engine.spec import ContainerSpec, Process
from engine.supervisor.identity import identity_files, search_domains, upstreams
from net.spec import Attachment

SPEC = ContainerSpec(
    id="a",
    name="shop-web-1",
    stack="shop",
    service="web",
    number=1,
    image_id="",
    image_name="",
    layers=(),
    process=Process(argv=("x",)),
    hostname="web",
    config_hash="",
)
ATTACHMENT = Attachment(
    network="front", address="10.0.0.2", prefix_length=24, gateway="10.0.0.1", interface="eth0", mac_address=""
)

RESOLV_CONF = """\
# made by hand
search example.org corp.example.org
nameserver 127.0.0.11
nameserver 192.0.2.1
nameserver
options edns0
"""


def test_a_container_on_a_network_knows_its_address_and_asks_the_stacks_resolver() -> None:
    assert identity_files(SPEC, [ATTACHMENT], ["example.org"]) == {
        "hosts": "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n10.0.0.2\tweb\n",
        "hostname": "web\n",
        "resolv.conf": "nameserver 127.0.0.11\nsearch example.org\noptions ndots:0\n",
    }


def test_a_container_without_a_network_knows_its_name_and_asks_nobody() -> None:
    files = identity_files(SPEC, [])
    assert files["hosts"].endswith("127.0.1.1\tweb\n")
    assert files["resolv.conf"] == ""


def test_the_hosts_resolvers_are_read_from_resolv_conf() -> None:
    assert upstreams(RESOLV_CONF) == ("192.0.2.1",)
    assert search_domains(RESOLV_CONF) == ("example.org", "corp.example.org")
    assert upstreams("") == search_domains("") == ()
