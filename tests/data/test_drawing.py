"""Drawings and photos become images like those of MNIST. Damaged pictures are in test_pictures.py."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from mnist_core.data.drawing import prepare_drawing, prepare_photo
from mnist_core.errors import DrawingError
from tests.support.pictures import drawing, encode, photo

Digits = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def some_digits(built_in_digits: Digits) -> np.ndarray:
    """Five digits of each class, as MNIST has them."""
    return built_in_digits[0].reshape(-1, 28, 28)[::100]


def pad(strokes: list[list[tuple[int, int]]], *, ink: str = "#1B232C", ground: str = "#F3F5F8") -> bytes:
    image = Image.new("RGB", (340, 286), ground)
    pen = ImageDraw.Draw(image)
    for stroke in strokes:
        pen.line(stroke, fill=ink, width=22, joint="curve")
    return encode(image)


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    """Return the correlation of two images, moved by up to a pixel: rounding decides where a mass centre falls."""
    moved = [np.roll(one, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return max(float(np.corrcoef(image.ravel(), other.ravel())[0, 1]) for image in moved)


def test_enlarged_digits_of_mnist_come_out_as_they_were(some_digits: np.ndarray) -> None:
    similarities = [similarity(prepare_drawing(encode(drawing(digit))), digit) for digit in some_digits]
    assert min(similarities) > 0.93
    assert np.median(similarities) > 0.99


def test_a_drawing_fills_the_box_of_20_pixels_around_its_centre_of_mass() -> None:
    image = prepare_drawing(pad([[(120, 40), (120, 150), (220, 150)], [(200, 40), (200, 250)]]))
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    rows, columns = np.nonzero(image > 127)
    assert np.ptp(rows) + 1 == 20
    assert np.ptp(columns) + 1 < 20
    assert ndimage.center_of_mass(image) == pytest.approx((14, 14), abs=0.6)
    assert image.max() == 255
    assert ((image > 50) & (image < 200)).any()  # anti-aliased


def test_place_size_and_theme_of_a_drawing_do_not_matter() -> None:
    stroke, way = np.array([(100, 40), (200, 40), (120, 240)]), np.array((60, 20))
    usual = prepare_drawing(pad([[(int(x), int(y)) for x, y in stroke]]))
    moved = prepare_drawing(pad([[(int(x), int(y)) for x, y in stroke + way]]))
    dark = prepare_drawing(pad([[(int(x), int(y)) for x, y in stroke]], ink="#E6EBF0", ground="#1A2129"))
    assert np.abs(usual.astype(int) - moved).max() <= 1
    assert np.abs(usual.astype(int) - dark).max() <= 2


def test_a_kept_drawing_is_taken_as_it_is(some_digits: np.ndarray) -> None:
    for digit in some_digits[::5]:
        ink = np.zeros((28, 28, 4), np.uint8)
        ink[..., 3] = digit
        assert (prepare_drawing(encode(Image.fromarray(ink))) == digit).all()
    with pytest.raises(DrawingError, match="Draw a digit first"):
        prepare_drawing(encode(Image.new("RGBA", (28, 28))))


def test_a_long_tail_stays_inside() -> None:
    image = prepare_drawing(pad([[(60, 60), (60, 90), (90, 90), (90, 60), (60, 60)], [(60, 75), (320, 75)]]))
    assert (image > 127).any(axis=0).sum() == 20


@pytest.mark.parametrize("ground", ["#000000", "#FFFFFF", "#F3F5F8"])
def test_an_empty_pad_is_refused(ground: str) -> None:
    with pytest.raises(DrawingError, match=r"^Draw a digit first\.$"):
        prepare_drawing(pad([], ground=ground))


def test_a_dot_is_refused() -> None:
    with pytest.raises(DrawingError, match=r"^Draw the digit larger\.$"):
        prepare_drawing(pad([[(100, 100), (102, 100)]]))


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1)])
def test_pictures_without_room_for_a_digit_are_refused(size: tuple[int, int]) -> None:
    empty = encode(Image.new("L", size))
    with pytest.raises(DrawingError, match="Draw a digit first"):
        prepare_drawing(empty)
    with pytest.raises(DrawingError, match="No digit found"):
        prepare_photo(empty)


@pytest.mark.parametrize("paper", ["plain", "lined", "squared"])
@pytest.mark.parametrize("chalk", [False, True], ids=["ink", "chalk"])
def test_a_digit_is_found_on_paper_and_on_a_board(some_digits: np.ndarray, paper: str, chalk: bool) -> None:
    for seed, digit in enumerate(some_digits[[22, 36]]):
        image = prepare_photo(photo(digit, paper=paper, chalk=chalk, seed=seed))
        assert similarity(image, digit) > 0.75, seed


@pytest.mark.parametrize("surroundings", ["a desk around it", "a desk at a corner"])
def test_what_lies_around_the_paper_is_no_digit(surroundings: str) -> None:
    paper = [(0, 0), (700, 0), (640, 500), (0, 500)] if surroundings.endswith("corner") else None
    one = [(340, 200), (320, 290)]
    photographed = Image.new("L", (700, 500), 50)
    pen = ImageDraw.Draw(photographed)
    pen.polygon(paper or [(60, 40), (660, 30), (650, 470), (50, 450)], fill=215)
    pen.line(one, fill=70, width=7)
    image = prepare_photo(encode(photographed))
    assert (image > 127).any(axis=1).sum() == 20
    assert (image > 127).any(axis=0).sum() <= 8


def test_a_thin_pen_is_thickened() -> None:
    paper = Image.new("L", (800, 800), 230)
    ImageDraw.Draw(paper).line([(250, 200), (550, 200), (350, 600)], fill=40, width=6)
    image = prepare_photo(encode(paper))
    assert image.max() > 200
    assert (image > 127).sum() > 40


def test_a_long_1_is_not_taken_for_a_ruled_line() -> None:
    paper = Image.new("L", (400, 500), 230)
    ImageDraw.Draw(paper).line([(190, 20), (205, 480)], fill=40, width=8)
    image = prepare_photo(encode(paper))
    assert (image > 127).any(axis=1).sum() == 20
    assert (image > 127).any(axis=0).sum() <= 4


def test_a_hat_apart_belongs_to_its_5_but_a_second_digit_does_not() -> None:
    paper = Image.new("L", (600, 600), 230)
    pen = ImageDraw.Draw(paper)
    pen.line([(150, 150), (150, 260), (250, 300), (250, 400), (140, 420)], fill=40, width=20, joint="curve")
    pen.line([(185, 140), (290, 130)], fill=40, width=20)
    alone = prepare_photo(encode(paper))
    assert (alone[:9] > 127).any(axis=0).sum() >= 7  # the hat
    pen.line([(400, 130), (400, 430)], fill=40, width=20)
    assert np.abs(prepare_photo(encode(paper)).astype(int) - alone).mean() < 1


def test_turning_round_takes_the_other_of_ink_and_paper() -> None:
    frame = Image.new("L", (400, 400), 225)
    pen = ImageDraw.Draw(frame)
    pen.rectangle((100, 60, 300, 340), fill=30)
    pen.line([(200, 110), (200, 290)], fill=225, width=30)
    usual, turned = prepare_photo(encode(frame)), prepare_photo(encode(frame), invert=True)
    assert (usual > 127).sum() != (turned > 127).sum()
    assert (turned > 127).any(axis=0).sum() <= 5  # the light 1 on the dark card


@pytest.mark.parametrize(
    "pixels",
    [np.full((300, 200), 128), np.zeros((300, 200)), np.random.default_rng(0).integers(0, 256, (300, 200))],
    ids=["grey", "black", "noise"],
)
def test_a_photo_without_a_digit_is_refused(pixels: np.ndarray) -> None:
    with pytest.raises(DrawingError, match=r"^No digit found\. Crop closer, or write thicker\.$"):
        prepare_photo(encode(Image.fromarray(pixels.astype(np.uint8))))
