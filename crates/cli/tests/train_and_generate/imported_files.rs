//! Models of other programs by the commands in docs/interop.md: the tokens keep the weights that they have there.

use std::fs;

use crate::common::TestDir;

/// The text has other frequencies than the order of the tokens in the files.
const TEXT: &str = "gagbgagcgadgaegafgbag\n";

/// A fixture of the tests of weights.
fn fixture(name: &str) -> String {
    format!("{}/../models/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// `import` of a file with these tokens, into the directory `model`.
fn import(dir: &TestDir, file: &str, tokens: &str, more: &[&str]) -> crate::common::CommandOutput {
    dir.file("tokens.json", tokens);
    dir.file("text.txt", TEXT.repeat(30));
    let text = ["--text", "text.txt", "--set", "tokens.path=tokens.json", "--set", "windows.context_len=5"];
    dir.run(&[&["import", &fixture(file), "--out", "model"], &text[..], more].concat())
}

/// The row of a token in a tensor of the imported model, exported in the layout of PyTorch.
fn row(dir: &TestDir, tensor: &str, token: &str) -> Vec<f64> {
    let file = dir.path().join("model.safetensors");
    if !file.exists() {
        dir.run_ok(&["export", "model.safetensors", "--layout", "pytorch", "--model", "model"]);
    }
    let tensors = models::interop::read_safetensors(&file).unwrap();
    let vocabulary = fs::read_to_string(dir.path().join("model/vocabulary.tsv")).unwrap();
    let line = vocabulary.lines().find(|line| line.split('\t').nth(1) == Some(token)).unwrap();
    let id: usize = line.split('\t').next().unwrap().parse().unwrap();
    let array = &tensors[tensor];
    let width: usize = array.shape[1..].iter().product();
    array.values[id * width..][..width].to_vec()
}

#[test]
fn a_script_with_one_hot_vectors_and_its_own_order_of_characters_is_imported() {
    let dir = TestDir::new();
    let size =
        ["--set", "model.embedding_dim=7", "--set", r#"model.layers=[{cell="lstm",units=4},{cell="lstm",units=4}]"#];
    let characters = ["--set", "tokens.kind=characters", "--set", "clean.preset=verbatim"];
    let names = ["--key", "state_dict", "--rename", "lstm=rnn", "--rename", "fc=output", "--one-hot"];
    let more = [&size[..], &characters, &names].concat();
    let report = import(&dir, "checkpoints/one_hot.pt", r#"["a","b","c","d","e","f","g"]"#, &more);
    assert_eq!(report.code, Some(0), "{}", report.stderr);
    let file = std::path::PathBuf::from(fixture("checkpoints/one_hot.pt"));
    let tensors = models::interop::read_weights(&file, Some("state_dict")).unwrap();
    for (at, token) in ["a", "b", "c", "d", "e", "f", "g"].iter().enumerate() {
        assert_eq!(row(&dir, "output.weight", token), tensors["fc.weight"].values[at * 4..][..4], "{token}");
        assert_eq!(row(&dir, "output.bias", token), [tensors["fc.bias"].values[at]], "{token}");
        assert_eq!(row(&dir, "embedding.weight", token).iter().position(|&value| value == 1.0), Some(at), "{token}");
    }
    assert_eq!(row(&dir, "output.bias", "<padding>"), [-1e4]);
    // The line feed of the text is in none of their tokens.
    assert!(dir.json(&["evaluate", "--model", "model", "--json"])["loss_nats_per_token"].is_number());
    let written = dir.json(&["generate", "--model", "model", "--prompt", "gag", "--max-tokens", "5", "--json"]);
    assert_eq!(written["samples"][0]["ids"].as_array().unwrap().len(), 5, "{written}");
}

#[test]
fn a_model_of_keras_is_imported_with_the_words_of_its_tokenizer() {
    let dir = TestDir::new();
    let mut keras = text_prep::KerasTokenizer::new(text_prep::KerasConfig::default()).unwrap();
    keras.fit_on_texts(&["a a a a a a b b b b b c c c c d d d e e f"]);
    let size = ["--set", "model.embedding_dim=3", "--set"];
    let layers = r#"model.layers=[{cell="lstm",units=4,layer_norm=true},{cell="lstm",units=4}]"#;
    let tokens = ["--set", "tokens.kind=characters", "--set", "clean.preset=verbatim"];
    let more = [&size[..], &[layers], &tokens].concat();
    let report = import(&dir, "keras_archives/stack.keras", &keras.to_json(), &more);
    assert_eq!(report.code, Some(0), "{}", report.stderr);
    let file = dir.path().join("keras.safetensors");
    dir.run_ok(&["export", "keras.safetensors", "--layout", "keras", "--model", "model"]);
    let found = models::interop::read_safetensors(&file).unwrap();
    let file = std::path::PathBuf::from(fixture("keras_archives/stack.keras"));
    let expected = models::interop::read_weights(&file, None).unwrap();
    // `b` has index 2 there, and here the next place after `a`, as in the text.
    let ids = fs::read_to_string(dir.path().join("model/vocabulary.tsv")).unwrap();
    let tokens: Vec<&str> = ids.lines().skip(1).map(|line| line.split('\t').nth(1).unwrap()).collect();
    for (here, token) in tokens.iter().enumerate() {
        let there = keras.index(token).unwrap_or(0) as usize;
        let row = |tensors: &models::interop::Tensors, id: usize| {
            tensors["embedding/embeddings"].values[id * 3..][..3].to_vec()
        };
        assert_eq!(row(&found, here), row(&expected, there), "{token}");
        assert_eq!(found["dense/bias"].values[here], expected["dense/bias"].values[there], "{token}");
    }
}

#[test]
fn a_file_of_weights_alone_does_not_say_what_its_layers_compute() {
    let dir = TestDir::new();
    let size = ["--set", "model.embedding_dim=3", "--set", r#"model.layers=[{cell="gru",units=4}]"#];
    let characters = ["--set", "tokens.kind=characters", "--set", "clean.preset=verbatim"];
    let more = [&size[..], &characters].concat();
    let report = import(&dir, "keras_archives/gru.weights.h5", r#"["a","b","c","d","e","f","g"]"#, &more);
    assert_eq!(report.code, Some(0), "{}", report.stderr);
    assert!(report.stderr.contains("gru.weights.h5 has weights alone") && report.stderr.contains("hard_sigmoid"));
}

#[test]
fn files_that_do_not_fit_are_rejected_with_the_reason_and_leave_no_model() {
    let dir = TestDir::new();
    let characters = ["--set", "tokens.kind=characters", "--set", "clean.preset=verbatim"];
    let of_five = r#"["a","b","c","d","e"]"#;
    let of_seven = r#"{"a":0,"b":1,"c":2,"d":3,"e":4,"f":5,"g":6}"#;
    let script = ["--rename", "encoder=embedding", "--rename", "decoder=output"];
    let (other_size, one_hot) =
        ([&characters[..], &script].concat(), [&characters[..], &script, &["--one-hot"]].concat());
    let attention = "its layer `attention` takes a weighted mean";
    let white_space = r#"{"model":{"type":"WordLevel","vocab":{"a":0,"b":1}},"normalizer":{"type":"NFC"},
        "pre_tokenizer":{"type":"Whitespace"}}"#;
    for (file, tokens, more, expected) in [
        ("checkpoints/state_dict.pt", of_five, &other_size[..], "embedding.weight has 7 tokens, output.weight has 7"),
        ("checkpoints/state_dict.pt", of_seven, &one_hot, "the network reads no one-hot vectors"),
        ("checkpoints/state_dict.pt", of_seven, &other_size, "embedding.weight (found [8, 3], expected [8, 100])"),
        ("checkpoints/state_dict.pt", "[1]", &characters, "its entry 0 is 1: expected a token"),
        (
            "checkpoints/state_dict.pt",
            of_seven,
            &["--set", "tokens.kind=subwords", "--set", "clean.document_separator="],
            "has words or characters: expected",
        ),
        ("checkpoints/state_dict.pt", white_space, &characters, "its pre-tokenizer is `Whitespace`"),
        ("keras_archives/textgenrnn.hdf5", of_seven, &characters, attention),
    ] {
        let report = import(&dir, file, tokens, more);
        assert_eq!(report.code, Some(1), "{}", report.stderr);
        assert!(report.stderr.contains(expected), "{}", report.stderr);
        assert!(!dir.path().join("model").exists());
    }
}

#[test]
fn a_second_onnx_model_does_not_replace_the_tokenizer_of_the_first() {
    let dir = TestDir::new();
    dir.run_ok(&["export", "first.onnx", "--model", "base"]);
    let tokenizer = fs::read(dir.path().join("tokenizer.json")).unwrap();
    dir.expect_error(&["export", "second.onnx", "--model", "base"], &["tokenizer.json exists", "another folder"]);
    assert!(!dir.path().join("second.onnx").exists());
    assert_eq!(fs::read(dir.path().join("tokenizer.json")).unwrap(), tokenizer);
}
