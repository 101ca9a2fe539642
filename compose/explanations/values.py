"""Explains the codes WL1xx: one value by itself."""

from compose import codes
from compose.explanations.model import Explanation

EXPLANATIONS = (
    Explanation(
        codes.UNKNOWN_KEY,
        "a key that Compose files do not know",
        """\
Each mapping of a Compose file has its own keys; others are refused, because a misspelt key would otherwise do nothing
without a word. The key may be misspelt, or stand one level too high or too low. Keys of your own begin with x- and may
stand anywhere.
""",
        wrong="""\
services:
  web:
    image: nginx
    restrat: always
""",
        right="""\
services:
  web:
    image: nginx
    restart: always
    x-owner: the shop's team
""",
    ),
    Explanation(
        codes.WRONG_KIND,
        "a value of another kind than wanted",
        """\
The key wants text, a number, true or false, a list or a mapping, and the value is something else. Text that looks like
a number, a date or a truth value needs quotes; the entries of a list begin with "- ".
""",
        wrong="""\
services:
  web:
    image: nginx
    hostname: 42
    ports: 8080:80
""",
        right="""\
services:
  web:
    image: nginx
    hostname: "42"
    ports:
      - 8080:80
""",
    ),
    Explanation(
        codes.WRONG_VALUE,
        "a value that cannot work",
        """\
The value is of the right kind, but nothing could be done with it. The message says what is wrong with it.
""",
    ),
    Explanation(
        codes.NO_SUCH_CHOICE,
        "a word that is none of the choices",
        """\
The key takes one of a few words, which the message lists.
""",
        wrong="""\
services:
  web:
    image: nginx
    depends_on:
      db:
        condition: service_helthy
  db:
    image: postgres
""",
        right="""\
services:
  web:
    image: nginx
    depends_on:
      db:
        condition: service_healthy
  db:
    image: postgres
    healthcheck:
      test: pg_isready
""",
    ),
    Explanation(
        codes.OUT_OF_RANGE,
        "a number that is too small or too large",
        """\
The number lies outside of what the key allows; the message has the limit.
""",
        wrong="""\
services:
  web:
    image: nginx
    scale: -1
""",
        right="""\
services:
  web:
    image: nginx
    scale: 2
""",
    ),
    Explanation(
        codes.MISSING_KEY,
        "a mapping lacks a key that it needs",
        """\
Some mappings mean nothing without one of their keys: a dependency needs its condition, a long port its target.
""",
        wrong="""\
services:
  web:
    image: nginx
    ports:
      - published: 8080
""",
        right="""\
services:
  web:
    image: nginx
    ports:
      - published: 8080
        target: 80
""",
    ),
    Explanation(
        codes.WRONG_NAME,
        "a name with characters that it may not have",
        """\
Names of services, networks, volumes and the like consist of letters, digits, '.', '_' and '-', for they become part of
other names. Names of containers are two characters or longer and begin with a letter or digit.
""",
        wrong="""\
services:
  my web:
    image: nginx
""",
        right="""\
services:
  my-web:
    image: nginx
""",
    ),
    Explanation(
        codes.WRONG_SIZE,
        "a value that is no size",
        """\
Sizes are a number of bytes, or a number with b, k, m, g, t or p behind it (also kb, kib and so on), each being 1024
times the one before.
""",
        wrong="""\
services:
  web:
    image: nginx
    mem_limit: 512 megs
""",
        right="""\
services:
  web:
    image: nginx
    mem_limit: 512m
""",
    ),
    Explanation(
        codes.WRONG_DURATION,
        "a text that is no duration",
        """\
Durations are numbers with units behind them: ns, us, ms, s, m, h, d, w. Several may follow each other, as in 1m30s.
""",
        wrong="""\
services:
  web:
    image: nginx
    stop_grace_period: "20"
""",
        right="""\
services:
  web:
    image: nginx
    stop_grace_period: 20s
""",
    ),
    Explanation(
        codes.WRONG_COMMAND,
        "a line that cannot be split into words",
        """\
A command that is written as text is split into words by a shell's rules for quotes, though no shell runs it. A quote
without partner or a bracket outside of quotes leaves no words. Write the command as a list, or give it to a shell:
`command: sh -c '...'`.
""",
        wrong="""\
services:
  web:
    image: nginx
    command: echo "hello
""",
        right="""\
services:
  web:
    image: nginx
    command: [echo, hello]
""",
    ),
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
        - subnet: 10.5.0.1/24
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
cap_add and cap_drop take the names of capabilities(7), with or without CAP_, in upper or lower case, or ALL.
""",
        wrong="""\
services:
  web:
    image: nginx
    cap_add: [NET_ADMN]
""",
        right="""\
services:
  web:
    image: nginx
    cap_add: [NET_ADMIN]
""",
    ),
)
