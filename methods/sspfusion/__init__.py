"""SSPFusion: self-supervised structure maps guide the fusion of two modalities at three scales."""

from fusionbench.methods.sspfusion.method import SSPFusion

__all__ = ["SSPFusion"]
