//! Whether a kernel or Burn's own operations compute.

use std::sync::atomic::{AtomicBool, Ordering};

use burn::backend::DispatchDevice;
use burn::tensor::Device;

static FUSED: AtomicBool = AtomicBool::new(true);

/// Turns the kernels of the whole process on, as they are at first, or off.
pub fn fuse(on: bool) {
    FUSED.store(on, Ordering::Relaxed);
}

/// Whether the kernels compute for tensors on `device`.
pub fn are_fused(device: &Device) -> bool {
    FUSED.load(Ordering::Relaxed) && is_host(device.as_dispatch())
}

/// Whether the device's tensors lie in the machine's own memory, in a way that the kernels know.
fn is_host(device: &DispatchDevice) -> bool {
    match device {
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => true,
        DispatchDevice::Autodiff(device) => is_host(device),
        _ => false,
    }
}
