"""The flags of Docker Compose 2.40.3's verbs, as its own --help lists them: short, long, what kind of value."""

FLAGS = {
    "attach": """
        --detach-keys string, --dry-run, --index int, --no-stdin, --sig-proxy
    """,
    "build": """
        --build-arg stringArray, --builder string, --check, --dry-run, -m --memory bytes, --no-cache, --print,
        --provenance string, --pull, --push, -q --quiet, --sbom string, --ssh string, --with-dependencies
    """,
    "commit": """
        -a --author string, -c --change list, --dry-run, --index int, -m --message string, -p --pause
    """,
    "config": """
        --dry-run, --environment, --format string, --hash string, --images, --lock-image-digests, --models,
        --networks, --no-consistency, --no-env-resolution, --no-interpolate, --no-normalize,
        --no-path-resolution, -o --output string, --profiles, -q --quiet, --resolve-image-digests, --services,
        --variables, --volumes
    """,
    "cp": """
        --all, -a --archive, --dry-run, -L --follow-link, --index int
    """,
    "create": """
        --build, --dry-run, --force-recreate, --no-build, --no-recreate, --pull string, --quiet-pull,
        --remove-orphans, --scale scale, -y --yes
    """,
    "down": """
        --dry-run, --remove-orphans, --rmi string, -t --timeout int, -v --volumes
    """,
    "events": """
        --dry-run, --json, --since string, --until string
    """,
    "exec": """
        -d --detach, --dry-run, -e --env stringArray, --index int, -T --no-tty, --privileged, -u --user string,
        -w --workdir string
    """,
    "export": """
        --dry-run, --index int, -o --output string
    """,
    "images": """
        --dry-run, --format string, -q --quiet
    """,
    "kill": """
        --dry-run, --remove-orphans, -s --signal string
    """,
    "logs": """
        --dry-run, -f --follow, --index int, --no-color, --no-log-prefix, --since string, -n --tail string, -t
        --timestamps, --until string
    """,
    "ls": """
        -a --all, --dry-run, --filter filter, --format string, -q --quiet
    """,
    "pause": """
        --dry-run
    """,
    "port": """
        --dry-run, --index int, --protocol string
    """,
    "ps": """
        -a --all, --dry-run, --filter string, --format string, --no-trunc, --orphans, -q --quiet, --services,
        --status stringArray
    """,
    "publish": """
        --app, --dry-run, --oci-version string, --resolve-image-digests, --with-env, -y --yes
    """,
    "pull": """
        --dry-run, --ignore-buildable, --ignore-pull-failures, --include-deps, --policy string, -q --quiet
    """,
    "push": """
        --dry-run, --ignore-push-failures, --include-deps, -q --quiet
    """,
    "restart": """
        --dry-run, --no-deps, -t --timeout int
    """,
    "rm": """
        --dry-run, -f --force, -s --stop, -v --volumes
    """,
    "run": """
        --build, --cap-add list, --cap-drop list, -d --detach, --dry-run, --entrypoint string, -e --env
        stringArray, --env-from-file stringArray, -i --interactive, -l --label stringArray, --name string, -T
        --no-TTY, --no-deps, -p --publish stringArray, --pull string, -q --quiet, --quiet-build, --quiet-pull,
        --remove-orphans, --rm, -P --service-ports, --use-aliases, -u --user string, -v --volume stringArray, -w
        --workdir string
    """,
    "scale": """
        --dry-run, --no-deps
    """,
    "start": """
        --dry-run
    """,
    "stats": """
        -a --all, --dry-run, --format string, --no-stream, --no-trunc
    """,
    "stop": """
        --dry-run, -t --timeout int
    """,
    "top": """
        --dry-run
    """,
    "unpause": """
        --dry-run
    """,
    "up": """
        --abort-on-container-exit, --abort-on-container-failure, --always-recreate-deps, --attach stringArray,
        --attach-dependencies, --build, -d --detach, --dry-run, --exit-code-from string, --force-recreate,
        --menu, --no-attach stringArray, --no-build, --no-color, --no-deps, --no-log-prefix, --no-recreate,
        --no-start, --pull string, --quiet-build, --quiet-pull, --remove-orphans, -V --renew-anon-volumes,
        --scale scale, -t --timeout int, --timestamps, --wait, --wait-timeout int, -w --watch, -y --yes
    """,
    "version": """
        --dry-run, -f --format string, --short
    """,
    "volumes": """
        --dry-run, --format string, -q --quiet
    """,
    "wait": """
        --down-project, --dry-run
    """,
    "watch": """
        --dry-run, --no-up, --prune, --quiet
    """,
}
"""By verb; every verb takes --dry-run there."""

HIDDEN = {
    "build": "--compress, --force-rm, --no-rm, --parallel, --progress string",
    "exec": "-i --interactive, -t --tty",
    "pull": "--no-parallel, --parallel",
    "rm": "-a --all",
    "run": "-t --tty",
}
"""What is accepted without being in the help."""
