//! Every kernel against the equations on Burn's own operations, in value and in gradient, on each CPU
//! backend, in f32 and f64, and on Mesa's software Vulkan in f32.

mod layers;
mod loss;
#[cfg(feature = "wgpu")]
mod optimizers;
mod refused;

use burn::tensor::{DType, Device, Tensor, TensorData};

/// How close is equal, on `device`.
fn settings(device: &Device) -> [(DType, f64); 2] {
    // What Burn itself computes with f64 on NdArray has no more than f32's digits, where it is σ.
    let exact = if *device == Device::flex() { 1e-12 } else { 1e-6 };
    [(DType::F64, exact), (DType::F32, 2e-5)]
}

#[allow(deprecated)]
fn devices() -> Vec<Device> {
    vec![
        Device::flex(),
        #[cfg(feature = "ndarray")]
        Device::ndarray(),
    ]
}

/// Numbers that depend on their place alone.
fn tensor<const D: usize>(seed: usize, dims: [usize; D], (device, dtype): At) -> Tensor<D> {
    let count: usize = dims.iter().product();
    let number = |at: usize| ((at * 7919 + seed * 104_729) % 1_009) as f64 / 1_009.0 - 0.5;
    let numbers: Vec<f64> = (0..count).map(number).collect();
    Tensor::from_data(TensorData::new(numbers, dims), (device, dtype))
}

type At<'a> = (&'a Device, DType);

fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.clone().try_into_vec_as().unwrap()
}

fn assert_close<const D: usize>(
    found: &Tensor<D>,
    expected: &Tensor<D>,
    tolerance: f64,
    what: &str,
) {
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

/// The graphics processor that Mesa's software Vulkan is, or none, said aloud.
#[cfg(feature = "wgpu")]
fn graphics() -> Option<Device> {
    // Opened once: two tests that open it at the same time are in each other's way.
    static OPENED: std::sync::OnceLock<Option<Device>> = std::sync::OnceLock::new();
    let open = || {
        let options = Device::wgpu_options().device_kind(burn::tensor::DeviceKind::Cpu);
        // Past the test runner, which keeps what a test prints to itself.
        let refused = |error| {
            let words = format!("skipped: no software Vulkan here ({error})\n");
            std::io::Write::write_all(&mut std::io::stderr(), words.as_bytes()).unwrap_or_default();
        };
        options.init().map_err(refused).ok()
    };
    OPENED.get_or_init(open).clone()
}
