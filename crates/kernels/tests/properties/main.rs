//! Every kernel against the reference implementation with Burn's own operations, in value and gradient: on each CPU
//! backend in f32 and f64, and on Mesa's software Vulkan in f32.

mod elementwise;
mod layers;
mod linear;
mod loss;
#[cfg(feature = "wgpu")]
mod optimizers;
mod rejected_input;

use burn::tensor::{DType, Device, Tensor, TensorData};

/// The element types that have kernels, and their tolerances on `device`. f64 needs the feature `f64`.
fn settings(device: &Device) -> Vec<(DType, f64)> {
    // Burn's own σ in f64 on NdArray is only as accurate as f32.
    let exact = if *device == Device::flex() { 1e-12 } else { 1e-6 };
    let f64s = cfg!(feature = "f64").then_some((DType::F64, exact));
    f64s.into_iter().chain([(DType::F32, 2e-5)]).collect()
}

#[allow(deprecated)]
fn devices() -> Vec<Device> {
    vec![
        Device::flex(),
        #[cfg(feature = "ndarray")]
        Device::ndarray(),
    ]
}

/// Values that depend only on `seed` and their position.
fn tensor<const D: usize>(seed: usize, dims: [usize; D], (device, dtype): At) -> Tensor<D> {
    let count: usize = dims.iter().product();
    let value = |at: usize| ((at * 7919 + seed * 104_729) % 1_009) as f64 / 1_009.0 - 0.5;
    let values: Vec<f64> = (0..count).map(value).collect();
    Tensor::from_data(TensorData::new(values, dims), (device, dtype))
}

type At<'a> = (&'a Device, DType);

fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.clone().try_into_vec_as().unwrap()
}

fn assert_close<const D: usize>(found: &Tensor<D>, expected: &Tensor<D>, tolerance: f64, what: &str) {
    assert_eq!(found.dims(), expected.dims(), "{what}");
    assert_near(&values(found), &values(expected), tolerance, what);
}

fn assert_near(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1f64, |largest, x| largest.max(x.abs()));
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= tolerance * largest, "{what}: {found} {expected}");
    }
}

/// A GPU emulated by Mesa's software Vulkan; if there is none, prints that the test is skipped.
#[cfg(feature = "wgpu")]
fn gpu() -> Option<Device> {
    // Opened once: two tests must not open it at the same time.
    static GPU: std::sync::OnceLock<Option<Device>> = std::sync::OnceLock::new();
    let open = || {
        let options = Device::wgpu_options().device_kind(burn::tensor::DeviceKind::Cpu);
        // Directly to stderr: the test runner captures what a test prints.
        let skip = |error| {
            let message = format!("skipped: no software Vulkan here ({error})\n");
            std::io::Write::write_all(&mut std::io::stderr(), message.as_bytes()).unwrap_or_default();
        };
        options.init().map_err(skip).ok()
    };
    GPU.get_or_init(open).clone()
}
