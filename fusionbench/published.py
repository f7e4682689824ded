"""Published networks with their authors' weights: inference only, by our contract or exactly as their script does it."""

from __future__ import annotations

from torch import Tensor, nn

from fusionbench.method import FusionMethod


class PublishedFusionMethod(FusionMethod):
    """Fuse with a network whose weights its authors published; there is no training.

    With ``official`` the three steps of ``fuse`` repeat the authors' script to the pixel, quirks included: how it
    reads both files, what the network gives, what is stored of that. ``b`` then comes in colour, values are those of
    8-bit files, and the result holds the stored levels over 255, three equal channels where the script stores grey.
    Without it images travel by the contract of ``FusionMethod``.
    """

    network: nn.Module

    def __init__(self, official: bool) -> None:
        super().__init__()
        self.official = official
        if official:
            self.color = "rgb"  # type: ignore[misc]  # this one asks for more than its class
            self.value_step = 1 / 255

    def read(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sources as the network takes them."""
        return a, b

    def output(self, a: Tensor, b: Tensor) -> Tensor:
        """Return what the network gives for sources from ``read``, in its own range."""
        return self.network(a, b)

    def stored(self, output: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """Return the image in [0, 1] for a network's output and the sources as they came."""
        return output.clamp(0, 1)

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        fused = self.stored(self.output(*self.read(a, b)), a, b)
        return fused.expand(-1, 3, -1, -1) if self.official else fused
