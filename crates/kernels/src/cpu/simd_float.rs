//! f32 and f64 as SIMD vectors of any width.
//!
//! `pulp` provides the instructions of each CPU. This trait gives its operations the same name for f32 and f64, so
//! that a kernel is written once.

use pulp::Simd;

mod sealed {
    /// Only these types may implement the trait: the kernels treat vectors of them as plain memory.
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// f32 or f64.
pub trait SimdFloat:
    sealed::Sealed
    + bytemuck::Pod
    + Default
    + PartialOrd
    + Send
    + Sync
    + std::fmt::Debug
    + std::ops::AddAssign
    + std::ops::MulAssign
{
    /// A vector of the instruction set `S`.
    type Vector<S: Simd>: Copy + Send + Sync;

    /// Values in 64 bytes, the widest vector there is. Blocks are padded to a multiple of this.
    const PAD: usize = 64 / size_of::<Self>();

    /// 1.
    const ONE: Self;
    /// Below it, gradients within a layer and the mean gradients of Adam count as 0: 2⁻¹⁰⁰, in f64 2⁻⁹⁰⁰. Their products with
    /// weights would be subnormal numbers, with which some processors compute many times slower; in a sum with values of usual
    /// size they are lost.
    const NEGLIGIBLE: Self;
    /// Below it, gradients of weights count as 0 for an optimizer, because their squares would soon be subnormal: 2⁻⁵⁰, in f64
    /// 2⁻⁴⁵⁰.
    const NEGLIGIBLE_GRADIENT: Self;
    /// Below it, mean squares of gradients count as 0: 2⁻¹²⁰, in f64 2⁻¹⁰⁰⁰. This is far below the square of
    /// [`Self::NEGLIGIBLE_GRADIENT`], so that a gradient that counts also counts in its first mean square.
    const NEGLIGIBLE_SQUARE: Self;

    /// `value`, rounded.
    fn from_f64(value: f64) -> Self;
    /// The same value in 64 bits.
    fn to_f64(self) -> f64;

    /// Values in a vector.
    fn lanes<S: Simd>() -> usize {
        size_of::<Self::Vector<S>>() / size_of::<Self>()
    }

    /// A slice as whole vectors and the remainder.
    fn vectors<S: Simd>(slice: &[Self]) -> (&[Self::Vector<S>], &[Self]);
    /// The same, mutable.
    fn vectors_mut<S: Simd>(slice: &mut [Self]) -> (&mut [Self::Vector<S>], &mut [Self]);
    /// The values of a slice shorter than a vector, followed by zeros.
    fn load_partial<S: Simd>(simd: S, slice: &[Self]) -> Self::Vector<S>;
    /// Writes as many values as the slice holds.
    fn store_partial<S: Simd>(simd: S, slice: &mut [Self], value: Self::Vector<S>);
    /// `value` in every lane.
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;

    /// a + b.
    fn add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// a − b.
    fn sub<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// a · b.
    fn mul<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// a / b.
    fn div<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// a · b + c, rounded once where the CPU can.
    fn mul_add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>, c: Self::Vector<S>) -> Self::Vector<S>;
    /// The larger of the two. If one is NaN: `b`, or with [`pulp::Scalar`] the other one.
    fn max<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// The smaller of the two; NaN as in `max`.
    fn min<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `b` where a > 0, else 0.
    fn where_positive<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a`, or 0 where |a| is below `limit`; NaN stays NaN.
    fn zero_below<S: Simd>(simd: S, limit: Self::Vector<S>, a: Self::Vector<S>) -> Self::Vector<S>;
    /// √a.
    fn sqrt<S: Simd>(simd: S, a: Self::Vector<S>) -> Self::Vector<S>;
    /// eᵃ; NaN for NaN. In f32 with a relative error below 2.5e-7, and limited to 2.5e-38 to 8e37; in f64 with one below
    /// 1e-15 from −708 on, 0 below −708.75, and limited to 8e307.
    fn exp<S: Simd>(simd: S, a: Self::Vector<S>) -> Self::Vector<S>;
    /// The sum of the lanes.
    fn reduce_sum<S: Simd>(simd: S, a: Self::Vector<S>) -> Self;
    /// The maximum of the lanes.
    fn reduce_max<S: Simd>(simd: S, a: Self::Vector<S>) -> Self;
}

macro_rules! impl_operations {
    ($lanes:ident, $exp:path, $($name:ident: $from:ident($($arg:ident),*)),*) => {
        type Vector<S: Simd> = S::$lanes;
        const ONE: Self = 1.0;

        #[inline(always)]
        fn from_f64(value: f64) -> Self {
            value as Self
        }
        #[inline(always)]
        fn to_f64(self) -> f64 {
            self.into()
        }
        $(
            #[inline(always)]
            fn $name<S: Simd>(simd: S, $($arg: S::$lanes),*) -> S::$lanes {
                simd.$from($($arg),*)
            }
        )*
        #[inline(always)]
        fn exp<S: Simd>(simd: S, a: S::$lanes) -> S::$lanes {
            $exp(simd, a)
        }
    };
}

impl SimdFloat for f32 {
    const NEGLIGIBLE: Self = f32::from_bits((127 - 100) << 23);
    const NEGLIGIBLE_GRADIENT: Self = f32::from_bits((127 - 50) << 23);
    const NEGLIGIBLE_SQUARE: Self = f32::from_bits((127 - 120) << 23);

    impl_operations!(f32s, exp_f32,
        add: add_f32s(a, b), sub: sub_f32s(a, b), mul: mul_f32s(a, b), div: div_f32s(a, b),
        mul_add: mul_add_e_f32s(a, b, c), max: max_f32s(a, b), min: min_f32s(a, b), sqrt: sqrt_f32s(a));

    #[inline(always)]
    fn vectors<S: Simd>(slice: &[f32]) -> (&[S::f32s], &[f32]) {
        S::as_simd_f32s(slice)
    }
    #[inline(always)]
    fn vectors_mut<S: Simd>(slice: &mut [f32]) -> (&mut [S::f32s], &mut [f32]) {
        S::as_mut_simd_f32s(slice)
    }
    #[inline(always)]
    fn load_partial<S: Simd>(simd: S, slice: &[f32]) -> S::f32s {
        simd.partial_load_f32s(slice)
    }
    #[inline(always)]
    fn store_partial<S: Simd>(simd: S, slice: &mut [f32], value: S::f32s) {
        simd.partial_store_f32s(slice, value);
    }
    #[inline(always)]
    fn splat<S: Simd>(simd: S, value: f32) -> S::f32s {
        simd.splat_f32s(value)
    }
    #[inline(always)]
    fn where_positive<S: Simd>(simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        let zero = simd.splat_f32s(0.0);
        simd.select_f32s(simd.less_than_f32s(zero, a), b, zero)
    }
    #[inline(always)]
    fn zero_below<S: Simd>(simd: S, limit: S::f32s, a: S::f32s) -> S::f32s {
        let is_small = simd.less_than_f32s(simd.abs_f32s(a), limit);
        simd.select_f32s(is_small, simd.splat_f32s(0.0), a)
    }
    #[inline(always)]
    fn reduce_sum<S: Simd>(simd: S, a: S::f32s) -> f32 {
        simd.reduce_sum_f32s(a)
    }
    #[inline(always)]
    fn reduce_max<S: Simd>(simd: S, a: S::f32s) -> f32 {
        simd.reduce_max_f32s(a)
    }
}

impl SimdFloat for f64 {
    const NEGLIGIBLE: Self = f64::from_bits((1023 - 900) << 52);
    const NEGLIGIBLE_GRADIENT: Self = f64::from_bits((1023 - 450) << 52);
    const NEGLIGIBLE_SQUARE: Self = f64::from_bits((1023 - 1000) << 52);

    impl_operations!(f64s, exp_f64,
        add: add_f64s(a, b), sub: sub_f64s(a, b), mul: mul_f64s(a, b), div: div_f64s(a, b),
        mul_add: mul_add_e_f64s(a, b, c), max: max_f64s(a, b), min: min_f64s(a, b), sqrt: sqrt_f64s(a));

    #[inline(always)]
    fn vectors<S: Simd>(slice: &[f64]) -> (&[S::f64s], &[f64]) {
        S::as_simd_f64s(slice)
    }
    #[inline(always)]
    fn vectors_mut<S: Simd>(slice: &mut [f64]) -> (&mut [S::f64s], &mut [f64]) {
        S::as_mut_simd_f64s(slice)
    }
    #[inline(always)]
    fn load_partial<S: Simd>(simd: S, slice: &[f64]) -> S::f64s {
        simd.partial_load_f64s(slice)
    }
    #[inline(always)]
    fn store_partial<S: Simd>(simd: S, slice: &mut [f64], value: S::f64s) {
        simd.partial_store_f64s(slice, value);
    }
    #[inline(always)]
    fn splat<S: Simd>(simd: S, value: f64) -> S::f64s {
        simd.splat_f64s(value)
    }
    #[inline(always)]
    fn where_positive<S: Simd>(simd: S, a: S::f64s, b: S::f64s) -> S::f64s {
        let zero = simd.splat_f64s(0.0);
        simd.select_f64s(simd.less_than_f64s(zero, a), b, zero)
    }
    #[inline(always)]
    fn zero_below<S: Simd>(simd: S, limit: S::f64s, a: S::f64s) -> S::f64s {
        let is_small = simd.less_than_f64s(simd.abs_f64s(a), limit);
        simd.select_f64s(is_small, simd.splat_f64s(0.0), a)
    }
    #[inline(always)]
    fn reduce_sum<S: Simd>(simd: S, a: S::f64s) -> f64 {
        simd.reduce_sum_f64s(a)
    }
    #[inline(always)]
    fn reduce_max<S: Simd>(simd: S, a: S::f64s) -> f64 {
        simd.reduce_max_f64s(a)
    }
}

/// eˣ = 2ⁿ · eʳ with n the integer nearest to x / ln 2, and eʳ by its Taylor polynomial of degree 7, whose
/// remainder for |r| ≤ ln 2 / 2 is below 6e-9. ln 2 is subtracted in two parts (Cody and Waite 1980), so that r
/// keeps all its bits. Results are limited to 2⁻¹²⁵ to 2¹²⁶: the kernels need no others.
#[inline(always)]
fn exp_f32<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let splat = |value: f32| simd.splat_f32s(value);
    // As the second operand, NaN passes through `min` and `max`, except with scalar instructions.
    let inside = simd.max_f32s(splat(-86.6), simd.min_f32s(splat(87.3), x));
    let x = if S::IS_SCALAR { simd.select_f32s(simd.equal_f32s(x, x), inside, x) } else { inside };
    // Adding 1.5 · 2²³ rounds to an integer, and puts it in the lowest bits.
    let magic = splat(12_582_912.0);
    let shifted = simd.mul_add_e_f32s(x, splat(std::f32::consts::LOG2_E), magic);
    let n = simd.sub_f32s(shifted, magic);
    let r = simd.mul_add_e_f32s(n, splat(-0.693_359_4), x);
    let r = simd.mul_add_e_f32s(n, splat(2.121_944_4e-4), r);
    let coefficients = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let mut sum = splat(1.0 / 5040.0);
    for coefficient in coefficients {
        sum = simd.mul_add_e_f32s(sum, r, splat(coefficient));
    }
    let power = simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(23));
    let power = simd.add_u32s(power, simd.splat_u32s(127 << 23));
    simd.mul_f32s(sum, simd.transmute_f32s_u32s(power))
}

/// The same in f64, with the Taylor polynomial of degree 13, whose remainder is below 5e-18. Results are limited to
/// e⁷⁰⁹, and 0 where n would be below −1022.
#[inline(always)]
fn exp_f64<S: Simd>(simd: S, mut x: S::f64s) -> S::f64s {
    if S::IS_SCALAR {
        let lanes: &mut [f64] = bytemuck::cast_slice_mut(std::slice::from_mut(&mut x));
        for lane in lanes {
            let is_zero = *lane < -1022.5 * std::f64::consts::LN_2;
            *lane = if is_zero { 0.0 } else { lane.clamp(f64::NEG_INFINITY, 709.0).exp() };
        }
        return x;
    }
    let splat = |value: f64| simd.splat_f64s(value);
    let x = simd.max_f64s(splat(-709.2), simd.min_f64s(splat(709.0), x));
    // There is no shift of 64 bits. After adding 1.5 · 2²⁰ the lower half of the bits is the fraction; without it, the
    // lowest bits of the upper half are the integer below x / ln 2 + 0.5.
    let magic = 1_572_864.0;
    let shifted = simd.mul_add_e_f64s(x, splat(std::f64::consts::LOG2_E), splat(magic + 0.5));
    let upper = simd.and_u64s(simd.transmute_u64s_f64s(shifted), simd.splat_u64s(!u64::from(u32::MAX)));
    let n = simd.sub_f64s(simd.transmute_f64s_u64s(upper), splat(magic));
    let r = simd.mul_add_e_f64s(n, splat(-0.693_147_180_369_123_8), x);
    let r = simd.mul_add_e_f64s(n, splat(-1.908_214_929_270_587_7e-10), r);
    let mut sum = splat(1.0 / 6_227_020_800.0);
    let coefficients = [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ];
    for coefficient in coefficients {
        sum = simd.mul_add_e_f64s(sum, r, splat(coefficient));
    }
    let power = simd.wrapping_dyn_shl_u32s(bytemuck::cast(upper), simd.splat_u32s(20));
    let power = simd.add_u64s(bytemuck::cast(power), simd.splat_u64s(1023 << 52));
    simd.mul_f64s(sum, simd.transmute_f64s_u64s(power))
}

/// σ(a) = 1 / (1 + e⁻ᵃ), from 0 to 1; in f32 with an error below 2e-7; NaN for NaN.
#[inline(always)]
pub fn sigmoid<T: SimdFloat, S: Simd>(simd: S, a: T::Vector<S>) -> T::Vector<S> {
    let one = T::splat(simd, T::ONE);
    let minus = T::sub(simd, T::splat(simd, T::from_f64(0.0)), a);
    T::div(simd, one, T::add(simd, one, T::exp(simd, minus)))
}

/// tanh(a) = 1 − 2 / (1 + e²ᵃ), from −1 to 1; in f32 with an absolute error below 2e-7 (the relative error is
/// larger near 0, where digits cancel); NaN for NaN.
#[inline(always)]
pub fn tanh<T: SimdFloat, S: Simd>(simd: S, a: T::Vector<S>) -> T::Vector<S> {
    let one = T::splat(simd, T::ONE);
    let two = T::splat(simd, T::from_f64(2.0));
    let power = T::exp(simd, T::add(simd, a, a));
    T::sub(simd, one, T::div(simd, two, T::add(simd, one, power)))
}
