"""Large matrix products in NumPy: the rate of the library that it is linked to, in its wheels OpenBLAS."""

import ctypes
from pathlib import Path

import numpy as np

from protocol import serve, threads

# Rows and columns, as in `gemm` of the other programs.
SIZE = 1024
# How builds of OpenBLAS rename its functions; NumPy's own is the first.
NAMES = ("scipy_{}64_", "scipy_{}", "{}64_", "{}")


class OpenBlas:
    """The functions of the OpenBLAS in NumPy's wheel, which NumPy has loaded already."""

    def __init__(self, library, name):
        def function(what, result, *arguments):
            found = getattr(library, name.format(f"openblas_{what}"))
            found.restype, found.argtypes = result, arguments
            return found

        self.set_threads = function("set_num_threads", None, ctypes.c_int)
        self.threads = function("get_num_threads", ctypes.c_int)
        self.config = function("get_config", ctypes.c_char_p)().decode()
        self.kernel = function("get_corename", ctypes.c_char_p)().decode()


def open_blas():
    """NumPy's OpenBLAS, or `None` if it uses another library, such as Apple's Accelerate."""
    package = Path(np.__file__).parent
    folders = package.with_name("numpy.libs"), package / ".dylibs"
    for path in (path for folder in folders for path in sorted(folder.glob("*openblas*"))):
        library = ctypes.CDLL(str(path))
        for name in NAMES:
            if hasattr(library, name.format("openblas_get_corename")):
                return OpenBlas(library, name)
    return None


def product(blas, count):
    """A step is a product of two matrices, on this number of threads."""

    def build():
        draw = np.random.default_rng(1)
        a, b = (draw.random((SIZE, SIZE), dtype=np.float32) for _ in range(2))
        c = np.empty_like(a)

        def run(steps):
            if blas:
                blas.set_threads(count)
            for _ in range(steps):
                np.matmul(a, b, out=c)

        return run

    return build


if __name__ == "__main__":
    blas, count = open_blas(), threads()
    info = {"name": "NumPy", "version": np.__version__, "threads": count}
    workloads = {"gemm": product(blas, count)}
    if blas:
        blas.set_threads(count)
        info |= {"threads": blas.threads(), "library": blas.config, "kernel": blas.kernel}
        workloads["gemm-1"] = product(blas, 1)
    else:
        info["library"] = np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]
    serve(info, workloads)
