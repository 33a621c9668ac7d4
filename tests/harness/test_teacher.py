"""The teacher follows the student's parameters, and nothing else."""

from types import SimpleNamespace

import pytest
import torch
from mmcv.cnn.bricks import DropPath
from torch import nn

from harness.teacher import FollowStudent, Teacher, alpha_at


class Head(nn.Module):
    align_corners = False

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(4, 5, 1), nn.BatchNorm2d(5), nn.Dropout2d(0.5), DropPath(0.5))

    def forward(self, features):
        return self.layers(features)


@pytest.fixture
def student():
    torch.manual_seed(0)
    return SimpleNamespace(
        backbone=nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Dropout(0.9)), decode_head=Head()
    )


@pytest.mark.parametrize(("update", "alpha"), [(0, 0.0), (1, 0.5), (9, 0.9), (999, 0.999), (5000, 0.999)])
def test_alpha(update, alpha):
    assert alpha_at(update) == pytest.approx(alpha, abs=1e-12)


def test_parameters_follow_by_hand_and_buffers_do_not(student):
    teacher = Teacher(student.backbone, student.decode_head)
    buffers = {name: value.clone() for name, value in teacher.named_buffers()}
    expected = {name: value.clone().double() for name, value in teacher.named_parameters()}
    for update in range(4):
        with torch.no_grad():
            for part in (student.backbone, student.decode_head):
                for parameter in part.parameters():
                    parameter.add_(torch.randn_like(parameter))
                for module in part.modules():
                    if isinstance(module, nn.BatchNorm2d):
                        module.running_mean.add_(1)
                        module.num_batches_tracked += 1
        teacher.follow(student.backbone, student.decode_head, alpha_at(update))
        theirs = dict(student.backbone.named_parameters(prefix="backbone"))
        theirs |= dict(student.decode_head.named_parameters(prefix="decode_head"))
        share = min(1 - 1 / (update + 1), 0.999)
        expected = {name: share * value + (1 - share) * theirs[name].double() for name, value in expected.items()}
        if update == 0:
            assert all(torch.equal(value, theirs[name]) for name, value in teacher.named_parameters())
    for name, value in teacher.named_parameters():
        assert torch.allclose(value.double(), expected[name], atol=1e-5)
        assert not value.requires_grad
    assert all(torch.equal(value, buffers[name]) for name, value in teacher.named_buffers())


def test_normalises_by_what_it_sees_and_drops_nothing(student):
    teacher = Teacher(student.backbone, student.decode_head).train()
    norms = [module for module in teacher.modules() if isinstance(module, nn.BatchNorm2d)]
    assert all(norm.training for norm in norms)
    images = torch.randn(2, 3, 8, 8) * 5 + 3
    first, second = teacher(images), teacher(images)
    assert torch.equal(first, second)
    assert first.shape == (2, 5, 8, 8)
    assert all(int(norm.num_batches_tracked) == 2 for norm in norms)  # running statistics of its own
    assert all(
        int(norm.num_batches_tracked) == 0 for norm in student.backbone.modules() if isinstance(norm, nn.BatchNorm2d)
    )
    assert not torch.equal(first, teacher.eval()(images))


def test_hook_goes_by_the_iterations_number_alone(student):
    teacher = Teacher(student.backbone, student.decode_head)
    shares = []
    teacher.follow = lambda backbone, head, alpha: shares.append(alpha)
    model = SimpleNamespace(teacher=teacher, backbone=None, decode_head=None)
    runner = SimpleNamespace(model=model, iter=0, optim_wrapper=SimpleNamespace())
    for runner.iter in (0, 1, 9, 4000):
        FollowStudent(0.99).before_train_iter(runner, 0)
    assert shares == pytest.approx([0.0, 0.5, 0.9, 0.99])
    runner.optim_wrapper._accumulative_counts = 4
    shares.clear()
    for runner.iter in range(12):  # three steps of four parts each
        FollowStudent(0.99).before_train_iter(runner, 0)
    assert shares == pytest.approx([0.0, 0.5, 2 / 3])
