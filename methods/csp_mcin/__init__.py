"""CSP-MCIN: cross-modal Transformers and gates fuse SAR with optical under a correlation and a CLIP-guided loss."""

from fusionbench.methods.csp_mcin.method import CSPMCIN

__all__ = ["CSPMCIN"]
