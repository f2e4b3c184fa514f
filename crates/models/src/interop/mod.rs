//! Import and export of weights in the layouts of PyTorch and Keras, from safetensors files and those of `torch.save` and Keras, and export
//! of whole models to ONNX.
//!
//! `keras.rs` and `pytorch.rs` convert the tensors of one cell, `clusters.rs` those of an adaptive softmax, `names.rs` names
//! the other layers, and `model.rs` converts whole models.

mod array;
mod clusters;
mod keras;
mod keras_config;
mod keras_file;
mod layout;
mod model;
mod names;
mod onnx;
mod protobuf;
mod pytorch;
mod pytorch_file;
mod safetensors_file;
mod stored_tensor;
mod strict_loader;
mod token_order;
mod weight_file;

pub use array::{Array, Tensors};
pub use keras_file::{has_keras_config, is_keras_file};
pub use layout::Layout;
pub use model::{Imported, export, export_stack, import, import_stack};
pub use onnx::{onnx_to_bytes, write_onnx};
pub use protobuf::Message;
pub use pytorch_file::is_pytorch_file;
pub use safetensors_file::{read_safetensors, safetensors_to_bytes, write_safetensors};
pub use strict_loader::StrictLoader;
pub use token_order::{reordered, with_one_hot_embedding};
pub use weight_file::read_weights;
