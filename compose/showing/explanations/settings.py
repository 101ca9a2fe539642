"""Explains the codes from WL111 on: what one setting may be."""

from compose import codes
from compose.showing.explanations.model import Explanation

EXPLANATIONS = (
    Explanation(
        codes.WRONG_PORT,
        "a text that is no port",
        """\
Ports are numbers from 1 to 65535, or ranges such as 8000-8005. In `ports`, the short form is
[address:][published:]target[/protocol], the address being that of one of the host's interfaces, and ranges on both
sides being equally long. In `expose` a port or range stands alone.
""",
        wrong="""\
services:
  web:
    image: nginx
    ports:
      - localhost:8080:80
      - 9000-9002:9000-9001
    expose: [http]
""",
        right="""\
services:
  web:
    image: nginx
    ports:
      - 127.0.0.1:8080:80
      - 9000-9002:9000-9002
    expose: [80]
""",
    ),
    Explanation(
        codes.WRONG_MOUNT,
        "a text that is no mount",
        """\
Mounts are written /target, source:/target or source:/target:options. The source is a volume's name, or a path on the
host, which begins with /, ./, ../ or ~. The target is an absolute path in the container.
""",
        wrong="""\
services:
  web:
    image: nginx
    volumes:
      - ./site:/srv:ro:z
      - ./logs:var/log
""",
        right="""\
services:
  web:
    image: nginx
    volumes:
      - ./site:/srv:ro,z
      - ./logs:/var/log
""",
    ),
    Explanation(
        codes.WRONG_TEST,
        "a health check that does not say how it is run",
        """\
The list of healthcheck.test begins with CMD (the program and its arguments follow), CMD-SHELL (one line for the shell)
or NONE (no check). Text instead of a list is a line for the shell.
""",
        wrong="""\
services:
  web:
    image: nginx
    healthcheck:
      test: [curl, -f, http://localhost]
""",
        right="""\
services:
  web:
    image: nginx
    healthcheck:
      test: [CMD, curl, -f, http://localhost]
""",
    ),
    Explanation(
        codes.WRONG_HOST,
        "an extra host without its address",
        """\
Each entry of extra_hosts is a name with an address, host=address; the address host-gateway stands for the host.
""",
        wrong="""\
services:
  web:
    image: nginx
    extra_hosts: [database]
""",
        right="""\
services:
  web:
    image: nginx
    extra_hosts: [database=10.0.0.7]
""",
    ),
    Explanation(
        codes.WRONG_MODE,
        "a value that is no file mode",
        """\
File modes are octal digits, as chmod takes them. In quotes and without them they mean the same.
""",
        wrong="""\
services:
  web:
    image: nginx
    secrets:
      - source: key
        mode: "u=r"
secrets:
  key:
    file: ./key
""",
        right="""\
services:
  web:
    image: nginx
    secrets:
      - source: key
        mode: "0400"
secrets:
  key:
    file: ./key
""",
        beside={"key": "secret\n"},
    ),
    Explanation(
        codes.WRONG_RESTART,
        "a word that is no restart policy",
        """\
restart is no (in quotes or not), always, unless-stopped, on-failure, or on-failure:N for at most N attempts. Compose
lets any word pass and fails when it makes the container.
""",
        wrong="""\
services:
  web:
    image: nginx
    restart: sometimes
""",
        right="""\
services:
  web:
    image: nginx
    restart: on-failure:3
""",
    ),
    Explanation(
        codes.WRONG_SIGNAL,
        "a signal that does not exist",
        """\
Signals are named as `kill -l` does, with or without SIG, or by their number.
""",
        wrong="""\
services:
  web:
    image: nginx
    stop_signal: SIGSTOPP
""",
        right="""\
services:
  web:
    image: nginx
    stop_signal: SIGQUIT
""",
    ),
    Explanation(
        codes.WRONG_SUBNET,
        "a text that is no subnet",
        """\
A subnet is an address whose last bits are zero, and the number of bits before them: 10.5.0.0/24 holds 10.5.0.1 to
10.5.0.254. It must have room for the gateway and at least one container.
""",
        wrong="""\
services:
  web:
    image: nginx
networks:
  default:
    ipam:
      config:
        - subnet: 10.5.0.0/33
""",
        right="""\
services:
  web:
    image: nginx
networks:
  default:
    ipam:
      config:
        - subnet: 10.5.0.0/24
""",
    ),
    Explanation(
        codes.WRONG_ADDRESS,
        "an address that its network cannot have",
        """\
A service's fixed address needs a network with a subnet of its own, has to lie in it, and is nobody else's: neither the
gateway's nor another service's. The first and the last address of a subnet are nobody's.
""",
        wrong="""\
services:
  web:
    image: nginx
    networks:
      back:
        ipv4_address: 10.6.0.10
networks:
  back:
    ipam:
      config:
        - subnet: 10.5.0.0/24
""",
        right="""\
services:
  web:
    image: nginx
    networks:
      back:
        ipv4_address: 10.5.0.10
networks:
  back:
    ipam:
      config:
        - subnet: 10.5.0.0/24
""",
    ),
    Explanation(
        codes.WRONG_CAPABILITY,
        "a capability that does not exist",
        """\
Capabilities are named as capabilities(7) lists them, with or without CAP_, in any case; ALL stands for all of them.
""",
        wrong="""\
services:
  vpn:
    image: vpn
    cap_add: [NET_ADMINN]
""",
        right="""\
services:
  vpn:
    image: vpn
    cap_add: [NET_ADMIN]
""",
    ),
    Explanation(
        codes.WRONG_USER,
        "a text that is no user",
        """\
user is a name or an id, with a group's name or id behind a colon if one is meant. Names are looked up in the image.
""",
        wrong="""\
services:
  web:
    image: nginx
    user: "1000:"
""",
        right="""\
services:
  web:
    image: nginx
    user: "1000:1000"
""",
    ),
    Explanation(
        codes.WRONG_LIMIT,
        "a resource limit that cannot be set",
        """\
ulimits are named as prlimit does, in lower case: nofile, nproc, memlock and so on. The soft limit is what counts; the
hard one bounds it. -1 means no limit.
""",
        wrong="""\
services:
  web:
    image: nginx
    ulimits:
      nofiles: 65536
""",
        right="""\
services:
  web:
    image: nginx
    ulimits:
      nofile: 65536
""",
    ),
    Explanation(
        codes.WRONG_SYSCTL,
        "a setting of the kernel that is not the container's",
        """\
Most of what sysctl shows holds for the whole machine. A container has its own net.*, fs.mqueue.*, kernel.sem,
kernel.msg* and kernel.shm*, as long as it does not share the host's network or IPC namespace. Set others on the host,
for example in /etc/sysctl.d.
""",
        wrong="""\
services:
  search:
    image: search
    sysctls:
      vm.max_map_count: 262144
""",
        right="""\
services:
  search:
    image: search
    sysctls:
      net.core.somaxconn: 1024
""",
    ),
    Explanation(
        codes.WRONG_DEVICE,
        "a text that is no device",
        """\
Each entry of devices is a path on the host, and if wanted a path in the container and permissions (r, w and m for
making it) behind colons. device_cgroup_rules hold type, major:minor and permissions.
""",
        wrong="""\
services:
  web:
    image: nginx
    devices: [fuse, "/dev/null:/dev/nothing:rx"]
    device_cgroup_rules: [c 10:229]
""",
        right="""\
services:
  web:
    image: nginx
    devices: [/dev/fuse, "/dev/null:/dev/nothing:rw"]
    device_cgroup_rules: [c 10:229 rwm]
""",
    ),
)
