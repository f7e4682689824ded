"""Quality of the fused image alone as judged by vision-language models: LIQE and CLIP-IQA of pyiqa."""

from __future__ import annotations

import torch

from fusionbench.method.arithmetic import full_float32
from fusionbench.metrics.image_cache import Outcome, Triple
from fusionbench.metrics.registry import metric

AT_ONCE = 2**20  # pixels per call: LIQE copies each into 49 windows, which takes about 600 bytes in float32


@metric(
    name="LIQE",
    title="Language-image quality evaluator",
    better="higher",
    unit="1",
    range=(1, 5),
    convention="the fused image alone, in red, green and blue, 15 windows of 224x224; weights trained on KonIQ-10k, "
    "as pyiqa's liqe",
    doi="10.1109/CVPR52729.2023.01352",
    smallest=224,
    planes="rgb",
    weights=("liqe-koniq",),
)
def language_image_quality(triple: Triple) -> Outcome:
    """Return LIQE, in [1, 5]: the expected grade from the similarity of F to the prompts of five grades.

    The logits of 15 windows of 224x224 are averaged before the softmax. Source: Zhang et al. 2023, as in pyiqa.
    """
    return _by_model(triple, "liqe", "liqe-koniq")


@metric(
    name="LIQE-mix",
    title="Language-image quality evaluator, mixed training",
    better="higher",
    unit="1",
    range=(1, 5),
    convention="the fused image alone, in red, green and blue, 15 windows of 224x224; weights trained on six data "
    "sets with scenes and distortions, as pyiqa's liqe_mix",
    doi="10.1109/CVPR52729.2023.01352",
    smallest=224,
    planes="rgb",
    weights=("liqe-mix",),
)
def language_image_quality_mixed(triple: Triple) -> Outcome:
    """Return LIQE, in [1, 5], with prompts of nine scenes and eleven distortions. Source: Zhang et al. 2023 by pyiqa."""
    return _by_model(triple, "liqe_mix", "liqe-mix")


@metric(
    name="CLIP-IQA",
    title="CLIP image quality assessment",
    better="higher",
    unit="1",
    range=(0, 1),
    convention="the fused image alone, in red, green and blue, whole; the mean over five pairs of opposite prompts, "
    "as pyiqa's clipiqa, where the paper has one pair",
    doi="10.1609/aaai.v37i2.25353",
    smallest=32,
    planes="rgb",
    weights=("clip-rn50",),
)
def clip_image_quality(triple: Triple) -> Outcome:
    """Return CLIP-IQA, in [0, 1]: the mean probability of the positive prompt of five opposite pairs.

    Source: Wang et al. 2023, as in pyiqa, which has five pairs instead of the paper's one.
    """
    return _by_model(triple, "clipiqa", "clip-rn50")


def _by_model(triple: Triple, name: str, weights: str) -> Outcome:
    from fusionbench.metrics.learned.iqa_models import model

    levels = triple.fused.levels
    network = model(name, weights, levels.device)
    step = max(1, AT_ONCE // triple.fused.count)
    with torch.inference_mode(), full_float32():
        distances = [network(part.float() / 255).flatten().double() for part in levels.split(step)]
    return Outcome(torch.cat(distances))
