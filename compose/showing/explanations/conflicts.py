"""Explains the codes WL3xx and WL4xx: what does not go together, what is not done."""

from compose import codes
from compose.showing.explanations.model import Explanation

EXPLANATIONS = (
    Explanation(
        codes.PORT_TWICE,
        "a port of the host that two publish",
        """\
On one address of the host, a port with its protocol leads to one container. An entry without address means all
addresses. Compose starts the first service and fails at the second.
""",
        wrong="""\
services:
  web:
    image: nginx
    ports: ["8080:80"]
  admin:
    image: admin
    ports: ["127.0.0.1:8080:80"]
""",
        right="""\
services:
  web:
    image: nginx
    ports: ["8080:80"]
  admin:
    image: admin
    ports: ["127.0.0.1:8081:80"]
""",
    ),
    Explanation(
        codes.TARGET_TWICE,
        "two mounts on one path",
        """\
Two entries of volumes, tmpfs, configs or secrets lead to the same path of the container; the later one would hide the
other.
""",
        wrong="""\
services:
  web:
    image: nginx
    volumes:
      - ./site:/srv
      - /srv
""",
        right="""\
services:
  web:
    image: nginx
    volumes:
      - ./site:/srv
""",
    ),
    Explanation(
        codes.NAME_TWICE,
        "one name for two",
        """\
Names that somebody may look for are given once: a container_name belongs to one container.
""",
        wrong="""\
services:
  web:
    image: nginx
    container_name: shop
  db:
    image: postgres
    container_name: shop
""",
        right="""\
services:
  web:
    image: nginx
    container_name: shop-web
  db:
    image: postgres
    container_name: shop-db
""",
    ),
    Explanation(
        codes.ONE_FOR_MANY,
        "something single for several replicas",
        """\
A name, address or port of the host belongs to one container, but the service has several replicas. Take it away,
publish a range that has a port for each replica, or run one replica.
""",
        wrong="""\
services:
  web:
    image: nginx
    container_name: web
    scale: 2
""",
        right="""\
services:
  web:
    image: nginx
    scale: 2
""",
    ),
    Explanation(
        codes.CONTRADICTION,
        "two keys that say different things",
        """\
Some settings can be written in two places, such as mem_limit and deploy.resources.limits.memory. Both must say the
same; better keep one.
""",
        wrong="""\
services:
  web:
    image: nginx
    mem_limit: 512m
    deploy:
      resources:
        limits:
          memory: 1g
""",
        right="""\
services:
  web:
    image: nginx
    mem_limit: 512m
""",
    ),
    Explanation(
        codes.OVERLAP,
        "two subnets that share addresses",
        """\
Each network of a stack needs addresses of its own: where two subnets overlap, it could not be told which network an
address belongs to.
""",
        wrong="""\
services:
  web:
    image: nginx
networks:
  front:
    ipam:
      config: [{subnet: 10.5.0.0/16}]
  back:
    ipam:
      config: [{subnet: 10.5.1.0/24}]
""",
        right="""\
services:
  web:
    image: nginx
networks:
  front:
    ipam:
      config: [{subnet: 10.5.0.0/24}]
  back:
    ipam:
      config: [{subnet: 10.5.1.0/24}]
""",
    ),
    Explanation(
        codes.NEVER_HEALTHY,
        "a wait for the health of a service without health check",
        """\
condition: service_healthy waits for a health check to succeed. A service that has none, or switches its image's check
off, never becomes healthy. Describe a check, or wait with service_started.
""",
        wrong="""\
services:
  web:
    image: nginx
    depends_on:
      db:
        condition: service_healthy
  db:
    image: postgres
    healthcheck:
      disable: true
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
        codes.NOT_YET,
        "something that windlass does not support yet",
        """\
Compose knows it and windlass reads it, so `config` shows it; but a container that ran without it would not be what the
file asks for, so `up` refuses. Delete the key, or rename it to begin with x- to keep it as a note.
""",
    ),
    Explanation(
        codes.NO_START,
        "something that no container can be started with",
        """\
Compose's `config` takes such a value as it stands, and so does ours; but no container can be made with it, such as one
with a mount on a path that does not begin with /, or with an address on a network without a subnet. So `up` refuses it.
""",
        wrong="""\
services:
  web:
    image: nginx
    volumes:
      - type: bind
        source: ./pages
        target: pages
""",
        right="""\
services:
  web:
    image: nginx
    volumes:
      - type: bind
        source: ./pages
        target: /pages
""",
    ),
)
