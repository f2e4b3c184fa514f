//! RMSprop and Adam: every weight and its memory are read once and written once, in place.
//!
//! What is new has its share as a number of its own, for 1 − 0.999 in f32 has but five digits that are right.

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::cubecl::std::tensor::layout::linear::{LinearView, LinearViewMut};
use burn_cubecl::tensor::CubeTensor;

use super::{element, units_for};
use crate::cpu::optimizer::{Adam, Rmsprop};

#[cube(launch)]
fn rmsprop_step<F: Float>(
    mut weights: LinearViewMut<'_, F>,
    gradient: LinearView<'_, F>,
    mut square: LinearViewMut<'_, F>,
    rate: InputScalar,
    rho: InputScalar,
    new: InputScalar,
    epsilon: InputScalar,
    #[define(F)] _element: ElemType,
) {
    if !weights.is_in_bounds(ABSOLUTE_POS) {
        terminate!();
    }
    let g = gradient.read(ABSOLUTE_POS);
    let v = rho.get::<F>() * square.read(ABSOLUTE_POS) + new.get::<F>() * g * g;
    let step = rate.get::<F>() * g / (v + epsilon.get::<F>()).sqrt();
    square.write(ABSOLUTE_POS, v);
    weights.write(ABSOLUTE_POS, weights.read(ABSOLUTE_POS) - step);
}

#[cube(launch)]
fn adam_step<F: Float>(
    mut weights: LinearViewMut<'_, F>,
    gradient: LinearView<'_, F>,
    mut mean: LinearViewMut<'_, F>,
    mut square: LinearViewMut<'_, F>,
    rate: InputScalar,
    beta_1: InputScalar,
    new_1: InputScalar,
    beta_2: InputScalar,
    new_2: InputScalar,
    epsilon: InputScalar,
    #[define(F)] _element: ElemType,
) {
    if !weights.is_in_bounds(ABSOLUTE_POS) {
        terminate!();
    }
    let g = gradient.read(ABSOLUTE_POS);
    let m = beta_1.get::<F>() * mean.read(ABSOLUTE_POS) + new_1.get::<F>() * g;
    let v = beta_2.get::<F>() * square.read(ABSOLUTE_POS) + new_2.get::<F>() * g * g;
    let step = rate.get::<F>() * m / (v.sqrt() + epsilon.get::<F>());
    mean.write(ABSOLUTE_POS, m);
    square.write(ABSOLUTE_POS, v);
    weights.write(ABSOLUTE_POS, weights.read(ABSOLUTE_POS) - step);
}

/// One step of RMSprop; gives the weights and v.
pub fn rmsprop(
    config: Rmsprop,
    weights: CubeTensor,
    gradient: CubeTensor,
    square: CubeTensor,
) -> (CubeTensor, CubeTensor) {
    let [weights, square] = [weights, square].map(owned);
    let (client, element) = (weights.client.clone(), element(weights.dtype));
    let (count, dim) = units_for(&client, weights.meta.num_elements());
    let number = |value: f64| InputScalar::new(value, element);
    rmsprop_step::launch(
        &client,
        count,
        dim,
        weights.clone().into_linear_view(),
        gradient.into_linear_view(),
        square.clone().into_linear_view(),
        number(config.rate),
        number(config.rho),
        number(1.0 - config.rho),
        number(config.epsilon),
        element,
    );
    (weights, square)
}

/// One step of Adam; gives the weights, m and v.
pub fn adam(
    config: Adam,
    weights: CubeTensor,
    gradient: CubeTensor,
    mean: CubeTensor,
    square: CubeTensor,
) -> (CubeTensor, CubeTensor, CubeTensor) {
    let [weights, mean, square] = [weights, mean, square].map(owned);
    let (client, element) = (weights.client.clone(), element(weights.dtype));
    let (count, dim) = units_for(&client, weights.meta.num_elements());
    let number = |value: f64| InputScalar::new(value, element);
    adam_step::launch(
        &client,
        count,
        dim,
        weights.clone().into_linear_view(),
        gradient.into_linear_view(),
        mean.clone().into_linear_view(),
        square.clone().into_linear_view(),
        number(config.rate),
        number(config.beta_1),
        number(1.0 - config.beta_1),
        number(config.beta_2),
        number(1.0 - config.beta_2),
        number(config.epsilon),
        element,
    );
    (weights, mean, square)
}

/// Numbers that nobody else holds: a copy, if anybody does.
fn owned(tensor: CubeTensor) -> CubeTensor {
    if tensor.can_mut() && tensor.is_nonoverlapping() { tensor } else { tensor.copy() }
}
