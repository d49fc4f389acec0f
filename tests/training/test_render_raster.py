import numpy as np
import pytest

from training.render.raster import composite, nearest, rasterise, sample


def square(left: float, top: float, side: float, depth: float) -> np.ndarray:
    return np.array(
        [[left, top, depth], [left + side, top, depth], [left + side, top + side, depth], [left, top + side, depth]]
    )


HALVES = np.array([[0, 1, 2], [0, 2, 3]])


def test_a_triangle_covers_the_pixel_centres_inside_it() -> None:
    seen = np.array([[0.0, 0.0, 1.0], [3.0, 0.0, 1.0], [0.0, 3.0, 1.0]])
    found = rasterise(seen, np.array([[0, 1, 2]]), 4, 4)
    # centres (0.5, 0.5), (1.5, 0.5), (0.5, 1.5); (2.5, 0.5), (1.5, 1.5) and (0.5, 2.5) lie on the long edge
    assert sorted(found.pixel.tolist()) == [0, 1, 2, 4, 5, 8]
    assert np.allclose(found.weights.sum(1), 1.0)
    first = found.weights[found.pixel.tolist().index(0)]
    assert np.allclose(first, [1 - 1 / 3, 1 / 6, 1 / 6])


def test_triangles_seen_from_behind_count_and_edge_on_or_outside_do_not() -> None:
    seen = np.array([[0.0, 0.0, 1.0], [2.0, 0.0, 1.0], [0.0, 2.0, 1.0], [4.0, 4.0, 1.0], [-9.0, -9.0, 1.0]])
    assert len(rasterise(seen, np.array([[0, 2, 1]]), 4, 4).pixel) == 3
    assert len(rasterise(seen, np.array([[0, 3, 3]]), 4, 4).pixel) == 0
    assert len(rasterise(seen - 100, np.array([[0, 1, 2]]), 4, 4).pixel) == 0


def test_depth_and_values_are_interpolated_between_corners() -> None:
    seen = np.array([[0.0, 0.0, 0.0], [4.0, 0.0, 4.0], [4.0, 4.0, 4.0], [0.0, 4.0, 0.0]])
    found = rasterise(seen, HALVES, 4, 4)
    depth = nearest(found, 4, 4)
    assert np.allclose(depth, [[0.5, 1.5, 2.5, 3.5]] * 4)
    values = found.interpolate(seen[HALVES][..., :1])
    assert np.allclose(values[:, 0], found.pixel % 4 + 0.5)


def test_the_nearer_of_two_surfaces_is_seen_whichever_is_drawn_first() -> None:
    for order in ((1.0, 2.0), (2.0, 1.0)):
        points = np.concatenate([square(0, 0, 2, order[0]), square(0, 0, 2, order[1])])
        found = rasterise(points, np.concatenate([HALVES, HALVES + 4]), 2, 2)
        assert np.all(nearest(found, 2, 2) == 1.0)
        rgba = np.where((found.depth == 1.0)[:, None], [1.0, 0, 0, 1], [0, 1.0, 0, 1])
        image = composite(found.pixel, found.depth, rgba, np.zeros((len(rgba), 3)), np.zeros((2, 2, 3)))
        assert np.allclose(image, [1.0, 0.0, 0.0])


def test_transparent_layers_are_blended_from_the_back_whatever_their_order() -> None:
    depth = np.array([1.0, 3.0, 2.0, 4.0])
    rgba = np.array([[1.0, 0, 0, 0.5], [0, 0, 1.0, 1], [0, 1.0, 0, 0.5], [1.0, 1, 1, 1]])  # the last is hidden
    expected = [0.5, 0.25, 0.25]  # blue, half covered by green, half covered by red
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
        image = composite(np.zeros(4, int), depth[order], rgba[order], np.zeros((4, 3)), np.ones((1, 1, 3)))
        assert np.allclose(image[0, 0], expected)


def test_a_clear_surface_shows_what_is_behind_it_and_its_highlight() -> None:
    shine = np.array([[0.0, 0, 0], [0.25, 0.25, 0.25]])
    rgba = np.array([[0.5, 0.25, 0.0, 1.0], [9.0, 9, 9, 0.0]])
    image = composite(np.zeros(2, int), np.array([2.0, 1.0]), rgba, shine, np.zeros((1, 2, 3)))
    assert np.allclose(image, [[[0.75, 0.5, 0.25], [0, 0, 0]]])
    empty = composite(np.zeros(0, int), np.zeros(0), np.zeros((0, 4)), np.zeros((0, 3)), np.full((1, 1, 3), 0.5))
    assert np.allclose(empty, 0.5)


@pytest.mark.parametrize(
    ("uv", "expected"),
    [((0.25, 0.75), 10.0), ((0.75, 0.25), 40.0), ((0.5, 0.75), 15.0), ((0.5, 0.5), 25.0), ((1.25, 0.75), 10.0)],
)
def test_a_texture_is_read_between_texels_its_first_row_on_top(uv: tuple[float, float], expected: float) -> None:
    texture = np.array([[[10], [20]], [[30], [40]]], np.uint8)
    assert sample(texture, np.array([uv])).tolist() == [[expected]]
