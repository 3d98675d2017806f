"""The candidates of a pixel, the weights they get, and the head that decides between them."""

import pytest
import torch

from napari_focusfuse.core.decide.rivals import Contest, mixed, rivals
from napari_focusfuse.core.edge_head import EdgeHead

SLICES, KEPT, SIDE = 12, 4, 24


@pytest.fixture
def contest():
    """A contest at random: the four best of twelve slices."""
    generator = torch.Generator().manual_seed(4)
    scores = torch.randn((KEPT, SIDE, SIDE), generator=generator).sort(dim=0, descending=True).values
    ranks = torch.rand((SLICES, SIDE, SIDE), generator=generator).argsort(dim=0)[:KEPT]
    greys, energies = (torch.rand((KEPT, SIDE, SIDE), generator=generator) for _ in range(2))
    return Contest(scores, ranks, greys, energies, SLICES, 0.02, 0.01)


@pytest.fixture
def head():
    """A head that says something: as it begins, it corrects nothing."""
    torch.manual_seed(5)
    head = EdgeHead()
    torch.nn.init.normal_(head.out.weight)
    return head


def columns(*pixels):
    """A map (K, 1, X) from what each pixel has."""
    return torch.tensor(pixels).T[:, None, :]


def test_neighbours_go_with_the_best_and_the_best_of_the_others_is_its_rival():
    scores = columns([3.0, 2.0, 1.0, 0.5], [3.0, 2.0, 1.0, 0.5], [3.0, 2.0, 1.0, 0.5])
    found = rivals(scores, columns([5, 6, 9, 1], [5, 3, 7, 6], [0, 11, 1, 2]), SLICES)
    assert found.own[:, 0].T.tolist() == [[True, True, False, False], [True] * 4, [True, False, True, True]]
    assert found.there[0, 0].tolist() == [True, False, True]
    assert found.second[0, 0].tolist() == [2, 0, 1]


@pytest.mark.parametrize("slices", [2, 3])
def test_of_few_slices_each_stands_alone(slices):
    scores, ranks = columns([3.0, 2.0, 1.0][:slices]), columns([1, 0, 2][:slices])
    found = rivals(scores, ranks, slices)
    assert found.own[:, 0, 0].tolist() == [True, False, False][:slices]
    assert found.second.item() == 1
    assert rivals(scores, ranks, 4).own.all()


def test_a_single_slice_has_no_rival():
    scores, ranks = torch.zeros(1, 2, 2), torch.zeros(1, 2, 2, dtype=torch.int64)
    found = rivals(scores, ranks, 1)
    assert not found.there.any()
    assert torch.equal(mixed(scores, found, torch.zeros(1, 2, 2), 8.0, 2.0), torch.ones(1, 2, 2))


@pytest.mark.parametrize("lead", [-50.0, -1.0, 0.0, 50.0])
def test_weights_sum_to_one(contest, lead):
    found = rivals(contest.scores, contest.ranks, SLICES)
    weights = mixed(contest.scores, found, torch.full((1, SIDE, SIDE), lead), 8.0, 2.0)
    assert weights.min() >= 0
    torch.testing.assert_close(weights.sum(dim=0), torch.ones(SIDE, SIDE))
    own = (weights * found.own).sum(dim=0)[found.there[0]]
    torch.testing.assert_close(own, torch.sigmoid(torch.tensor(2 * lead)).expand_as(own))


def test_without_a_rival_all_goes_to_the_best_and_its_neighbours(contest):
    near = contest.ranks[:1] + torch.tensor([0, 1, -1, 2])[:, None, None]
    found = rivals(contest.scores, near, SLICES)
    assert not found.there.any()
    lead = torch.full((1, SIDE, SIDE), -9.0)
    weights = mixed(contest.scores, found, lead, 3.0, 2.0)
    torch.testing.assert_close(weights, torch.softmax(3 * contest.scores, dim=0))


def test_a_head_that_has_learnt_nothing_says_what_the_scores_say(contest):
    found = rivals(contest.scores, contest.ranks, SLICES)
    with torch.no_grad():
        lead = EdgeHead()(contest, found)
    torch.testing.assert_close(lead, contest.scores[:1] - contest.scores.gather(0, found.second))


def test_the_same_lead_for_a_stack_in_reverse(contest, head):
    reverse = contest._replace(ranks=SLICES - 1 - contest.ranks)
    with torch.no_grad():
        lead, other = (head(each, rivals(each.scores, each.ranks, SLICES)) for each in (contest, reverse))
        one_way = head.one_way(contest, rivals(contest.scores, contest.ranks, SLICES), 1)
    torch.testing.assert_close(lead, other, rtol=0, atol=1e-4)
    assert (lead - one_way).abs().max() > 0.1


def test_the_head_sees_no_farther_than_its_reach(head):
    generator = torch.Generator().manual_seed(4)
    side = 2 * head.reach + 9
    scores = torch.rand((2, side, side), generator=generator).sort(dim=0, descending=True).values
    ranks = torch.tensor([1, 8])[:, None, None].expand(2, side, side)
    greys, energies = (torch.rand((2, side, side), generator=generator) for _ in range(2))
    middle, seen = side // 2, []
    for rank in (1, 4):
        there = ranks.clone()
        there[0, middle, middle] = rank
        contest = Contest(scores, there, greys, energies, SLICES, 0.02, 0.01)
        with torch.no_grad():
            seen.append(head(contest, rivals(scores, there, SLICES))[0])
    moved = ((seen[0] - seen[1]).abs() > 1e-4).nonzero() - middle
    assert 0 < moved.abs().max() <= head.reach
