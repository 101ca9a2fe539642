"""Who holds a host port, read from a made-up /proc."""

from pathlib import Path

from net.holders import holder_of

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000
   1: 0100007F:1F91 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000000000000000
"""
UDP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr
   0: 00000000000000000000000000000000:14E9 00000000000000000000000000000000:0000 07 0:0 00:0 0 0 0 4713 2 0
"""


def made_up_proc(root: Path) -> Path:
    (root / "net").mkdir()
    (root / "net" / "tcp").write_text(TCP)
    (root / "net" / "udp6").write_text(UDP6)
    for pid, name, inode in (("12", "nginx", "4711"), ("13", "curl", "4712"), ("14", "avahi-daemon", "4713")):
        (root / pid / "fd").mkdir(parents=True)
        (root / pid / "comm").write_text(name + "\n")
        (root / pid / "fd" / "3").symlink_to(f"socket:[{inode}]")
    (root / "15").mkdir()
    (root / "self").symlink_to("12")
    return root


def test_a_listener_is_named_with_its_pid(tmp_path: Path) -> None:
    assert holder_of("tcp", 8080, made_up_proc(tmp_path)) == "nginx (pid 12)"


def test_a_udp_socket_on_every_address_of_both_families_is_found(tmp_path: Path) -> None:
    assert holder_of("udp", 5353, made_up_proc(tmp_path)) == "avahi-daemon (pid 14)"


def test_a_connection_is_no_listener(tmp_path: Path) -> None:
    assert holder_of("tcp", 8081, made_up_proc(tmp_path)) == "another program"
