"""Numbers as pages show them."""

from mnist_dashboard.ui import formatting


def test_a_page_writes_thin_spaces() -> None:
    assert formatting.format_percent(0.97481) == "97.48\u202f%"
    assert formatting.format_percent(None) == "–"
    assert formatting.format_count(1_199_882) == "1\u202f199\u202f882"
