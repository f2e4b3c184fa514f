//! `export`: writes a model's weights as a safetensors file for other programs, or the whole model as an ONNX file.

use std::path::Path;

use args::{Export, ExportFormat};
use durable::create_atomically;
use generate::Generator;
use models::LmBundle;
use models::interop::{Layout, export, onnx_to_bytes, safetensors_to_bytes};
use text_prep::OovPolicy;

use super::load_network_alone;
use crate::base;
use crate::device::BackendSelection;
use crate::error::{Error, Result, bail};
use crate::output::{print, status, warn};

/// The tokenizer beside an ONNX file, under the name that Hugging Face's programs look for.
const TOKENIZER: &str = "tokenizer.json";

/// Runs the command.
pub fn run(args: &Export, backend: &BackendSelection) -> Result<()> {
    let path = &args.weights;
    let format = format(args)?;
    if path.exists() {
        bail!("{} exists: use another file, or delete it", path.display());
    }
    let left_out = "which are not exported: other programs compute the network alone";
    let (directory, bundle) = load_network_alone(args.model.as_deref(), backend, left_out)?;
    match format {
        ExportFormat::Onnx => return write_model(path, &directory, bundle),
        ExportFormat::Pytorch => write_weights(path, &directory, &bundle, Layout::Pytorch)?,
        ExportFormat::Keras => write_weights(path, &directory, &bundle, Layout::Keras)?,
    }
    print(&format!("{}\n", path.display()))
}

/// What is written: an ONNX file if the name says so, unless another format is given.
fn format(args: &Export) -> Result<ExportFormat> {
    match args.layout {
        Some(format) => Ok(format),
        None if args.weights.extension().is_some_and(|end| end == "onnx") => Ok(ExportFormat::Onnx),
        None => bail!(
            "{} does not end in .onnx: expected `--layout pytorch`, `--layout keras` or `--layout onnx`",
            args.weights.display()
        ),
    }
}

fn write_weights(path: &Path, directory: &Path, bundle: &LmBundle, layout: Layout) -> Result<()> {
    let tensors = export(&bundle.model, layout)?;
    create_atomically(&[(path, safetensors_to_bytes(path, &tensors)?.as_slice())])?;
    let ids = if base::is_base(directory) {
        // The base is a part of the program and has no directory.
        "in the source of this program, in datasets/base/vocabulary.tsv".into()
    } else {
        format!("in {}", directory.join("vocabulary.tsv").display())
    };
    status(&format!("model {}: {} tensors; the token ids are listed {ids}", directory.display(), tensors.len()));
    Ok(())
}

/// Writes the model as ONNX, and beside it its tokenizer if Hugging Face's format can express it.
fn write_model(path: &Path, directory: &Path, bundle: LmBundle) -> Result<()> {
    let generator = Generator::new(bundle);
    let start = generator.encode("", OovPolicy::Drop)?.ids;
    let tokenizer = path.with_file_name(TOKENIZER);
    let json = generator.tokenizer().to_hugging_face();
    if json.is_ok() && tokenizer.exists() {
        return Err(tokenizer_exists(&tokenizer));
    }
    let model = onnx_to_bytes(path, generator.bundle(), &start)?;
    let mut files = vec![(path, model.as_slice())];
    files.extend(json.iter().map(|json| (tokenizer.as_path(), json.as_bytes())));
    // Both or none: another export into this folder may run at the same time.
    create_atomically(&files).map_err(|error| match error {
        durable::Error::Exists { path } if path == tokenizer => tokenizer_exists(&tokenizer),
        error => error.into(),
    })?;
    status(&format!("model {}: the file has the network, its tokenizer and its metadata", directory.display()));
    print(&format!("{}\n", path.display()))?;
    match json {
        Ok(_) => print(&format!("{}\n", tokenizer.display())),
        Err(error) => {
            warn(&[format!("{error}; {} is not written", tokenizer.display())]);
            Ok(())
        }
    }
}

/// The tokenizer beside an ONNX file may be that of a model directory.
fn tokenizer_exists(tokenizer: &Path) -> Error {
    Error::new(format!(
        "{} exists, and the file needs one of its own beside it: use a file in another folder",
        tokenizer.display()
    ))
}
