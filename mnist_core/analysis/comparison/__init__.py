"""Is A better than B? Which runs may be compared, the tests, and the wording of the answer."""
