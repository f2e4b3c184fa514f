//! The parameters of a module by path, with their values or without, and the comparison of a file's tensors with them.
//! Only [`values`] creates values, so that a file is rejected before its sizes, or those of a configuration, take memory.

use std::collections::BTreeMap;
use std::fmt;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{DType, Tensor, TensorData};
use text_prep::error::one_line;

use crate::cell::f32_values;

/// How many names of a list are shown in an error.
const SHOWN: usize = 4;

/// A parameter without its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its id, by which optimizers know it.
    pub id: ParamId,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Whether it has values and they require gradients.
    pub requires_grad: bool,
}

/// The parameters of `module` by path, such as `output.bias`. Lazy values are not created.
pub fn parameters<M: Module>(module: &M) -> BTreeMap<String, Parameter> {
    collect(module)
}

/// The values of the parameters of `module` by path.
///
/// # Panics
/// If the device fails to return them.
pub fn values<M: Module>(module: &M) -> BTreeMap<String, TensorData> {
    collect(module)
}

/// `module` with these values, by path, of parameters of the same shapes. Parameters without values stay as they are.
#[must_use]
pub fn with_values<M: Module>(module: M, values: &BTreeMap<String, TensorData>) -> M {
    struct Replacement<'a> {
        path: Vec<String>,
        values: &'a BTreeMap<String, TensorData>,
    }
    impl ModuleMapper for Replacement<'_> {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.into());
        }

        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let found = self.values.get(&self.path.join("."));
            match found.filter(|values| values.shape().to_vec() == param.lazy_shape().to_vec()) {
                None => param,
                Some(values) => param.map(|tensor| {
                    let options = (&tensor.device(), tensor.dtype());
                    Tensor::from_data(values.clone(), options)
                }),
            }
        }
    }
    module.map(&mut Replacement { path: Vec::new(), values })
}

/// Whether all weights are finite; those of a run that diverged are not.
///
/// # Panics
/// If the device fails to return them.
pub fn is_finite<M: Module>(module: &M) -> bool {
    struct Finite(bool);
    impl ModuleVisitor for Finite {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0 = self.0 && f32_values(param.val()).iter().all(|value| value.is_finite());
        }
    }
    let mut finite = Finite(true);
    module.visit(&mut finite);
    finite.0
}

/// What is collected of each parameter.
trait Collected {
    fn of<const D: usize>(param: &Param<Tensor<D>>) -> Self;
}

impl Collected for Parameter {
    fn of<const D: usize>(param: &Param<Tensor<D>>) -> Self {
        let requires_grad = param.is_initialized() && param.val().is_require_grad();
        Self { id: param.id, shape: param.lazy_shape().to_vec(), requires_grad }
    }
}

impl Collected for TensorData {
    fn of<const D: usize>(param: &Param<Tensor<D>>) -> Self {
        param.val().into_data()
    }
}

fn collect<M: Module, T: Collected>(module: &M) -> BTreeMap<String, T> {
    let mut collector = Collector { path: Vec::new(), found: BTreeMap::new() };
    module.visit(&mut collector);
    collector.found
}

struct Collector<T> {
    path: Vec<String>,
    found: BTreeMap<String, T>,
}

impl<T: Collected> ModuleVisitor for Collector<T> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.found.insert(self.path.join("."), T::of(param));
    }
}

/// How the tensors of a Burnpack file differ from the expected ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences(BTreeMap<&'static str, Vec<String>>);

impl Differences {
    /// Takes the tensors that were found out of `expected`, shapes by name; all must be of 32-bit floats.
    pub fn new(found: &[burn_pack::Tensor], expected: &mut BTreeMap<String, Vec<usize>>) -> Self {
        let mut differences = Self::default();
        for tensor in found {
            let (name, shape) = (one_line(&tensor.name), tensor.shape.as_slice());
            match expected.remove(&tensor.name) {
                None => differences.add("unexpected", format!("{name} {shape:?}")),
                Some(expected) if shape != expected => {
                    differences.add("of another shape", format!("{name} (found {shape:?}, expected {expected:?})"));
                }
                Some(_) if tensor.dtype != DType::F32 => {
                    differences.add("of another type", format!("{name} (found {:?}, expected F32)", tensor.dtype));
                }
                Some(_) => {}
            }
        }
        differences
    }

    /// Adds an entry to the list of this name.
    pub fn add(&mut self, list: &'static str, entry: String) {
        self.0.entry(list).or_default().push(entry);
    }

    /// Checks that there are none.
    ///
    /// # Errors
    /// Names the first few of each list.
    pub fn check(&self) -> Result<(), String> {
        if self.0.is_empty() { Ok(()) } else { Err(self.to_string()) }
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = self.0.iter().map(|(list, entries)| {
            let more = entries.len().saturating_sub(SHOWN);
            let shown = entries[..entries.len() - more].join(", ");
            if more > 0 { format!("{list}: {shown} and {more} more") } else { format!("{list}: {shown}") }
        });
        f.write_str(&lists.collect::<Vec<_>>().join("; "))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Bytes, Device};

    use super::*;
    use crate::language_model::LanguageModelConfig;
    use crate::stack::LayerConfig;

    #[test]
    fn the_parameters_of_a_huge_model_take_no_memory() {
        let config = LanguageModelConfig::new(1 << 40, 8_192, vec![LayerConfig::lstm(8_192); 9]);
        let parameters = parameters(&config.tie_weights(true).zeros(&Device::flex()).unwrap());
        assert_eq!(parameters["embedding.weight"].shape, [1 << 40, 8_192]);
        assert_eq!(parameters.len(), 1 + 9 * 3 + 1);
        assert!(parameters.values().all(|parameter| !parameter.requires_grad));
    }

    #[test]
    fn all_differences_are_listed_by_kind() {
        let tensor = |name: &str, dtype, shape: &[usize]| {
            let bytes = Bytes::from_bytes_vec(vec![0; 4 * shape.iter().product::<usize>()]);
            burn_pack::Tensor::new(name.into(), dtype, shape, Some(1), bytes)
        };
        let found = [
            tensor("a", DType::F32, &[2]),
            tensor("b", DType::I32, &[2]),
            tensor("c", DType::F32, &[2, 1]),
            tensor("d\n", DType::F32, &[1]),
        ];
        let mut expected: BTreeMap<String, Vec<usize>> =
            [("a", vec![2]), ("b", vec![2]), ("c", vec![1, 2]), ("e", vec![3])].map(|(k, v)| (k.into(), v)).into();
        let differences = Differences::new(&found, &mut expected);
        assert_eq!(expected.into_keys().collect::<Vec<_>>(), ["e"]);
        let message = differences.check().unwrap_err();
        for part in ["another type: b (found I32", "c (found [2, 1], expected [1, 2])", "unexpected: d\\n [1]"] {
            assert!(message.contains(part), "{message}");
        }
        assert!(Differences::new(&found[..1], &mut [("a".into(), vec![2])].into()).check().is_ok());
        let mut many = Differences::default();
        (0..9).for_each(|i| many.add("missing", i.to_string()));
        assert_eq!(many.to_string(), "missing: 0, 1, 2, 3 and 5 more");
    }
}
