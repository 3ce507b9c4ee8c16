"""Names and tags: what is kept, what is changed, and what is refused."""

import pytest

from mnist_core.annotations import normalize_text, validate_name, validate_tags
from mnist_core.config import TrainConfig
from mnist_core.errors import ConfigError
from mnist_core.store import RunStore

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
RAINBOW_FLAG = "\U0001f3f3\ufe0f\u200d\U0001f308"
SINHALA = "\u0dc1\u0dca\u200d\u0dbb\u0dd3"


@pytest.mark.parametrize("name", [FAMILY, PERSIAN, RAINBOW_FLAG, SINHALA, "\u795e\u7d4c\u7db2\u8def"])
def test_names_as_people_write_them_are_kept(name: str) -> None:
    assert validate_name(name) == name
    assert validate_tags([name]) == (name,)


@pytest.mark.parametrize(
    "typed",
    [
        "a\u00a0b",
        "a\u3000b",
        "a\u202fb",
        "  a b ",
        "a   b",
        "\u00a0a\u2003\u00a0b\u3000",
        "a \u200cb",
        "\u200da b\u200d",
    ],
)
def test_names_that_look_the_same_are_the_same(typed: str) -> None:
    assert validate_name(typed) == "a b"
    assert validate_tags([typed, "a b"]) == ("a b",)


def test_joiners_between_latin_letters_join_nothing() -> None:
    assert validate_name("ru\u200dn\u200c-1") == "run-1"


@pytest.mark.parametrize(
    "character", ["\u202e", "\u2066", "\u200b", "\ufeff", "\u2060", "\u00ad", "\x00", "\n", "\u2028"]
)
def test_invisible_characters_are_refused_by_name(character: str) -> None:
    with pytest.raises(ConfigError, match=r"control characters or invisible ones, got .*\. Remove them"):
        validate_name(f"a{character}b")
    with pytest.raises(ConfigError, match=r"must not contain (commas or control|invisible) characters"):
        validate_tags([f"a{character}b"])


@pytest.mark.parametrize("typed", ["my\u00a0run", " my  run ", "my\u3000run"])
def test_a_run_is_found_as_its_name_was_stored(store: RunStore, typed: str) -> None:
    run = store.commands.create_run(TrainConfig(), typed)
    assert run.name == "my run"
    assert store.queries.find_run(typed) == run
    with pytest.raises(ConfigError, match="'my run' exists already"):
        store.commands.create_run(TrainConfig(), typed)


def test_a_decomposed_name_is_found(store: RunStore) -> None:
    run = store.commands.create_run(TrainConfig(), "caf\u00e9")
    assert store.queries.find_run("cafe\u0301") == run
    assert normalize_text("cafe\u0301") == "caf\u00e9"
