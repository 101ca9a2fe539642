"""The files by which a container knows itself."""

from msgspec import structs

from engine.spec import ContainerSpec, Process, Resolver
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


def test_extra_hosts_and_the_domain_stand_in_hosts_and_the_hosts_own_address_takes_the_place_of_its_word() -> None:
    resolver = Resolver(hosts=(("db", "10.9.9.9"), ("host", "host-gateway"), ("db", "fd00::9")), domain="example.org")
    hosts = identity_files(structs.replace(SPEC, resolver=resolver), [ATTACHMENT], host_gateway="172.31.240.1")["hosts"]
    assert hosts.splitlines()[2:] == [
        "10.0.0.2\tweb.example.org web",
        "10.9.9.9\tdb",
        "172.31.240.1\thost",
        "fd00::9\tdb",
    ]


def test_own_search_domains_and_options_come_before_the_hosts() -> None:
    resolver = Resolver(servers=("192.0.2.7",), search=("a.example", "b.example"), options=("ndots:2", "rotate"))
    spec = structs.replace(SPEC, resolver=resolver)
    assert identity_files(spec, [ATTACHMENT], ["example.org"])["resolv.conf"] == (
        "nameserver 127.0.0.11\nsearch a.example b.example\noptions ndots:2 rotate\n"
    )
    assert identity_files(spec, [], ["example.org"])["resolv.conf"].startswith("nameserver 192.0.2.7\n")


def test_a_search_domain_of_a_single_dot_searches_nowhere() -> None:
    spec = structs.replace(SPEC, resolver=Resolver(search=(".",)))
    assert identity_files(spec, [ATTACHMENT], ["example.org"])["resolv.conf"] == (
        "nameserver 127.0.0.11\noptions ndots:0\n"
    )


def test_the_hosts_resolvers_are_read_from_resolv_conf() -> None:
    assert upstreams(RESOLV_CONF) == ("192.0.2.1",)
    assert search_domains(RESOLV_CONF) == ("example.org", "corp.example.org")
    assert upstreams("") == search_domains("") == ()
