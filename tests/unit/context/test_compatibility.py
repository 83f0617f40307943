import numpy as np
import pytest
from hypothesis import given

from pipeline.context.compatibility import bought_together, category_joints, compatible_categories
from tests.support.stores import BASKETS, history_of_store, numbered

NONE = np.zeros((3, 0))
NAMES = ["Cups", "Tea", "Toys"]


@given(BASKETS)
def test_joints_count_orders_that_hold_both_categories(rows: list[list[int]]) -> None:
    category = np.array([0, 0, 1, 1, 2, 2, 2], dtype=np.int32)

    joint = category_joints(history_of_store(numbered(rows)), category, 3)

    held = [{int(category[item]) for item in row} for row in rows]
    assert joint.tolist() == [[sum({a, b} <= one for one in held) for b in range(3)] for a in range(3)]


def test_lift_of_one_over_three_orders_is_together() -> None:
    # 20 orders: Cups 6, Tea 10, together 3 = 6·10/20; Toys 10, with Cups 2; with Tea 4 of 5 expected
    joint = np.array([[6, 3, 2], [3, 10, 4], [2, 4, 10]])

    assert bought_together(joint, 20).tolist() == [
        [True, True, False], [True, True, False], [False, False, True],
    ]  # fmt: skip


def test_a_category_goes_with_itself_and_with_an_unknown_one() -> None:
    joint = np.zeros((3, 3), dtype=np.int64)

    found = compatible_categories(joint, 0, NONE, ["Cups", "Tea", "uncategorised"])

    assert found.tolist() == [[True, False, True], [False, True, True], [True, True, True]]


def test_without_joint_orders_text_decides_by_the_median_pair() -> None:
    centroids = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])

    found = compatible_categories(np.zeros((3, 3), dtype=np.int64), 10, centroids, NAMES)

    # cosines 0.8 (Cups, Tea), 0 (Cups, Toys), 0.6 (Tea, Toys): the median is 0.6
    assert found.tolist() == [[True, True, False], [True, True, True], [False, True, True]]


def test_orders_that_speak_against_a_pair_are_not_overruled_by_text() -> None:
    joint = np.array([[50, 3, 0], [3, 50, 0], [0, 0, 5]])
    alike = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])

    found = compatible_categories(joint, 100, alike, NAMES)

    # 3 joint orders where chance gives 25
    assert not found[0, 1]


@pytest.mark.parametrize("width", [0, 1])
def test_stores_of_no_or_one_category_need_no_median(width: int) -> None:
    names = NAMES[:width]

    found = compatible_categories(np.zeros((width, width), dtype=np.int64), 0, np.zeros((width, 4)), names)

    assert found.tolist() == [[True]] * width
