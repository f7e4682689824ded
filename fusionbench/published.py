"""The base class of published networks with their authors' weights, which are not trained here."""

from __future__ import annotations

from torch import Tensor, nn

from fusionbench.method import FusionMethod


class PublishedFusionMethod(FusionMethod):
    """A method with the network and the weights that its authors published, for inference only.

    Fusing has three steps: `read` converts the sources to the network's input, `output` runs the network, `stored`
    converts its output to an image. With ``official=True`` they reproduce the authors' script pixel by pixel, with its
    peculiarities: ``b`` is then in colour, values are multiples of 1/255, and the result has the levels that the script
    stores, divided by 255, with three equal channels where it stores a grey image. With ``official=False`` images are
    handled as in `FusionMethod`.
    """

    network: nn.Module

    def __init__(self, official: bool) -> None:
        super().__init__()
        self.official = official
        if official:
            self.color = "rgb"  # type: ignore[misc]  # the authors' scripts read colour files themselves
            self.value_step = 1 / 255

    def read(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sources as the network expects them; by default unchanged."""
        return a, b

    def output(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the network's output for sources from `read`, in the network's own range."""
        return self.network(a, b)

    def stored(self, output: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """Return the image in [0, 1] for the network's output; ``a`` and ``b`` are the sources before `read`."""
        return output.clamp(0, 1)

    def fuse(self, a: Tensor, b: Tensor) -> Tensor:
        """Fuse as `FusionMethod.fuse` specifies."""
        fused = self.stored(self.output(*self.read(a, b)), a, b)
        return fused.expand(-1, 3, -1, -1) if self.official else fused
