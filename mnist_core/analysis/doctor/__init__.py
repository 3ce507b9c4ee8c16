"""The training doctor: says in one sentence what is wrong with a run, and what would help. It never acts by itself.

Pure functions over what was measured (`evidence`). `diagnose` returns the first finding of the rules in `RULES`, which
is the gravest; a healthy run has none. `sentence` makes the one sentence that a page shows of a run from it.
"""

from __future__ import annotations

from mnist_core.analysis.doctor.evaluation_rules import overfitting, plateau, still_falling, tiny_batch
from mnist_core.analysis.doctor.evidence import Evaluated, Evidence
from mnist_core.analysis.doctor.findings import Finding, Remedy
from mnist_core.analysis.doctor.loss_rules import diverged, diverging, not_learning, oscillating

__all__ = ["RULES", "Evaluated", "Evidence", "Finding", "Remedy", "diagnose"]

RULES = (diverged, diverging, not_learning, oscillating, tiny_batch, overfitting, plateau, still_falling)
"""Every rule, the gravest first."""


def diagnose(evidence: Evidence) -> Finding | None:
    """Return the gravest finding, or None for a healthy run."""
    for rule in RULES:
        if finding := rule(evidence):
            return finding
    return None
