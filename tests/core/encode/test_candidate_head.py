"""The candidate head: shapes, tiles, few slices, and that nothing depends on the direction of z."""

import pytest
import torch

from napari_focusfuse.core.encode.candidate_head import KEPT, CandidateHead, Candidates


def _candidates(count, shape=(56, 72), slices=9, seed=0):
    draw = torch.Generator().manual_seed(seed)
    scores = torch.randn((slices, *shape), generator=draw).mul(3)
    best, ranks = scores.topk(count, dim=0)
    greys, energies = (torch.rand((count, *shape), generator=draw) for _ in range(2))
    noise = torch.rand(shape, generator=draw) * 0.02
    return Candidates(best, scores.logsumexp(0), ranks, greys, energies, noise, slices)


@pytest.fixture
def head():
    torch.manual_seed(3)
    head = CandidateHead()
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return head.eval()


def _part(seen, y, x):
    fields = [value[..., y, x] if isinstance(value, torch.Tensor) else value for value in seen]
    return Candidates(*fields)


def test_a_new_head_leaves_the_odds_to_what_is_known():
    """So does it the weights, where all candidates are equally sharp in themselves."""
    seen = _candidates(KEPT)
    seen = seen._replace(energies=torch.ones_like(seen.energies))
    verdict = CandidateHead()(seen)
    torch.testing.assert_close(verdict.scores, seen.scores - seen.scores[:1])
    assert (verdict.mixing.argmax(0) == 0).all()


def test_a_candidate_that_is_sharp_in_itself_gets_more_weight_and_no_better_odds():
    seen = _candidates(KEPT)
    energies = torch.ones_like(seen.energies)
    plain, louder = (
        CandidateHead()(seen._replace(energies=e)) for e in (energies, energies.index_fill(0, torch.tensor(1), 20.0))
    )
    assert (louder.mixing[1] >= plain.mixing[1]).all()
    assert (louder.mixing[1] - plain.mixing[1]).median() > 0.5
    torch.testing.assert_close(louder.scores, plain.scores)


def test_odds_that_no_candidate_is_right_follow_those_of_the_other_slices():
    seen = _candidates(KEPT)
    alone = seen._replace(total=seen.scores.logsumexp(0))
    one, other = CandidateHead()(seen).none, CandidateHead()(alone).none
    assert (one >= other).all()
    assert (one > other).float().mean() > 0.5
    few = _candidates(3, slices=3)
    assert (CandidateHead()(few).none < -1e3).all()


def test_a_candidate_that_is_not_there_is_never_chosen(head):
    seen = _candidates(KEPT)
    gone = seen.scores.clone()
    gone[KEPT - 1] = -1e3
    verdict = head(seen._replace(scores=gone))
    assert (verdict.scores[KEPT - 1] < -1e3).all()
    assert (verdict.mixing[KEPT - 1] < -1e3).all()


@pytest.mark.parametrize("count", [1, 2, 3, KEPT])
def test_stacks_of_few_slices_have_fewer_candidates(head, count):
    seen = _candidates(count, slices=count)
    verdict = head(seen)
    assert verdict.scores.shape == verdict.mixing.shape == (count, 56, 72)
    assert torch.isfinite(verdict.scores).all()


def test_a_part_with_enough_around_it_is_judged_as_the_whole(head):
    seen = _candidates(KEPT, (264, 256))
    whole = head(seen).scores[:, 104:160, 104:152]
    reach = head.reach
    assert reach % head.align == 0
    rows, columns = slice(104 - reach, 160 + reach), slice(104 - reach, 152 + reach)
    part = head(_part(seen, rows, columns)).scores[:, reach : reach + 56, reach : reach + 48]
    torch.testing.assert_close(part, whole, atol=1e-4, rtol=1e-4)


def test_less_around_it_is_not_enough(head):
    """The reach is no wider than it has to be by more than the steps in which tiles are cut."""
    seen = _candidates(KEPT, (264, 256))
    whole = head(seen).scores[:, 104:160, 104:152]
    part = head(_part(seen, slice(64, 200), slice(64, 192))).scores[:, 40:96, 40:88]
    assert (part - whole).abs().max() > 1e-4


def test_a_stack_in_reverse_is_judged_alike(head):
    seen = _candidates(KEPT)
    turned = seen._replace(ranks=seen.slices - 1 - seen.ranks)
    torch.testing.assert_close(head(turned).scores, head(seen).scores)


def test_sizes_that_eight_does_not_divide(head):
    seen = _candidates(KEPT, (13, 21))
    assert head(seen).scores.shape == (KEPT, 13, 21)
