"""The benchmark: mtlkit and its peers side by side, each measurement in a process of its own.

`python -m tests.bench` from the root of the repository, or `make bench`; `docs/benchmarks.md` is what it writes.
"""
