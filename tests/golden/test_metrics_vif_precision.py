"""VIF against its definition in extended precision: where a reference differs from us, it is further off."""

import numpy as np
import pytest
from golden_files import SYNTHETIC, TANG, channels, golden, triples

from fusionbench.metrics import score

pytestmark = pytest.mark.skipif(
    np.finfo(np.longdouble).eps > 1e-18, reason="this machine's long double is no wider than double"
)


def smooth(x: np.ndarray, size: int) -> np.ndarray:
    offsets = np.arange(size, dtype=np.longdouble) - size // 2
    weights = np.exp(-(offsets**2) / (2 * (np.longdouble(size) / 5) ** 2))
    weights /= weights.sum()
    rows = sum(weight * x[i : x.shape[0] - size + 1 + i] for i, weight in enumerate(weights))
    return sum(weight * rows[:, i : x.shape[1] - size + 1 + i] for i, weight in enumerate(weights))


def vifp(source: np.ndarray, fused: np.ndarray) -> np.longdouble:
    kept = own = np.longdouble(0)
    for size in (17, 9, 5, 3):
        if size < 17:
            source, fused = smooth(source, size)[::2, ::2], smooth(fused, size)[::2, ::2]
        mean_s, mean_f = smooth(source, size), smooth(fused, size)
        var_s, var_f = smooth(source**2, size) - mean_s**2, smooth(fused**2, size) - mean_f**2
        cov = smooth(source * fused, size) - mean_s * mean_f
        var_s, seen = np.where(var_s < 1e-10, 0, var_s), var_f >= 1e-10
        gain = np.where((cov > 0) & seen, cov / (var_s + 1e-10), 0)
        noise = np.maximum(np.where(seen, var_f, 0) - gain * cov, 1e-10)
        kept += np.log1p(gain**2 * var_s / (noise + 2)).sum()
        own += np.log1p(var_s / 2).sum()
    return kept / own


def extended(folder, triple: str) -> float:
    a, b, fused = (image.astype(np.longdouble) for image in channels(folder, triple))
    return vifp(a, fused) + vifp(b, fused)


@pytest.mark.parametrize("triple", [name for name in triples(SYNTHETIC) if name != "zero_source"])
def test_patterns(triple):
    ours = score(*channels(SYNTHETIC, triple), metrics="VIF")["VIF"].value
    assert ours == pytest.approx(float(extended(SYNTHETIC, triple)), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize(
    ("triple", "relative"),
    [("ivif_tno01_seafusion", 1e-10), ("deg_saturated_255", 1e-6)],  # windows at 255 are flat up to rounding
)
def test_where_a_reference_is_further_off_than_we_are(triple, relative, shared_golden):
    folder = shared_golden / "real"
    exact, ours = extended(folder, triple), score(*channels(folder, triple), metrics="VIF")["VIF"].value
    assert ours == pytest.approx(float(exact), rel=relative)
    assert abs(ours - exact) < abs(golden(folder)[triple, "VIF", TANG] - exact)
