//! The SIMD instructions that a kernel uses, chosen at run time.

use std::sync::OnceLock;

#[cfg(target_arch = "aarch64")]
use pulp::aarch64::Neon;
#[cfg(target_arch = "x86_64")]
use pulp::x86::{V3, V4};
use pulp::{Scalar, Simd, WithSimd};

/// SIMD instructions that this CPU has.
#[derive(Clone, Copy, Debug)]
pub enum SimdLevel {
    /// None: one value at a time, on any CPU.
    Scalar,
    /// AVX2 with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2(V3),
    /// AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512(V4),
    /// NEON.
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
}

/// The level of all kernels, from the first of them on.
static SELECTED: OnceLock<SimdLevel> = OnceLock::new();

/// Why kernels cannot be limited to a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SimdLevelError {
    /// This CPU does not have it.
    Unavailable {
        /// The names of those that it has.
        available: Vec<&'static str>,
    },
    /// A kernel has run with another one.
    InUse(&'static str),
}

impl SimdLevel {
    /// All levels of this CPU, the widest last.
    pub fn available() -> Vec<Self> {
        let mut all = vec![Self::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(V3::try_new().map(Self::Avx2));
            all.extend(V4::try_new().map(Self::Avx512));
        }
        #[cfg(target_arch = "aarch64")]
        all.extend(Neon::try_new().map(Self::Neon));
        all
    }

    /// The level that kernels use: the widest of this CPU, unless [`Self::select`] has chosen another.
    pub fn selected() -> Self {
        *SELECTED.get_or_init(|| Self::available().pop().expect("there is always Scalar"))
    }

    /// Makes all kernels of this process use this level. Sums are added in another order at each width, so results differ in
    /// their last bits: with a level that two machines have, they are the same on both.
    ///
    /// # Errors
    /// If this CPU does not have it, or if a kernel has run with another one.
    pub fn select(name: &str) -> Result<(), SimdLevelError> {
        let all = Self::available();
        let level = all.iter().find(|level| level.name() == name);
        let level =
            level.ok_or_else(|| SimdLevelError::Unavailable { available: all.iter().map(|l| l.name()).collect() })?;
        let used = SELECTED.get_or_init(|| *level);
        if used.name() == name { Ok(()) } else { Err(SimdLevelError::InUse(used.name())) }
    }

    /// Its name, as in `avx2`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => "neon",
        }
    }

    /// The size of a vector in bits; that of one `f32` without vectors.
    pub fn bits(self) -> usize {
        match self {
            Self::Scalar => 32,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => 256,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => 512,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => 128,
        }
    }

    /// Runs `kernel` with these instructions.
    pub fn run<K: WithSimd>(self, kernel: K) -> K::Output {
        match self {
            Self::Scalar => Simd::vectorize(Scalar, kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => Simd::vectorize(simd, kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(simd) => Simd::vectorize(simd, kernel),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(simd) => Simd::vectorize(simd, kernel),
        }
    }
}
