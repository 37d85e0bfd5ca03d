"""The C library's allocator, told to give large blocks back."""

import contextlib
import ctypes

# https://man7.org/linux/man-pages/man3/mallopt.3.html
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGE = 8 * 2**20


def bound() -> None:
    """Map blocks of 8 MiB and more, so that they go back to the system when they are freed.

    By itself glibc soon keeps blocks of up to 32 MiB, in each thread's own arena: once eight images
    of 50 million pixels had been decoded, two workers kept 1.6 GB for ever. Other libraries have
    nothing to be told.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_TRIM_THRESHOLD, 2 * _LARGE)
