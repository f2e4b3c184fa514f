//! Files of `torch.save`, in the forms that scripts for language models write, and files that are no such files.

use std::fs;

use burn::tensor::{Device, Int, Tensor};
use models::interop::{Layout, Tensors, import, read_weights, reordered, with_one_hot_embedding};
use models::{Activation, CellKind, LanguageModelConfig, LayerConfig};
use serde::Deserialize;

use super::fixtures::{Stored, fixture, path};

#[derive(Deserialize)]
struct Report {
    ids: Vec<Vec<i32>>,
    targets: Vec<Vec<i32>>,
    logits: Stored,
    loss: f64,
}

/// Replaces the beginnings of names.
fn renamed(tensors: Tensors, changes: &[(&str, &str)]) -> Tensors {
    let rename = |name: String| {
        let change = changes.iter().find_map(|(from, to)| Some(format!("{to}{}", name.strip_prefix(from)?)));
        change.unwrap_or(name)
    };
    tensors.into_iter().map(|(name, array)| (rename(name), array)).collect()
}

#[test]
fn models_of_scripts_give_the_logits_and_losses_of_pytorch() {
    let device = Device::flex();
    let gru = LayerConfig::new(CellKind::Gru { reset_after: true }, 4);
    let one = |layer| LanguageModelConfig::new(7, 3, vec![layer]);
    let relu = LanguageModelConfig::new(7, 3, vec![LayerConfig::new(CellKind::Elman(Activation::Relu), 4); 2]);
    let grus = LanguageModelConfig::new(7, 4, vec![gru.clone(); 2]);
    let tied = LanguageModelConfig::new(7, 4, vec![LayerConfig::lstm(4); 2]).tie_weights(true);
    let (coder, layers) = ([("encoder.", "embedding."), ("decoder.", "output.")], ["embed.", "lstm.", "fc."]);
    let layers: Vec<_> = layers.into_iter().zip(["embedding.", "rnn.", "output."]).collect();
    for (name, key, changes, config) in [
        ("word_language_model", None, &coder[..], tied),
        ("state_dict", None, &coder[..], one(gru)),
        ("rnn_relu", None, &coder[..], relu),
        ("gru_stack", None, &coder[..], grus),
        ("char_rnn", Some("state_dict"), &layers[..], one(LayerConfig::lstm(4))),
    ] {
        let tensors = read_weights(&path(&format!("checkpoints/{name}.pt")), key).unwrap();
        let tensors = renamed(tensors, changes);
        let model = import(config.zeros(&device).unwrap(), Layout::Pytorch, tensors).unwrap().model;
        let report: Report = fixture(&format!("checkpoints/{name}.json"));
        let [ids, targets] = [report.ids, report.targets].map(|rows| {
            let steps = rows[0].len();
            Tensor::<1, Int>::from_ints(rows.concat().as_slice(), &device).reshape([rows.len(), steps])
        });
        let (logits, _) = model.forward_all(ids.clone(), model.init_state(2));
        report.logits.assert_equals(logits, 1e-5, name);
        let loss = model.forward_loss(ids, targets, model.init_state(2), None).0.mean().into_scalar::<f64>();
        assert!((loss - report.loss).abs() < 1e-5, "{name}: {loss}, PyTorch has {}", report.loss);
    }
}

#[test]
fn a_script_with_one_hot_vectors_and_its_own_order_of_tokens_has_the_loss_of_pytorch() {
    let device = Device::flex();
    // Padding, then the seven tokens of the script in another order.
    let there = [None, Some(4), Some(0), Some(6), Some(2), Some(5), Some(1), Some(3)];
    let here = |id: i32| there.iter().position(|&there| there == Some(id as u32)).unwrap() as i32;
    let tensors = read_weights(&path("checkpoints/one_hot.pt"), Some("state_dict")).unwrap();
    let tensors = renamed(tensors, &[("lstm.", "rnn."), ("fc.", "output.")]);
    let model = LanguageModelConfig::new(8, 7, vec![LayerConfig::lstm(4); 2]).zeros(&device).unwrap();
    let tensors = with_one_hot_embedding(tensors, Layout::Pytorch, 7).unwrap();
    let tensors = reordered(tensors, Layout::Pytorch, &model, &there, 7).unwrap();
    let model = import(model, Layout::Pytorch, tensors).unwrap().model;
    let report: Report = fixture("checkpoints/one_hot.json");
    let [ids, targets] = [report.ids, report.targets].map(|rows| {
        let steps = rows[0].len();
        let ids: Vec<i32> = rows.concat().into_iter().map(here).collect();
        Tensor::<1, Int>::from_ints(ids.as_slice(), &device).reshape([rows.len(), steps])
    });
    let (logits, _) = model.forward_all(ids.clone(), model.init_state(2));
    let logits: Vec<f64> = logits.try_into_vec_as().unwrap();
    let ordered: Vec<f64> =
        logits.chunks(8).flat_map(|row| (0..7).map(|id| row[here(id) as usize]).collect::<Vec<_>>()).collect();
    report.logits.assert_values(&ordered, 1e-5, "one_hot");
    let loss = model.forward_loss(ids, targets, model.init_state(2), None).0.mean().into_scalar::<f64>();
    assert!((loss - report.loss).abs() < 1e-5, "{loss}, PyTorch has {}", report.loss);
}

#[test]
fn keys_and_types_that_do_not_fit_are_named() {
    let file = path("checkpoints/char_rnn.pt");
    let error = |key| read_weights(&file, key).unwrap_err().to_string();
    // The optimizer counts its steps in floats, so only names are wrong there.
    assert_eq!(read_weights(&file, None).unwrap().len(), 7 + 3 * 7);
    let unknown = error(Some("weights"));
    assert!(unknown.contains("no tensors under `weights`") && unknown.contains("optimizer, state_dict"), "{unknown}");
    let other = LanguageModelConfig::new(8, 3, vec![LayerConfig::lstm(4)]).zeros(&Device::flex()).unwrap();
    let tensors = read_weights(&file, Some("state_dict")).unwrap();
    let error = import(other, Layout::Pytorch, tensors).unwrap_err().to_string();
    for part in ["missing: embedding.weight [8, 3]", "output.bias [8]", "extra: embed.weight [7, 3]", "fc.bias [7]"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn damaged_and_hostile_files_are_rejected_and_nothing_is_executed() {
    let folder = tempfile::tempdir().unwrap();
    let (file, victim) = (folder.path().join("model.pt"), folder.path().join("victim"));
    let rejected = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        let error = read_weights(&file, None).unwrap_err().to_string();
        assert!(!error.contains('\n'), "{error}");
        error
    };
    let whole = fs::read(path("checkpoints/state_dict.pt")).unwrap();
    for end in [whole.len() / 2, whole.len() - 10, 30] {
        assert!(rejected(&whole[..end]).contains("not a complete file of `torch.save`"));
    }
    // `os.system` with a command, as a pickle of its own.
    let command = format!("touch {}", victim.display());
    let length = [command.len() as u8, 0, 0, 0];
    let hostile = [b"\x80\x02cposix\nsystem\nX", &length[..], command.as_bytes(), b"\x85R."].concat();
    assert!(rejected(&hostile).contains("torch.save"));
    // The same as the value of a tensor's name.
    let hostile = [b"\x80\x02}X\x01\0\0\0acposix\nsystem\nX", &length[..], command.as_bytes(), b"\x85Rs."].concat();
    assert!(rejected(&hostile).contains("no tensors"));
    assert!(!victim.exists());
    assert!(rejected(b"nothing of this kind").contains("not a complete safetensors file"));
    let error = read_weights(folder.path(), None).unwrap_err().to_string();
    assert!(error.contains("is a directory"), "{error}");
}
