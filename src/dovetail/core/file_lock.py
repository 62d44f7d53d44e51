"""A lock on a file that several processes honour; the kernel lets go when its holder dies."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import msvcrt
    import os

    # Locked bytes cannot be read by others, so the lock lies far behind the text.
    _FAR = 1 << 30

    def try_lock(file: int, *, shared: bool = False) -> bool:
        del shared
        os.lseek(file, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def try_lock(file: int, *, shared: bool = False) -> bool:
        """Whether the lock was free; it is held until `file` is closed. Raises OSError where nothing can be locked."""
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
