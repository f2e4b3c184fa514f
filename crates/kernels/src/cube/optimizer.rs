//! RMSprop and Adam: each weight and its optimizer state are read once and written once, in place.
//!
//! 1 − ρ and 1 − β are arguments of their own, computed in f64: 1 − 0.999 in f32 has only five correct digits.

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::cubecl::std::tensor::layout::linear::{LinearView, LinearViewMut};
use burn_cubecl::tensor::CubeTensor;

use super::common::{elem_type, launch_size};
use crate::cpu::optimizer::{AdamParams, RmspropParams};

#[cube(launch)]
fn rmsprop_step<F: Float>(
    mut weights: LinearViewMut<'_, F>,
    gradient: LinearView<'_, F>,
    mut square: LinearViewMut<'_, F>,
    learning_rate: InputScalar,
    rho: InputScalar,
    one_minus_rho: InputScalar,
    epsilon: InputScalar,
    #[define(F)] _element: ElemType,
) {
    if !weights.is_in_bounds(ABSOLUTE_POS) {
        terminate!();
    }
    let g = gradient.read(ABSOLUTE_POS);
    let v = rho.get::<F>() * square.read(ABSOLUTE_POS) + one_minus_rho.get::<F>() * g * g;
    let step = learning_rate.get::<F>() * g / (v + epsilon.get::<F>()).sqrt();
    square.write(ABSOLUTE_POS, v);
    weights.write(ABSOLUTE_POS, weights.read(ABSOLUTE_POS) - step);
}

#[cube(launch)]
fn adam_step<F: Float>(
    mut weights: LinearViewMut<'_, F>,
    gradient: LinearView<'_, F>,
    mut mean: LinearViewMut<'_, F>,
    mut square: LinearViewMut<'_, F>,
    learning_rate: InputScalar,
    beta_1: InputScalar,
    one_minus_beta_1: InputScalar,
    beta_2: InputScalar,
    one_minus_beta_2: InputScalar,
    epsilon: InputScalar,
    #[define(F)] _element: ElemType,
) {
    if !weights.is_in_bounds(ABSOLUTE_POS) {
        terminate!();
    }
    let g = gradient.read(ABSOLUTE_POS);
    let m = beta_1.get::<F>() * mean.read(ABSOLUTE_POS) + one_minus_beta_1.get::<F>() * g;
    let v = beta_2.get::<F>() * square.read(ABSOLUTE_POS) + one_minus_beta_2.get::<F>() * g * g;
    let step = learning_rate.get::<F>() * m / (v.sqrt() + epsilon.get::<F>());
    mean.write(ABSOLUTE_POS, m);
    square.write(ABSOLUTE_POS, v);
    weights.write(ABSOLUTE_POS, weights.read(ABSOLUTE_POS) - step);
}

/// One step of RMSprop; returns w and v.
pub fn rmsprop(
    params: RmspropParams,
    weights: CubeTensor,
    gradient: CubeTensor,
    square: CubeTensor,
) -> (CubeTensor, CubeTensor) {
    let [weights, square] = [weights, square].map(unshared);
    let (client, element) = (weights.client.clone(), elem_type(weights.dtype));
    let (count, dim) = launch_size(&client, weights.meta.num_elements());
    let scalar = |value: f64| InputScalar::new(value, element);
    rmsprop_step::launch(
        &client,
        count,
        dim,
        weights.clone().into_linear_view(),
        gradient.into_linear_view(),
        square.clone().into_linear_view(),
        scalar(params.learning_rate),
        scalar(params.rho),
        scalar(1.0 - params.rho),
        scalar(params.epsilon),
        element,
    );
    (weights, square)
}

/// One step of Adam; returns w, m and v.
pub fn adam(
    params: AdamParams,
    weights: CubeTensor,
    gradient: CubeTensor,
    mean: CubeTensor,
    square: CubeTensor,
) -> (CubeTensor, CubeTensor, CubeTensor) {
    let [weights, mean, square] = [weights, mean, square].map(unshared);
    let (client, element) = (weights.client.clone(), elem_type(weights.dtype));
    let (count, dim) = launch_size(&client, weights.meta.num_elements());
    let scalar = |value: f64| InputScalar::new(value, element);
    adam_step::launch(
        &client,
        count,
        dim,
        weights.clone().into_linear_view(),
        gradient.into_linear_view(),
        mean.clone().into_linear_view(),
        square.clone().into_linear_view(),
        scalar(params.learning_rate),
        scalar(params.beta_1),
        scalar(1.0 - params.beta_1),
        scalar(params.beta_2),
        scalar(1.0 - params.beta_2),
        scalar(params.epsilon),
        element,
    );
    (weights, mean, square)
}

/// The tensor if it may be written in place, else a copy.
fn unshared(tensor: CubeTensor) -> CubeTensor {
    if tensor.can_mut() && tensor.is_nonoverlapping() { tensor } else { tensor.copy() }
}
