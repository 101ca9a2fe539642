"""The names and labels that a stack's things are known by."""

LABEL = "com.docker.compose"
PROJECT = f"{LABEL}.project"
SERVICE = f"{LABEL}.service"
NUMBER = f"{LABEL}.container-number"
CONFIG_HASH = f"{LABEL}.config-hash"
ONE_OFF = f"{LABEL}.oneoff"
SLUG = f"{LABEL}.slug"
HOOK = f"{LABEL}.hook"
WORKING_DIRECTORY = f"{LABEL}.project.working_dir"
CONFIG_FILES = f"{LABEL}.project.config_files"
DEPENDS_ON = f"{LABEL}.depends_on"
IMAGE = f"{LABEL}.image"
VERSION = f"{LABEL}.version"
VOLUME = f"{LABEL}.volume"
NETWORK = f"{LABEL}.network"
ENVIRONMENT_FILE = f"{LABEL}.project.environment_file"
REPLACE = f"{LABEL}.replace"
ANONYMOUS_VOLUME = "com.docker.volume.anonymous"  # as engine.volumes has it


def is_ours(label: str) -> bool:
    """Whether a label tells what a stack knows of a thing, not what its file says."""
    return label.startswith((f"{LABEL}.", "com.docker.volume."))


def container_name(stack_name: str, service_name: str, number: int, separator: str = "-") -> str:
    """What a replica is called unless the file gives it a name."""
    return f"{stack_name}{separator}{service_name}{separator}{number}"


def image_name(stack_name: str, service_name: str, separator: str = "-") -> str:
    """What a built image is called unless the file gives it a name."""
    return f"{stack_name}{separator}{service_name}"


def anonymous_volume_name(stack_name: str, service_name: str, number: int, target: str) -> str:
    """64 hexadecimal digits, the same for a replica's successors, so that they find its data again."""
    import hashlib  # noqa: PLC0415 - it loads OpenSSL, and few stacks have anonymous volumes

    return hashlib.sha256(f"{stack_name}\0{service_name}\0{number}\0{target}".encode()).hexdigest()


def is_anonymous_volume_name(name: str) -> bool:
    """Whether a name looks like one that no file gives: 64 hexadecimal digits."""
    return len(name) == 64 and set(name) <= set("0123456789abcdef")


def short_name(stack_name: str, container: str) -> str:
    """A container's name as log prefixes show it: without the stack's."""
    return container.removeprefix(f"{stack_name}-").removeprefix(f"{stack_name}_")
