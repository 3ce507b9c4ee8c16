"""Tests of `mnist_core.backups`."""
