"""Looks for traces of a stack in the kernel, for when its directory is gone."""

from pathlib import Path

from engine.cgroups import Cgroups
from engine.layout import StackLayout
from net.uplink import host_link_name


def in_kernel(stack: StackLayout) -> bool:
    """Whether the stack has a control group or its link on the host."""
    return Cgroups(stack.label).exist() or Path("/sys/class/net", host_link_name(stack.token)).exists()
