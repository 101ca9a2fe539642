"""Turns the writable layer of a container, or of a copy, into the tree of a layer.

On disk a container's files belong to its own range of ids and its file capabilities are bound to that range's root. A
layer has the ids that containers see, and capabilities bound to nobody. Of overlayfs's own attributes only the mark of
an opaque directory makes sense beyond the mount that set it.
"""

import os
import stat
import struct
from contextlib import suppress

from engine.errors import ImageError
from engine.images.serialisation import CAPABILITY_ATTRIBUTE, OPAQUE_ATTRIBUTE, is_whiteout
from engine.images.trees import walk_tree

ID_COUNT = 65536
_OVERLAY_PREFIX = "trusted.overlay."
_UNUSABLE = frozenset({"trusted.overlay.redirect", "trusted.overlay.metacopy"})
_ACLS = ("system.posix_acl_access", "system.posix_acl_default")
_PRIVILEGED_BITS = stat.S_ISUID | stat.S_ISGID

# struct vfs_ns_cap_data in capability(7): revision and flags, two pairs of masks, the root's id
_REVISION_MASK, _REVISION_2, _REVISION_3 = 0xFF000000, 0x02000000, 0x03000000
_CAPABILITY_2 = struct.Struct("<5I")
_CAPABILITY_3 = struct.Struct("<6I")


def make_layer_tree(upper: int, first_id: int, newest_ns: int | None = None) -> bool:
    """Rewrites the tree behind a descriptor in place; returns whether anything is in it.

    `first_id` is the host id of the container's root, 0 when the ids are those of the layer already. No file will be
    newer than `newest_ns`, unless None.
    """
    names = os.listdir(upper)
    os.fchown(upper, 0, 0)
    _plain_attributes(upper, first_id)
    seen: set[int] = set()
    for name in names:
        _rewrite(upper, name, first_id, seen)
    if newest_ns is not None:
        _clamp(upper, newest_ns)
    return bool(names)


def _clamp(tree: int, newest_ns: int) -> None:
    def clamp(directory: int, name: str, status: os.stat_result) -> None:
        if status.st_mtime_ns > newest_ns and not is_whiteout(status):
            os.utime(name, ns=(newest_ns, newest_ns), dir_fd=directory, follow_symlinks=False)

    walk_tree(tree, clamp)


def shifted_back(host_id: int, first_id: int) -> int:
    """The id inside of a host's id. What the engine itself made there belongs to the host's root, and so to root."""
    if first_id <= host_id < first_id + ID_COUNT:
        return host_id - first_id
    if host_id == 0:
        return 0
    raise ImageError(f"a file of a new layer belongs to id {host_id}, outside {first_id}..{first_id + ID_COUNT - 1}")


def plain_capability(value: bytes, first_id: int) -> bytes:
    """A file's capabilities bound to nobody (revision 2), from those bound to the container's root (revision 3)."""
    if len(value) == _CAPABILITY_3.size:
        magic, *masks, root_id = _CAPABILITY_3.unpack(value)
        if magic & _REVISION_MASK == _REVISION_3 and root_id == first_id:
            return _CAPABILITY_2.pack((magic & ~_REVISION_MASK) | _REVISION_2, *masks)
    return value


def _rewrite(parent: int, name: str, first_id: int, seen: set[int]) -> None:
    """Rewrites one file; `seen` holds the inode numbers of those that may be met again under another name."""
    status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if not stat.S_ISDIR(status.st_mode) and status.st_nlink > 1:
        if status.st_ino in seen:
            return
        seen.add(status.st_ino)
    uid, gid = shifted_back(status.st_uid, first_id), shifted_back(status.st_gid, first_id)
    if stat.S_ISDIR(status.st_mode):
        handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
        try:
            for child in os.listdir(handle):
                _rewrite(handle, child, first_id, seen)
            _plain_attributes(handle, first_id)
            if (uid, gid) != (status.st_uid, status.st_gid):
                os.fchown(handle, uid, gid)
            os.utime(handle, ns=(status.st_atime_ns, status.st_mtime_ns))
        finally:
            os.close(handle)
    elif stat.S_ISREG(status.st_mode):
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)
        try:
            _rewrite_file(handle, status, uid, gid, first_id)
        finally:
            os.close(handle)
    elif stat.S_ISSOCK(status.st_mode):
        os.unlink(name, dir_fd=parent)
    elif not is_whiteout(status):
        os.chown(name, uid, gid, dir_fd=parent, follow_symlinks=False)


def _rewrite_file(handle: int, status: os.stat_result, uid: int, gid: int, first_id: int) -> None:
    capability = _plain_attributes(handle, first_id)
    if (uid, gid) != (status.st_uid, status.st_gid):
        os.fchown(handle, uid, gid)  # which drops setuid bits and capabilities
        if status.st_mode & _PRIVILEGED_BITS:
            os.fchmod(handle, stat.S_IMODE(status.st_mode))
    if capability:
        os.setxattr(handle, CAPABILITY_ATTRIBUTE, capability)


def _plain_attributes(handle: int, first_id: int) -> bytes:
    """Takes away what no layer keeps; returns the file's capabilities as a layer has them, empty if it has none."""
    capability = b""
    for name in os.listxattr(handle):
        if name == CAPABILITY_ATTRIBUTE:
            capability = plain_capability(os.getxattr(handle, name), first_id)
        elif name in _UNUSABLE:
            raise ImageError(f"a new layer depends on the attribute {name}, which only its own mount understands")
        elif (name.startswith(_OVERLAY_PREFIX) and name != OPAQUE_ATTRIBUTE) or name in _ACLS:
            with suppress(OSError):
                os.removexattr(handle, name)
    return capability
