"""Comparisons with what others wrote: statsmodels, scikit-learn, PyTorch, TensorBoard and published results.

The expected values come from their code or their publications, never from this project. Each test says how large a
difference it accepts, and why.
"""
