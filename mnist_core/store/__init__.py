"""The run store: everything known of every run, and the only channel between trainers, server and command line."""

from mnist_core.store.run_store import RunStore

__all__ = ["RunStore"]
