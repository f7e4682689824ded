"""DSIFuse: semantic priors guide the fusion of infrared and visible features at three levels."""

from fusionbench.methods.dsifuse.method import DSIFuse

__all__ = ["DSIFuse"]
