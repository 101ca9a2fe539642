"""The errors of this package.

EngineError                 message, hint
|- SyscallError             a system call failed (call, errno)
|- StartError               a container did not start (stage, errno, exit_code 125, 126 or 127)
|- ImageError               an image is missing, damaged or cannot be made
|  `- BuildError            a Dockerfile is wrong or a step failed (file, line, exit_code)
|- VolumeError              a volume cannot be made, filled or removed
|- CopyError                files cannot be copied into a container, or out of one
|- StateError               what lies on disk cannot be read or is in use
|- RequestError             the supervisor refused a request (stage, errno, exit_code of a failed start)
`- SupervisorError          the supervisor cannot be started or reached
"""


class EngineError(Exception):
    """What was attempted on which thing, with a hint that says what to do next (may be empty)."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SyscallError(EngineError):
    """A system call failed; `call` is its man page's name, `errno` its error number."""

    def __init__(self, message: str, *, call: str, errno: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.call = call
        self.errno = errno


class StartError(EngineError):
    """A container did not start; `exit_code` is a shell's: 127 not found, 126 not executable, else 125."""

    def __init__(self, message: str, *, stage: str, errno: int = 0, exit_code: int = 125, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.stage = stage
        self.errno = errno
        self.exit_code = exit_code


class ImageError(EngineError):
    """An image is missing, damaged or cannot be made."""


class BuildError(ImageError):
    """A Dockerfile is wrong or one of its steps failed; `file` and `line` name the place (line 0: the whole file)."""

    def __init__(self, message: str, *, file: str, line: int = 0, exit_code: int = 1, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.file = file
        self.line = line
        self.exit_code = exit_code


class VolumeError(EngineError):
    """A volume cannot be made, filled or removed."""


class CopyError(EngineError):
    """Files cannot be copied into a container, or out of one."""


class StateError(EngineError):
    """What lies on disk cannot be read, or is in use by another command."""


class RequestError(EngineError):
    """The supervisor refused a request; `stage`, `errno` and `exit_code` are those of a failed start."""

    def __init__(self, message: str, *, hint: str = "", stage: str = "", errno: int = 0, exit_code: int = 1) -> None:
        super().__init__(message, hint=hint)
        self.stage = stage
        self.errno = errno
        self.exit_code = exit_code


class SupervisorError(EngineError):
    """The supervisor cannot be started or reached."""
