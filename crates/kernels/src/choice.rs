//! Whether a kernel or Burn's own operations compute.

use std::sync::atomic::{AtomicBool, Ordering};

use burn::backend::DispatchDevice;
use burn::tensor::Device;

static FUSED: AtomicBool = AtomicBool::new(true);

/// Turns the kernels of the whole process on, as they are at first, or off.
pub fn fuse(on: bool) {
    FUSED.store(on, Ordering::Relaxed);
}

/// Whether all kernels compute for tensors on `device`, as they do where those lie in the machine's own memory.
pub fn are_fused(device: &Device) -> bool {
    reach(device) == Reach::Everything
}

/// Whether an optimizer's step is one pass over each tensor on `device`.
pub fn updates_are_fused(device: &Device) -> bool {
    reach(device) != Reach::Nothing
}

/// What there are kernels for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Layers, the loss, optimizers.
    Everything,
    /// Layers and optimizers, not the loss.
    LayersAndUpdates,
    /// Nothing.
    Nothing,
}

/// What the kernels compute for tensors on `device`.
pub(crate) fn reach(device: &Device) -> Reach {
    match FUSED.load(Ordering::Relaxed) {
        true => at(device.as_dispatch()),
        false => Reach::Nothing,
    }
}

fn at(device: &DispatchDevice) -> Reach {
    match device {
        DispatchDevice::Flex(_) => Reach::Everything,
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => Reach::Everything,
        #[cfg(feature = "cube")]
        DispatchDevice::Cube(_) => Reach::LayersAndUpdates,
        DispatchDevice::Autodiff(device) => at(device),
        // Whatever else is compiled in, if anything is.
        #[allow(unreachable_patterns)]
        _ => Reach::Nothing,
    }
}
