//! The precision of the matrix products of training steps.

use burn::tensor::Device;
use kernels::{KernelMode, has_bf16_instruction};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The precision of the matrix products of training steps. The serialized names stand in `progress.json`.
///
/// Weights, states, gradients and everything but these products are in f32 in any case, and so are validation and
/// everything that is done with the trained model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrainPrecision {
    /// 32-bit numbers.
    #[default]
    F32,
    /// Both factors of the products of the recurrent layers, the projection and the output layer are rounded to bf16;
    /// sums are in f32. For processors with AVX512-BF16 (mixed precision: Micikevicius et al. 2018, with bf16:
    /// Kalamkar et al. 2019).
    Bf16,
}

impl TrainPrecision {
    /// Checks that `device` trains a model that is computed by `kernels` in this precision.
    ///
    /// # Errors
    /// If the device is not a CPU backend, its kernels are off, or the processor does not have the instruction.
    pub fn check(self, kernels: KernelMode, device: &Device) -> Result<()> {
        let expected = match self {
            Self::F32 => return Ok(()),
            Self::Bf16 if !kernels.fuses_all(device) => {
                "\"f32\": only the kernels of CPU backends multiply in bf16, and this device does not use them"
            }
            Self::Bf16 if !has_bf16_instruction() => {
                "\"f32\": this processor does not have AVX512-BF16, which multiplies in bf16, or is limited to narrower vectors"
            }
            Self::Bf16 => return Ok(()),
        };
        Err(Error::out_of_range("train.precision", "\"bf16\"", expected))
    }

    /// The kernels of training steps of a model that is otherwise computed by `kernels`.
    pub(crate) fn kernels_of_steps(self, kernels: KernelMode) -> KernelMode {
        match self {
            Self::Bf16 if kernels == KernelMode::Fused => KernelMode::FusedBf16,
            _ => kernels,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_without_these_products_is_rejected() {
        let device = Device::flex();
        TrainPrecision::F32.check(KernelMode::Composed, &device).unwrap();
        let error = TrainPrecision::Bf16.check(KernelMode::Composed, &device).unwrap_err().to_string();
        let expected = "`train.precision` is \"bf16\"; expected \"f32\": only the kernels of CPU backends";
        assert!(error.starts_with(expected), "{error}");
        let checked = TrainPrecision::Bf16.check(KernelMode::Fused, &device);
        if has_bf16_instruction() {
            checked.unwrap();
        } else {
            let error = checked.unwrap_err().to_string();
            assert!(error.contains("this processor does not have AVX512-BF16"), "{error}");
        }
    }

    #[test]
    fn only_fused_kernels_round_to_bf16() {
        let bf16 = |kernels| TrainPrecision::Bf16.kernels_of_steps(kernels);
        assert_eq!(bf16(KernelMode::Fused), KernelMode::FusedBf16);
        assert_eq!(bf16(KernelMode::Composed), KernelMode::Composed);
        assert_eq!(TrainPrecision::F32.kernels_of_steps(KernelMode::Fused), KernelMode::Fused);
    }
}
