//! Whether a fused kernel or Burn's own operations compute.

use burn::backend::DispatchDevice;
use burn::tensor::{DType, Device, Tensor};

use crate::cpu::bf16::Operands;

/// Which implementation computes layers, losses and optimizer steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KernelMode {
    /// This crate's fused kernels, where the device has them.
    #[default]
    Fused,
    /// The same, with the factors of the matrix products of layers and losses rounded to bf16 on CPU backends; sums are
    /// in f32. Slow unless the processor has AVX512-BF16 (see [`has_bf16_instruction`](crate::has_bf16_instruction)).
    FusedBf16,
    /// Burn's own operations everywhere.
    Composed,
}

impl KernelMode {
    /// Whether layers, losses and optimizers are all fused on `device`, as they are on CPU backends.
    pub fn fuses_all(self, device: &Device) -> bool {
        self.support(device) == KernelSupport::All
    }

    /// Whether an optimizer step is one fused pass over each tensor of this type on `device`.
    pub fn fuses_optimizers(self, device: &Device, dtype: DType) -> bool {
        is_kernel_type(dtype) && self.support(device) != KernelSupport::None
    }

    /// How the factors of products are rounded.
    pub(crate) fn operands(self) -> Operands {
        match self {
            Self::Fused | Self::Composed => Operands::Unrounded,
            Self::FusedBf16 => Operands::Bf16,
        }
    }

    /// What is fused for tensors on `device`.
    pub(crate) fn support(self, device: &Device) -> KernelSupport {
        match self {
            Self::Fused | Self::FusedBf16 => supported_by(device.as_dispatch()),
            Self::Composed => KernelSupport::None,
        }
    }
}

/// Whether there are kernels for this element type: f32, and f64 with the feature `f64`.
pub(crate) fn is_kernel_type(dtype: DType) -> bool {
    dtype == DType::F32 || cfg!(feature = "f64") && dtype == DType::F64
}

/// Whether there are CPU kernels for this tensor. For operations that `KernelMode` does not switch, because kernel and Burn
/// compute the same values.
pub(crate) fn has_cpu_kernels<const D: usize>(tensor: &Tensor<D>) -> bool {
    is_kernel_type(tensor.dtype()) && KernelMode::Fused.fuses_all(&tensor.device())
}

/// The operations that have kernels on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KernelSupport {
    /// Layers, losses and optimizers.
    All,
    /// Layers and optimizers, but not the loss.
    #[cfg(feature = "cube")]
    LayersAndOptimizers,
    /// Nothing.
    None,
}

fn supported_by(device: &DispatchDevice) -> KernelSupport {
    match device {
        DispatchDevice::Flex(_) => KernelSupport::All,
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => KernelSupport::All,
        #[cfg(feature = "cube")]
        DispatchDevice::Cube(_) => KernelSupport::LayersAndOptimizers,
        DispatchDevice::Autodiff(device) => supported_by(device),
        // Any other backend that is compiled in.
        #[allow(unreachable_patterns)]
        _ => KernelSupport::None,
    }
}
