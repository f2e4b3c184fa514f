//! The numbers of a tensor that lies in the machine's own memory, lent without a copy.

use std::borrow::Cow;

#[cfg(feature = "ndarray")]
use burn::backend::ndarray::NdArrayTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Flex, flex::FlexTensor};
use burn::tensor::{Element, Shape, TensorData};

use crate::cpu::number::Number;
use crate::cpu::view::View;

/// f32 or f64, as Burn knows them.
pub trait Float: Number + Element {
    /// The tensor's numbers, their shape and strides; a copy in order, if they lie backwards.
    #[cfg(feature = "ndarray")]
    fn lend(tensor: &NdArrayTensor) -> Lent<'_, Self>;

    /// The tensor's numbers in order, which nobody else holds afterwards.
    #[cfg(feature = "ndarray")]
    fn own(tensor: &mut NdArrayTensor) -> &mut [Self];
}

macro_rules! float {
    ($number:ty, $variant:ident) => {
        impl Float for $number {
            #[cfg(feature = "ndarray")]
            fn lend(tensor: &NdArrayTensor) -> Lent<'_, Self> {
                let NdArrayTensor::$variant(storage) = tensor else { unreachable!("{CHOSEN}") };
                let shape = storage.shape().to_vec();
                let view = storage.view();
                let strides: Option<Vec<usize>> =
                    view.strides().iter().map(|&stride| stride.try_into().ok()).collect();
                // A slice exists where the numbers fill their memory, in whatever order of dimensions.
                match (view.to_slice_memory_order(), strides) {
                    (Some(numbers), Some(strides)) => {
                        Lent { numbers: Cow::Borrowed(numbers), shape, strides }
                    }
                    _ => {
                        let strides = dense_strides(&shape);
                        Lent { numbers: view.iter().copied().collect(), shape, strides }
                    }
                }
            }

            #[cfg(feature = "ndarray")]
            fn own(tensor: &mut NdArrayTensor) -> &mut [Self] {
                let NdArrayTensor::$variant(storage) = tensor else { unreachable!("{CHOSEN}") };
                let array = storage.ensure_owned();
                if !array.is_standard_layout() {
                    *array = array.as_standard_layout().into_owned().into_shared();
                }
                array.as_slice_mut().expect("it is laid out in order")
            }
        }
    };
}

#[cfg(feature = "ndarray")]
const CHOSEN: &str = "the kernel was chosen by the tensor's own type";

float!(f32, F32);
float!(f64, F64);

/// Numbers that belong to a tensor, and how they lie.
pub struct Lent<'a, T: Float> {
    numbers: Cow<'a, [T]>,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

impl<T: Float> Lent<'_, T> {
    /// A matrix, however it lies.
    pub fn matrix(&self) -> View<'_, T> {
        let shape = self.shape.as_slice().try_into().expect("a matrix has two dimensions");
        let strides = self.strides.as_slice().try_into().expect("a matrix has two strides");
        View::new(&self.numbers, shape, strides)
    }

    /// All numbers in order.
    pub fn dense(&self) -> Cow<'_, [T]> {
        match is_dense(&self.shape, &self.strides) {
            true => Cow::Borrowed(&self.numbers[..self.shape.iter().product()]),
            false => Cow::Owned(in_order(&self.numbers, &self.shape, &self.strides)),
        }
    }
}

fn is_dense(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1;
    shape.iter().zip(strides).rev().all(|(&size, &stride)| {
        let fits = size == 1 || stride == expected;
        expected *= size;
        fits
    })
}

fn in_order<T: Float>(numbers: &[T], shape: &[usize], strides: &[usize]) -> Vec<T> {
    let mut offsets = vec![0];
    for (&size, &stride) in shape.iter().zip(strides) {
        let steps = offsets.iter().flat_map(|&from| (0..size).map(move |at| from + at * stride));
        offsets = steps.collect();
    }
    offsets.into_iter().map(|at| numbers[at]).collect()
}

/// A backend whose tensors lie in the machine's own memory.
pub trait Host: Backend {
    /// The tensor's numbers; a copy only if they lie backwards.
    fn lend<T: Float>(tensor: &FloatTensor<Self>) -> Lent<'_, T>;

    /// A tensor that takes the numbers over.
    fn give<T: Float>(numbers: Vec<T>, shape: &[usize]) -> FloatTensor<Self>;

    /// The tensor's numbers in order, which nobody else holds afterwards: in place, if nobody does now.
    fn own<T: Float>(tensor: &mut FloatTensor<Self>) -> &mut [T];
}

impl Host for Flex {
    fn lend<T: Float>(tensor: &FlexTensor) -> Lent<'_, T> {
        let layout = tensor.layout();
        let shape = layout.shape().to_vec();
        let strides: Option<Vec<usize>> =
            layout.strides().iter().map(|&stride| stride.try_into().ok()).collect();
        match strides {
            Some(strides) => {
                let numbers = Cow::Borrowed(&tensor.storage::<T>()[layout.start_offset()..]);
                Lent { numbers, shape, strides }
            }
            None => {
                let tensor = tensor.to_contiguous();
                let numbers = tensor.as_slice::<T>().expect("it was just laid out in order");
                let strides = dense_strides(&shape);
                Lent { numbers: Cow::Owned(numbers.to_vec()), shape, strides }
            }
        }
    }

    fn give<T: Float>(numbers: Vec<T>, shape: &[usize]) -> FlexTensor {
        FlexTensor::from_data(TensorData::new(numbers, Shape::from(shape.to_vec())))
    }

    fn own<T: Float>(tensor: &mut FlexTensor) -> &mut [T] {
        let count = tensor.layout().shape().num_elements();
        if tensor.layout().contiguous_offsets() != Some((0, count)) {
            *tensor = tensor.to_contiguous();
        }
        &mut tensor.storage_mut::<T>()[..count]
    }
}

fn dense_strides(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|at| shape[at + 1..].iter().product()).collect()
}

#[cfg(feature = "ndarray")]
impl Host for burn::backend::NdArray {
    fn lend<T: Float>(tensor: &NdArrayTensor) -> Lent<'_, T> {
        T::lend(tensor)
    }

    fn give<T: Float>(numbers: Vec<T>, shape: &[usize]) -> NdArrayTensor {
        NdArrayTensor::from_data(TensorData::new(numbers, Shape::from(shape.to_vec())))
    }

    fn own<T: Float>(tensor: &mut NdArrayTensor) -> &mut [T] {
        T::own(tensor)
    }
}

/// Calls `$body` with `$T` the type of numbers that `$tensor` holds.
///
/// # Panics
/// If it holds neither f32 nor f64, for which there are no kernels.
macro_rules! by_type {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            burn::tensor::DType::F32 => {
                type $T = f32;
                $body
            }
            burn::tensor::DType::F64 => {
                type $T = f64;
                $body
            }
            other => panic!("the kernels compute in F32 and F64, and found {other:?}"),
        }
    };
}
pub(super) use by_type;
