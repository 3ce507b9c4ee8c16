"""The run store: all data of all runs, and the only channel between trainers, server and command line."""

from mnist_core.store.run_store import RunStore

__all__ = ["RunStore"]
