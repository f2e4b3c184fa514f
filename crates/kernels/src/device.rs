//! The device that is used if the caller names none.

use burn::tensor::Device;

/// The default device: the CPU with the first backend of NdArray and Flex that is enabled by a feature of this crate.
/// A build with a feature for GPUs and none for CPUs uses its GPU, and a build without any feature uses Flex.
///
/// `Device::default()` is not used because it depends on the environment variable `BURN_DEVICE` and may be a GPU.
#[allow(deprecated)] // Burn deprecates NdArray, which is still this project's default backend.
pub fn default_device() -> Device {
    cfg_select! {
        feature = "ndarray" => Device::ndarray(),
        feature = "flex" => Device::flex(),
        feature = "wgpu" => Device::wgpu(burn::tensor::DeviceKind::DefaultDevice),
        feature = "cuda" => Device::cuda(0),
        _ => Device::flex(),
    }
}
