"""PyTorch with all of its MKL: started with `harness.mkl_environment`.

MKL takes its AVX-512 kernels on Intel's processors only; on others it stays at half the machine's
peak unless told that the processor is Intel's. Nobody's default, but PyTorch's best.
"""

from contenders.pytorch import prepare

__all__ = ["prepare"]
