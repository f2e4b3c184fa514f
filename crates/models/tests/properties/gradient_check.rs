//! Central differences against autodiff, for any module and any loss, in f64. The tests of the crate `qa`
//! include this file, too.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor, TensorData};
use seqdata::Random;

/// Small, because layer normalisation is strongly nonlinear where a row hardly varies.
pub const STEP: f64 = 1e-6;
pub const TOLERANCE: f64 = 1e-8;

/// Adds `by` to value `at` of parameter `which`, counted in the order of visiting.
struct Perturb {
    which: usize,
    index: usize,
    by: f64,
    seen: usize,
}

impl ModuleMapper for Perturb {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.seen += 1;
        if self.seen != self.which + 1 {
            return parameter;
        }
        parameter.map(|tensor| {
            let options = (&tensor.device(), tensor.dtype());
            let dims: [usize; D] = tensor.dims();
            let mut changed = values(&tensor);
            changed[self.index] += self.by;
            Tensor::from_data(TensorData::new(changed, dims), options)
        })
    }
}

/// All gradients of a module, in the order of visiting.
struct Collect<'a> {
    gradients: &'a Gradients,
    found: Vec<Vec<f64>>,
}

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let gradient = parameter.val().grad(self.gradients).expect("every weight has a gradient");
        self.found.push(values(&gradient));
    }
}

/// Compares every gradient of `module` with central differences of `loss`.
pub fn assert_gradients<M: Module>(name: &str, module: &M, loss: impl Fn(&M) -> Tensor<1>) {
    let trained = module.clone().train();
    let gradients = loss(&trained).backward();
    let mut collect = Collect { gradients: &gradients, found: Vec::new() };
    trained.visit(&mut collect);
    assert!(!collect.found.is_empty());
    for (which, found) in collect.found.iter().enumerate() {
        let largest = found.iter().fold(0f64, |largest, g| largest.max(g.abs()));
        assert!(largest > 1e-6, "{name}, weight {which}: no gradient");
        // Few rows of a large table are used: of the others, only some are checked.
        let checked = found.iter().enumerate().filter(|&(index, &found)| found != 0.0 || index % 97 == 0);
        for (index, found) in checked {
            let value = |by| {
                let moved = module.clone().map(&mut Perturb { which, index, by, seen: 0 });
                loss(&moved).try_into_scalar::<f64>().unwrap()
            };
            let difference = (value(STEP) - value(-STEP)) / (2.0 * STEP);
            let error = (difference - found).abs();
            assert!(
                error < TOLERANCE * largest.max(1.0),
                "{name}, weight {which}[{index}]: {difference} by difference, {found} by autodiff"
            );
        }
    }
}

/// A module with noise added to every weight.
pub fn noisy<M: Module>(module: M) -> M {
    module.map(&mut Noise(Random::keyed(5, "noise", &[])))
}

struct Noise(Random);

impl ModuleMapper for Noise {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        parameter.map(|tensor| {
            let dims: [usize; D] = tensor.dims();
            let count: usize = dims.iter().product();
            let noise: Vec<f64> = (0..count).map(|_| 0.3 * self.0.normal()).collect();
            let options = (&tensor.device(), tensor.dtype());
            tensor + Tensor::from_data(TensorData::new(noise, dims), options)
        })
    }
}

pub fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.clone().try_into_vec_as().unwrap()
}
