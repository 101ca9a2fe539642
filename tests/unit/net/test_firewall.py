"""The rulesets, word for word."""

from net.addresses import parse_block, parse_subnet6
from net.firewall import (
    Bridge,
    HostSide,
    host_ruleset,
    remove_ruleset,
    router_ruleset,
)
from net.portmaps import Published, ports_change

SIDE = HostSide(
    table="windlass-shop-0123abcd",
    uplink="windl0123abcd",
    uplink_block=parse_block("172.31.240.0/30"),
    subnets=(parse_block("172.16.4.0/22"), parse_block("172.16.0.0/22")),
)
WEB = Published("tcp", "", 8080, "172.16.0.2", 80)
ADMIN = Published("tcp", "127.0.0.1", 9000, "172.16.0.3", 9000)
DNS = Published("udp", "", 5353, "172.16.0.4", 53)

HOST = """\
add table ip windlass-shop-0123abcd
delete table ip windlass-shop-0123abcd
table ip windlass-shop-0123abcd {
	set inside {
		type ipv4_addr
		flags interval
		elements = { 172.16.0.0/22, 172.16.4.0/22, 172.31.240.0/30 }
	}
	map everywhere {
		type inet_proto . inet_service : ipv4_addr . inet_service
		elements = {
			tcp . 8080 : 172.16.0.2 . 80,
			udp . 5353 : 172.16.0.4 . 53
		}
	}
	map everywhere_shared {
		type inet_proto . inet_service : verdict
	}
	map bound {
		type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
		elements = {
			127.0.0.1 . tcp . 9000 : 172.16.0.3 . 9000
		}
	}
	map bound_shared {
		type ipv4_addr . inet_proto . inet_service : verdict
	}
	chain raw {
		type filter hook prerouting priority raw; policy accept;
		ip daddr 127.0.0.0/8 iifname != "lo" drop
		iifname "windl0123abcd" ip saddr != @inside drop
		iifname { "lo", "windl0123abcd" } accept
		ip daddr @inside drop
	}
	chain forward {
		type filter hook forward priority filter; policy accept;
		oifname != "windl0123abcd" accept
		ct state established,related accept
		ct status dnat accept
		drop
	}
	chain published {
		fib daddr type != local return
		meta l4proto { tcp, udp } ip daddr . meta l4proto . th dport vmap @bound_shared
		meta l4proto { tcp, udp } dnat ip to ip daddr . meta l4proto . th dport map @bound
		meta l4proto { tcp, udp } meta l4proto . th dport vmap @everywhere_shared
		meta l4proto { tcp, udp } dnat ip to meta l4proto . th dport map @everywhere
	}
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		jump published
	}
	chain output {
		type nat hook output priority -100; policy accept;
		jump published
	}
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		oifname != "windl0123abcd" ip saddr @inside masquerade
		oifname "windl0123abcd" ip saddr 127.0.0.0/8 masquerade
		oifname "windl0123abcd" ip saddr @inside ct status dnat masquerade
	}
}
"""

ROUTER = """\
add table ip windlass
delete table ip windlass
table ip windlass {
	chain forward {
		type filter hook forward priority filter; policy drop;
		iifname . oifname { "br0" . "br0", "br0" . "uplink", "uplink" . "br0", "br1" . "br1" } accept
	}
}
"""


def test_the_hosts_table_replaces_itself_in_one_transaction() -> None:
    assert host_ruleset(SIDE, [DNS, ADMIN, WEB]) == HOST


def test_without_ports_the_maps_are_there_and_empty() -> None:
    assert "map everywhere {\n\t\ttype inet_proto . inet_service : ipv4_addr . inet_service\n\t}" in host_ruleset(
        SIDE, []
    )


def test_one_more_port_is_one_more_element() -> None:
    assert ports_change("t", [], [WEB, ADMIN]) == (
        "add element ip t everywhere { tcp . 8080 : 172.16.0.2 . 80 }\n"
        "add element ip t bound { 127.0.0.1 . tcp . 9000 : 172.16.0.3 . 9000 }\n"
    )
    assert ports_change("t", [DNS], []) == "delete element ip t everywhere { udp . 5353 : 172.16.0.4 . 53 }\n"


def test_removing_the_table_works_whether_it_is_there_or_not() -> None:
    assert remove_ruleset("t") == "add table ip t\ndelete table ip t\n"


def test_in_the_router_a_network_reaches_itself_and_the_uplink_unless_it_is_internal() -> None:
    assert router_ruleset("uplink", [Bridge("br1", internal=True), Bridge("br0", internal=False)]) == ROUTER


def test_a_router_without_networks_forwards_nothing() -> None:
    assert router_ruleset("uplink", []).count("accept") == 0


OTHER_WEB = Published("tcp", "", 8080, "172.16.0.5", 80)
THIRD_WEB = Published("tcp", "", 8080, "172.16.0.6", 80)
WIDE = Published("tcp", "::", 8080, "fd00::2", 80)
OTHER_WIDE = Published("tcp", "::", 8080, "fd00::3", 80)


def test_a_port_of_several_containers_deals_new_connections_out_in_turn() -> None:
    rules = host_ruleset(SIDE, [WEB, OTHER_WEB, ADMIN])
    assert "tcp . 8080 : goto to-tcp-8080" in rules
    assert (
        "\tchain to-tcp-8080 {\n"
        "\t\tmeta l4proto tcp dnat ip to numgen inc mod 2 map { 0 : 172.16.0.2 . 80, 1 : 172.16.0.5 . 80 }\n"
        "\t}\n"
    ) in rules
    assert "map everywhere {\n\t\ttype inet_proto . inet_service : ipv4_addr . inet_service\n\t}" in rules


def test_a_port_changes_between_one_and_several_containers_in_one_transaction() -> None:
    alone = "element ip t everywhere { tcp . 8080 : 172.16.0.2 . 80 }\n"
    shared = "element ip t everywhere_shared { tcp . 8080 : goto to-tcp-8080 }\n"
    two = "meta l4proto tcp dnat ip to numgen inc mod 2 map { 0 : 172.16.0.2 . 80, 1 : 172.16.0.5 . 80 }\n"
    three = (
        "meta l4proto tcp dnat ip to numgen inc mod 3 map "
        "{ 0 : 172.16.0.2 . 80, 1 : 172.16.0.5 . 80, 2 : 172.16.0.6 . 80 }\n"
    )
    assert ports_change("t", [WEB], [WEB, OTHER_WEB]) == (
        f"delete {alone}add chain ip t to-tcp-8080\nadd rule ip t to-tcp-8080 {two}add {shared}"
    )
    assert ports_change("t", [WEB, OTHER_WEB], [THIRD_WEB, WEB, OTHER_WEB]) == (
        f"flush chain ip t to-tcp-8080\nadd rule ip t to-tcp-8080 {three}"
    )
    assert ports_change("t", [WEB, OTHER_WEB], [WEB]) == (f"delete {shared}delete chain ip t to-tcp-8080\nadd {alone}")


def test_a_port_of_ipv6_is_refused_on_loopback_as_long_as_it_leads_anywhere() -> None:
    assert ports_change("t", [], [WIDE]).endswith("add element ip6 t ports { tcp . 8080 }\n")
    assert "ports" not in ports_change("t", [WIDE], [WIDE, OTHER_WIDE])
    assert ports_change("t", [WIDE, OTHER_WIDE], []) == (
        "delete element ip6 t bound_shared { :: . tcp . 8080 : goto to-__-tcp-8080 }\n"
        "delete chain ip6 t to-__-tcp-8080\n"
        "delete element ip6 t ports { tcp . 8080 }\n"
    )


def test_the_rules_for_ipv6_are_a_table_of_their_own_that_refuses_loopback_at_once() -> None:
    side = HostSide("windlass-shop-1", "windl1", parse_subnet6("fd01::/64"), (parse_subnet6("fd00:5::/64"),))
    text = host_ruleset(side, [Published("tcp", "", 8080, "fd00:5::2", 80), Published("tcp", "", 8080, "10.0.0.2", 80)])
    lines = [line.strip() for line in text.splitlines()]
    assert lines[2] == "table ip6 windlass-shop-1 {"
    assert "elements = { fd00:5::/64, fd01::/64 }" in lines
    assert "tcp . 8080 : fd00:5::2 . 80" in lines
    assert not any("10.0.0.2" in line for line in lines)
    assert "meta l4proto tcp meta l4proto . th dport @ports reject with tcp reset" in lines
    assert "ip6 daddr ::1 return" in lines


def test_bare_networks_are_not_hidden_behind_the_hosts_address() -> None:
    bare = parse_block("10.9.0.0/24")
    text = host_ruleset(HostSide("t", "windl1", parse_block("172.31.240.0/30"), (bare,), (bare,)), [])
    assert 'oifname != "windl1" ip saddr { 10.9.0.0/24 } accept' in text
