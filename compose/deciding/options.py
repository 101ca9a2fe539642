"""What the command line asks of a stack."""

import msgspec


class OneOff(msgspec.Struct, frozen=True, kw_only=True):
    """One more container of a service, for `run`: it answers to no name of the service unless it gets its `aliases`.

    It publishes no `ports` unless asked. `piped` says that its standard input will be given to it when it is started.
    """

    service: str
    name: str
    remove: bool = False
    ports: bool = False
    aliases: bool = False
    piped: bool = False


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for. `services` empty means all; `scale` overrides the file's replicas.

    `pull` overrides every service's pull policy. With `all_resources`, networks and volumes are made that nobody uses.
    With `no_start`, containers are made but not started; with `rerun_jobs`, those that have finished their work are
    started, too; with `adopt`, those of another directory's project are taken over. `force_recreate` concerns
    the named services alone, unless `recreate_dependencies`; with `no_recreate`, what exists stays, changed or not.
    The `recreate_volumes` are made anew, by name, if no container keeps them.
    """

    services: tuple[str, ...] = ()
    scale: dict[str, int] = {}
    no_dependencies: bool = False
    force_recreate: bool = False
    recreate_dependencies: bool = False
    no_recreate: bool = False
    no_start: bool = False
    no_build: bool = False
    rerun_jobs: bool = False
    adopt: bool = False
    renew_anonymous_volumes: bool = False
    recreate_volumes: tuple[str, ...] = ()
    pull: str = ""
    all_resources: bool = False
    one_off: OneOff | None = None
    remove_orphans: bool = False
    ignore_orphans: bool = False
    wait: bool = False
    grace_seconds: float | None = None
