"""Memory of the C library: what the tensors of one step leave is kept for those of the next."""

import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h
LARGE = 2**30


def keep_freed_memory() -> bool:
    """Tell the C library of this process not to give freed memory back; whether there was one to tell.

    By default glibc returns large blocks to the system at once, and every step asks for them again page by
    page. Other C libraries have no such setting.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(TRIM_THRESHOLD, LARGE) and mallopt(MMAP_THRESHOLD, LARGE))
