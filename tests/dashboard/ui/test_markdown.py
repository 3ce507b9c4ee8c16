"""Notes keep their Markdown, but show no images."""

import pytest

from mnist_dashboard.ui import markdown


@pytest.mark.parametrize("bangs", range(5))
def test_no_number_of_exclamation_marks_makes_an_image(bangs: int) -> None:
    assert markdown.sanitize_notes("!" * bangs + "[x](https://example.org/p.png)") == "[x](https://example.org/p.png)"


def test_other_exclamation_marks_stay() -> None:
    assert markdown.sanitize_notes("Good! [x](u), bad!!") == "Good! [x](u), bad!!"
