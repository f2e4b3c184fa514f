//! Direct access to the values of tensors in main memory, without a copy where possible.

use std::borrow::Cow;

#[cfg(feature = "ndarray")]
use burn::backend::ndarray::NdArrayTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Flex, flex::FlexTensor};
use burn::tensor::{Element, Shape, TensorData};

use crate::cpu::simd_float::SimdFloat;
use crate::cpu::view::MatrixView;

/// f32 or f64 as an element type of Burn.
pub trait TensorFloat: SimdFloat + Element {
    /// The tensor's values with their shape and strides; a contiguous copy if a stride is negative.
    #[cfg(feature = "ndarray")]
    fn values(tensor: &NdArrayTensor) -> StridedValues<'_, Self>;

    /// The tensor's values, contiguous and no longer shared with other tensors.
    #[cfg(feature = "ndarray")]
    fn values_mut(tensor: &mut NdArrayTensor) -> &mut [Self];
}

macro_rules! impl_tensor_float {
    ($float:ty, $variant:ident) => {
        impl TensorFloat for $float {
            #[cfg(feature = "ndarray")]
            fn values(tensor: &NdArrayTensor) -> StridedValues<'_, Self> {
                let NdArrayTensor::$variant(storage) = tensor else { unreachable!("{DISPATCHED}") };
                let shape = storage.shape().to_vec();
                let view = storage.view();
                let strides: Option<Vec<usize>> = view.strides().iter().map(|&stride| stride.try_into().ok()).collect();
                // There is a slice if the values fill their memory, in any order of dimensions.
                match (view.to_slice_memory_order(), strides) {
                    (Some(values), Some(strides)) => StridedValues { values: Cow::Borrowed(values), shape, strides },
                    _ => {
                        let strides = contiguous_strides(&shape);
                        StridedValues { values: view.iter().copied().collect(), shape, strides }
                    }
                }
            }

            #[cfg(feature = "ndarray")]
            fn values_mut(tensor: &mut NdArrayTensor) -> &mut [Self] {
                let NdArrayTensor::$variant(storage) = tensor else { unreachable!("{DISPATCHED}") };
                let array = storage.ensure_owned();
                if !array.is_standard_layout() {
                    *array = array.as_standard_layout().into_owned().into_shared();
                }
                array.as_slice_mut().expect("it is contiguous")
            }
        }
    };
}

#[cfg(feature = "ndarray")]
const DISPATCHED: &str = "the kernel was chosen by the tensor's element type";

impl_tensor_float!(f32, F32);
#[cfg(feature = "f64")]
impl_tensor_float!(f64, F64);

/// The values of a tensor and their layout.
pub struct StridedValues<'a, T: TensorFloat> {
    values: Cow<'a, [T]>,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

impl<T: TensorFloat> StridedValues<'_, T> {
    /// The values as a matrix, with any strides.
    pub fn matrix(&self) -> MatrixView<'_, T> {
        let shape = self.shape.as_slice().try_into().expect("a matrix has two dimensions");
        let strides = self.strides.as_slice().try_into().expect("a matrix has two strides");
        MatrixView::new(&self.values, shape, strides)
    }

    /// Whether this is a row-major matrix with rows and columns exchanged.
    pub fn is_transposed(&self) -> bool {
        self.shape.len() == 2 && self.strides == [1, self.shape[0]]
    }

    /// All values in the order of memory, unless there are gaps between them or some are in several places of the tensor.
    #[cfg(feature = "ndarray")]
    pub fn in_memory_order(&self) -> Option<&[T]> {
        let mut dims: Vec<_> = self.strides.iter().zip(&self.shape).map(|(&stride, &size)| (stride, size)).collect();
        dims.sort_unstable();
        let (strides, shape): (Vec<usize>, Vec<usize>) = dims.into_iter().rev().unzip();
        match &self.values {
            Cow::Borrowed(values) if is_contiguous(&shape, &strides) => values.get(..shape.iter().product::<usize>()),
            _ => None,
        }
    }

    /// All values in row-major order.
    pub fn contiguous(&self) -> Cow<'_, [T]> {
        if is_contiguous(&self.shape, &self.strides) {
            Cow::Borrowed(&self.values[..self.shape.iter().product()])
        } else {
            Cow::Owned(row_major(&self.values, &self.shape, &self.strides))
        }
    }
}

fn is_contiguous(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1;
    shape.iter().zip(strides).rev().all(|(&size, &stride)| {
        let fits = size == 1 || stride == expected;
        expected *= size;
        fits
    })
}

fn row_major<T: TensorFloat>(values: &[T], shape: &[usize], strides: &[usize]) -> Vec<T> {
    let mut offsets = vec![0];
    for (&size, &stride) in shape.iter().zip(strides) {
        let steps = offsets.iter().flat_map(|&from| (0..size).map(move |at| from + at * stride));
        offsets = steps.collect();
    }
    offsets.into_iter().map(|at| values[at]).collect()
}

/// A backend whose tensors are in main memory.
pub trait CpuBackend: Backend {
    /// The tensor's values; a copy only if a stride is negative.
    fn values<T: TensorFloat>(tensor: &FloatTensor<Self>) -> StridedValues<'_, T>;

    /// A tensor that takes ownership of the values.
    fn from_values<T: TensorFloat>(values: Vec<T>, shape: &[usize]) -> FloatTensor<Self>;

    /// The tensor's values, contiguous and not shared with other tensors; copied if they are shared now.
    fn values_mut<T: TensorFloat>(tensor: &mut FloatTensor<Self>) -> &mut [T];
}

impl CpuBackend for Flex {
    fn values<T: TensorFloat>(tensor: &FlexTensor) -> StridedValues<'_, T> {
        let layout = tensor.layout();
        let shape = layout.shape().to_vec();
        let strides: Option<Vec<usize>> = layout.strides().iter().map(|&stride| stride.try_into().ok()).collect();
        match strides {
            Some(strides) => {
                let values = Cow::Borrowed(&tensor.storage::<T>()[layout.start_offset()..]);
                StridedValues { values, shape, strides }
            }
            None => {
                let tensor = tensor.to_contiguous();
                let values = tensor.as_slice::<T>().expect("it was just made contiguous");
                let strides = contiguous_strides(&shape);
                StridedValues { values: Cow::Owned(values.to_vec()), shape, strides }
            }
        }
    }

    fn from_values<T: TensorFloat>(values: Vec<T>, shape: &[usize]) -> FlexTensor {
        FlexTensor::from_data(TensorData::new(values, Shape::from(shape.to_vec())))
    }

    fn values_mut<T: TensorFloat>(tensor: &mut FlexTensor) -> &mut [T] {
        let count = tensor.layout().shape().num_elements();
        if tensor.layout().contiguous_offsets() != Some((0, count)) {
            *tensor = tensor.to_contiguous();
        }
        &mut tensor.storage_mut::<T>()[..count]
    }
}

fn contiguous_strides(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|at| shape[at + 1..].iter().product()).collect()
}

#[cfg(feature = "ndarray")]
impl CpuBackend for burn::backend::NdArray {
    fn values<T: TensorFloat>(tensor: &NdArrayTensor) -> StridedValues<'_, T> {
        T::values(tensor)
    }

    fn from_values<T: TensorFloat>(values: Vec<T>, shape: &[usize]) -> NdArrayTensor {
        NdArrayTensor::from_data(TensorData::new(values, Shape::from(shape.to_vec())))
    }

    fn values_mut<T: TensorFloat>(tensor: &mut NdArrayTensor) -> &mut [T] {
        T::values_mut(tensor)
    }
}

/// Evaluates `$body` with `$T` the Rust type of `$dtype`.
///
/// # Panics
/// If there are no kernels for it, which the callers have checked.
macro_rules! by_type {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            burn::tensor::DType::F32 => {
                type $T = f32;
                $body
            }
            #[cfg(feature = "f64")]
            burn::tensor::DType::F64 => {
                type $T = f64;
                $body
            }
            other => panic!("there are no kernels for {other:?}"),
        }
    };
}
pub(super) use by_type;

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use super::*;

    #[test]
    fn only_values_that_fill_their_memory_are_in_its_order() {
        let memory = [1f32, 2.0, 3.0, 4.0, 5.0, 6.0];
        let in_order = |shape: &[usize], strides: &[usize]| {
            let values =
                StridedValues { values: Cow::Borrowed(&memory[..]), shape: shape.into(), strides: strides.into() };
            values.in_memory_order().map(<[f32]>::len)
        };
        assert_eq!(in_order(&[2, 3], &[3, 1]), Some(6));
        assert_eq!(in_order(&[2, 3], &[1, 2]), Some(6));
        assert_eq!(in_order(&[2, 1, 3], &[3, 7, 1]), Some(6));
        assert_eq!(in_order(&[3], &[1]), Some(3));
        // Repeated rows, overlapping rows, and gaps.
        assert_eq!(in_order(&[2, 3], &[0, 1]), None);
        assert_eq!(in_order(&[2, 3], &[1, 1]), None);
        assert_eq!(in_order(&[3], &[2]), None);
    }
}
