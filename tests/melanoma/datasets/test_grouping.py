"""Groups have distinct names, and links join them."""

import pytest

from melanoma.datasets.grouping import GROUP_PREFIX, distinct_groups, join_groups
from tests.helpers.labelled import labelled


def groups_after(links: list[tuple[str, str]], **groups: str) -> dict[str, str]:
    photographs = [labelled(image_id, group=group) for image_id, group in groups.items()]
    return {p.image_id: p.group for p in join_groups(photographs, links)}


def test_groups_that_are_not_the_id_of_a_photograph_stay_as_they_are() -> None:
    assert distinct_groups(["a", "b", "c"], ["L1", "L1", ""]) == ["L1", "L1", ""]


def test_a_group_named_after_its_only_photograph_stays_as_it_is() -> None:
    assert distinct_groups(["a", "b"], ["a", "L1"]) == ["a", "L1"]


def test_a_lesion_named_after_another_photograph_is_not_mistaken_for_it() -> None:
    assert distinct_groups(["a", "b", "c"], ["", "a", ""]) == ["", f"{GROUP_PREFIX}a", ""]
    assert distinct_groups(["a", "b", "c"], ["a", "a", "L1"]) == [f"{GROUP_PREFIX}{name}" for name in ("a", "a", "L1")]


def test_without_links_nothing_changes() -> None:
    assert groups_after([], a="L1", b="L2") == {"a": "L1", "b": "L2"}


def test_links_join_through_other_groups_in_any_order() -> None:
    links = [("L3", "L4"), ("L1", "L2"), ("L2", "L3")]
    for order in (links, links[::-1]):
        joined = groups_after(order, a="L1", b="L2", c="L3", d="L4", e="L5")
        assert joined == {"a": "L1", "b": "L1", "c": "L1", "d": "L1", "e": "L5"}


def test_a_joined_group_prefers_a_name_that_is_not_the_id_of_a_photograph() -> None:
    assert groups_after([("a", "L9")], a="a", b="L9") == {"a": "L9", "b": "L9"}
    assert groups_after([("b", "a")], a="a", b="b") == {"a": "a", "b": "a"}


def test_a_link_of_a_group_with_itself_or_a_circle_of_links_ends() -> None:
    links = [("L1", "L1"), ("L1", "L2"), ("L2", "L3"), ("L3", "L1")]
    assert set(groups_after(links, a="L1", b="L2", c="L3").values()) == {"L1"}


@pytest.mark.parametrize("seed", range(3))
def test_joining_agrees_with_the_connected_components_of_a_graph(seed: int) -> None:
    scipy_sparse = pytest.importorskip("scipy.sparse")
    np = pytest.importorskip("numpy")
    rng = np.random.default_rng(seed)
    pairs = rng.integers(0, 30, (20, 2))
    graph = scipy_sparse.coo_array((np.ones(20), (pairs[:, 0], pairs[:, 1])), shape=(30, 30))
    _, component = scipy_sparse.csgraph.connected_components(graph, directed=False)
    joined = groups_after([(f"L{one}", f"L{other}") for one, other in pairs], **{f"p{i}": f"L{i}" for i in range(30)})
    for one in range(30):
        for other in range(one):
            assert (joined[f"p{one}"] == joined[f"p{other}"]) == (component[one] == component[other])


def test_joining_keeps_the_order_and_all_other_fields() -> None:
    photographs = [labelled("b", "melanoma", "1", "L2"), labelled("a", "nevus", "2", "L1")]
    joined = join_groups(photographs, [("L1", "L2")])
    assert [(p.image_id, p.sha256, p.label, p.uri) for p in joined] == [
        (p.image_id, p.sha256, p.label, p.uri) for p in photographs
    ]
