//! The modules of a page that is a model: those of the folder `model`, which compute in the browser, and
//! those of the page of the server.

use crate::ASSETS;

/// The modules of the folder `model` by their paths.
const OWN: &[(&str, &str)] = &[
    ("model/cells.js", include_str!("../model/cells.js")),
    ("model/characters.js", include_str!("../model/characters.js")),
    ("model/clean.js", include_str!("../model/clean.js")),
    ("model/hangul.js", include_str!("../model/hangul.js")),
    ("model/load_model.js", include_str!("../model/load_model.js")),
    ("model/matrix.js", include_str!("../model/matrix.js")),
    ("model/model_source.js", include_str!("../model/model_source.js")),
    ("model/network.js", include_str!("../model/network.js")),
    ("model/page_failure.js", include_str!("../model/page_failure.js")),
    ("model/page_main.js", include_str!("../model/page_main.js")),
    ("model/page_parts.js", include_str!("../model/page_parts.js")),
    ("model/page_start.js", include_str!("../model/page_start.js")),
    ("model/product_wasm.js", include_str!("../model/product_wasm.js")),
    ("model/reader.js", include_str!("../model/reader.js")),
    ("model/safetensors.js", include_str!("../model/safetensors.js")),
    ("model/sampling.js", include_str!("../model/sampling.js")),
    ("model/subwords.js", include_str!("../model/subwords.js")),
    ("model/text_change.js", include_str!("../model/text_change.js")),
    ("model/tokenizer.js", include_str!("../model/tokenizer.js")),
    ("model/training_text.js", include_str!("../model/training_text.js")),
    ("model/unicode.js", include_str!("../model/unicode.js")),
    ("model/word_spacing.js", include_str!("../model/word_spacing.js")),
    ("model/words.js", include_str!("../model/words.js")),
];

/// All modules by path, with their source: those of the page of the server are in `assets`.
pub(crate) fn modules() -> Vec<(String, &'static str)> {
    let own = OWN.iter().map(|&(path, source)| (path.to_string(), source));
    let shared = ASSETS.iter().filter(|asset| asset.name.ends_with(".js"));
    let shared = shared.filter_map(|asset| Some((format!("assets/{}", asset.name), asset.text()?)));
    own.chain(shared).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn every_module_of_the_folder_is_listed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("model");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<String> = files.filter(|name| name.ends_with(".js")).collect();
        files.sort();
        let listed: Vec<&str> = OWN.iter().map(|(path, _)| path.strip_prefix("model/").unwrap()).collect();
        assert_eq!(files, listed);
    }

    #[test]
    fn the_bytes_of_the_products_are_their_source_assembled() {
        let assembled = wat::parse_str(include_str!("../model/product.wat")).unwrap();
        let source = include_str!("../model/product_wasm.js");
        let lines = source.lines().filter_map(|line| line.trim().strip_prefix('"'));
        let text: String = lines.map(|line| line.trim_end_matches(['"', ' ', '+', ';'])).collect();
        let stored = STANDARD.decode(text).unwrap();
        // The names of the source follow the module in a section of their own.
        let is_same = assembled.strip_prefix(stored.as_slice()).is_some_and(|names| names.first() == Some(&0));
        assert!(is_same, "write {} into product_wasm.js", STANDARD.encode(assembled));
    }
}
