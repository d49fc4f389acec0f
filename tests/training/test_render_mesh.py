from pathlib import Path

import numpy as np
import pytest

from assistant.errors import FacecueError
from tests.render_builders import write_fit, write_square, write_target
from training.render.mesh import normals, read_fit, read_mesh, read_target


def test_a_square_becomes_two_triangles_that_keep_their_places_on_the_texture(tmp_path: Path) -> None:
    write_square(tmp_path / "a.obj", 0.0, 0.0, 2.0, 1.0)
    mesh = read_mesh(tmp_path / "a.obj")
    assert mesh.triangles.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert mesh.uv[1].tolist() == [[0, 0], [1, 1], [0, 1]]
    assert normals(mesh.points, mesh.triangles).tolist() == [[0, 0, 1]] * 4


def test_only_the_named_groups_are_read(tmp_path: Path) -> None:
    write_square(tmp_path / "a.obj", 0.0, 0.0, 2.0, 1.0)
    text = (tmp_path / "a.obj").read_text(encoding="utf-8")
    (tmp_path / "a.obj").write_text(text + "g joint\nf 1/1 2/2 3/3\n", encoding="utf-8")
    assert len(read_mesh(tmp_path / "a.obj").triangles) == 3
    assert len(read_mesh(tmp_path / "a.obj", ("body",)).triangles) == 2


def test_a_target_lists_rows_and_offsets_and_may_be_empty(tmp_path: Path) -> None:
    write_target(tmp_path / "a.target", (7, 0.5, -0.25, 0.0))
    target = read_target(tmp_path / "a.target")
    assert target.rows.tolist() == [7]
    assert target.offsets.tolist() == [[0.5, -0.25, 0.0]]
    write_target(tmp_path / "b.target")
    assert len(read_target(tmp_path / "b.target").rows) == 0


def test_a_part_follows_the_base_mesh_and_its_size(tmp_path: Path) -> None:
    ties = "0 1 2 0.5 0.25 0.25 0.0 0.1 0.0\n3\n"
    scales = "x_scale 0 1 1.0\ny_scale 1 2 1.0\nz_scale 0 3 1.0\n"
    (tmp_path / "a.mhclo").write_text(f"name made up\n{scales}material x\nverts 0\n{ties}", encoding="utf-8")
    base = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [2.0, 3.0, 0.0], [0.0, 0.0, 4.0]])
    placed = read_fit(tmp_path / "a.mhclo").place(base)
    # 0.5 * (0, 0, 0) + 0.25 * (2, 0, 0) + 0.25 * (2, 3, 0), and 0.1 up times a height three times as large
    assert np.allclose(placed, [[1.0, 0.75 + 0.3, 0.0], [0.0, 0.0, 4.0]])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("gone.obj", None),
        ("none.obj", "v 0 0 0\n"),
        ("word.obj", "v 0 zero 0\nvt 0 0\nf 1/1 1/1 1/1\n"),
        ("plain.obj", "v 0 0 0\nvt 0 0\nf 1 1 1\n"),
        ("range.obj", "v 0 0 0\nvt 0 0\nf 1/1 2/1 1/1\n"),
        ("uv.obj", "v 0 0 0\nvt 0 0\nf 1/1 1/2 1/1\n"),
        ("binary.obj", "\x00\x01"),
        ("short.target", "1 0.5 0.5\n2 0.5\n"),
        ("word.target", "1 0 x 0\n"),
        ("none.mhclo", "name a\n"),
        ("scale.mhclo", "x_scale 0 1 1\nverts 0\n1\n"),
        ("row.mhclo", "x_scale 0 1 1\ny_scale 0 1 1\nz_scale 0 1 1\nverts 0\n1 2\n1 2 3 4 5 6 7 8 9\n"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, text: str | None) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    read = {".obj": read_mesh, ".target": read_target, ".mhclo": read_fit}[Path(name).suffix]
    with pytest.raises(FacecueError, match=name):
        read(tmp_path / name)


def test_a_folder_with_undecodable_bytes_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "a.obj").write_bytes(b"v 0 0 0\n\xff\xfe\n")
    with pytest.raises(FacecueError, match=r"a\.obj"):
        read_mesh(tmp_path / "a.obj")
    write_fit(tmp_path / "a.mhclo")
    assert read_fit(tmp_path / "a.mhclo").rows.shape == (4, 3)
