//! Import and export of weights: safetensors files in the layouts of PyTorch and Keras.
//!
//! `keras.rs` and `pytorch.rs` convert the tensors of one cell, `clusters.rs` those of an adaptive softmax, `names.rs` names
//! the other layers, and `model.rs` converts whole models.

mod array;
mod clusters;
mod keras;
mod layout;
mod model;
mod names;
mod pytorch;
mod safetensors_file;
mod strict_loader;

pub use array::{Array, Tensors};
pub use layout::Layout;
pub use model::{Imported, export, export_stack, import, import_stack};
pub use safetensors_file::{read_safetensors, write_safetensors};
pub use strict_loader::StrictLoader;
