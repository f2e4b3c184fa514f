//! A page that is a model: one HTML file that writes text offline, opened from disk.
//!
//! Style sheet, script and model are parts: each is compressed (deflate), and written as text ([`text_of_bytes`]) into an element. A
//! short script unpacks the first two, and the second one the model. A content security policy allows these scripts and this style
//! sheet alone, and no requests. The file is in UTF-16: in UTF-8 the weights would take a seventh more, in base64 a third. Its byte
//! order mark comes before what a web server says about the encoding.

use std::collections::BTreeMap;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::model_modules::modules;
use crate::packed_text::text_of_bytes;
use crate::script::join_modules;
use crate::{Asset, asset};

/// The module that the page starts with.
const START: &str = "model/page_start.js";
/// The module of the script that it unpacks.
const MAIN: &str = "model/page_main.js";
/// The style sheet.
const STYLE: &str = "style.css";
/// What a file in UTF-16 begins with.
const BYTE_ORDER_MARK: u16 = 0xFEFF;

/// A model for a page.
pub struct ModelPage<'a> {
    /// What the page says about the model and how it reads it.
    pub about: About,
    /// The weights, a safetensors file with the names of the model's parameters: matrices as I8 with scales, as F16 or as F32.
    pub weights: &'a [u8],
    /// The tokenizer, as `Tokenizer::to_page_json` of the crate `text-prep` writes it.
    pub tokenizer: &'a str,
    /// The ids of the training text, if the page may contain it.
    pub training_text: Option<&'a [u32]>,
}

/// What a page says about its model.
#[derive(Clone, Debug, Serialize)]
pub struct About {
    /// The program that wrote the page, with its version.
    pub program: String,
    /// The name of the model.
    pub name: String,
    /// The hash that identifies the model.
    pub hash: String,
    /// The configuration of the network, as in the manifest of a model directory.
    pub config: serde_json::Value,
    /// The number of weights.
    pub parameters: usize,
    /// Their type, in words.
    pub precision: &'static str,
    /// The number of last ids that each prediction reads from the state of zeros; `None` if the state is carried from id to id.
    pub window: Option<usize>,
}

/// `about` and the hashes of the parts.
#[derive(Serialize)]
struct Header<'a> {
    #[serde(flatten)]
    about: &'a About,
    sha256: Hashes,
}

/// The SHA-256 of each part before it is compressed, in hexadecimal digits, by the names of the parts.
type Hashes = BTreeMap<&'static str, String>;

impl ModelPage<'_> {
    /// The HTML file, in UTF-16 with a byte order mark. The same model gives the same bytes.
    ///
    /// # Errors
    /// The reason, if the modules of this crate cannot be joined.
    pub fn to_html(&self) -> Result<Vec<u8>, String> {
        let html = self.text()?;
        Ok(std::iter::once(BYTE_ORDER_MARK).chain(html.encode_utf16()).flat_map(u16::to_le_bytes).collect())
    }

    fn text(&self) -> Result<String, String> {
        let [start, main] = [START, MAIN].map(|entry| join_modules(&modules(), entry));
        let (start, main) = (start?, main?);
        let style = asset(STYLE).and_then(Asset::text).ok_or_else(|| format!("there is no {STYLE}"))?;
        let training_text: Option<Vec<u8>> =
            self.training_text.map(|ids| ids.iter().flat_map(|id| id.to_le_bytes()).collect());
        let mut parts = vec![("style", style.as_bytes()), ("script", main.as_bytes())];
        parts.extend([("weights", self.weights), ("tokenizer", self.tokenizer.as_bytes())]);
        parts.extend(training_text.as_deref().map(|text| ("training-text", text)));
        let sha256 = parts.iter().map(|&(name, bytes)| (name, sha256_hex(bytes))).collect();
        let header = Header { about: &self.about, sha256 };
        let header = serde_json::to_string(&header).map_err(|error| error.to_string())?.replace('<', "\\u003c");
        let [start_hash, main_hash, style_hash] =
            [start.as_str(), &main, style].map(|text| STANDARD.encode(Sha256::digest(text)));
        let mut elements = String::new();
        for (name, bytes) in parts {
            let bytes = compressed(bytes)?;
            let (length, text) = (bytes.len(), text_of_bytes(&bytes));
            elements +=
                &format!("<script type=\"text/plain\" id=\"page-{name}\" data-bytes=\"{length}\">{text}</script>\n");
        }
        let name = escaped(&self.about.name);
        Ok(format!(
            r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-{start_hash}' 'sha256-{main_hash}' 'wasm-unsafe-eval'; style-src 'sha256-{style_hash}'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{name} · Pastiche</title>
<link rel="icon" href="data:,">
</head>
<body>
<div id="app"><p>The model is being loaded; this needs a browser of 2023 or later …</p><noscript><p>This page needs JavaScript.</p></noscript></div>
<script type="application/json" id="page-about">{header}</script>
{elements}<script>{start}</script>
</body>
</html>
"#
        ))
    }
}

fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn compressed(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).map_err(|error| error.to_string())
}

/// `text` as text of HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::DeflateDecoder;
    use serde_json::{Value, json};

    use super::*;
    use crate::packed_text::bytes_of_text;

    fn page<'a>(name: &str, training_text: Option<&'a [u32]>) -> ModelPage<'a> {
        let about = About {
            program: "pastiche 1".into(),
            name: name.into(),
            hash: "ab".into(),
            config: json!({ "vocabulary": 3 }),
            parameters: 12,
            precision: "8 bits",
            window: None,
        };
        ModelPage { about, weights: b"weights", tokenizer: "{\"tokens\":[]}", training_text }
    }

    /// The text between two others.
    fn between<'a>(html: &'a str, before: &str, after: &str) -> &'a str {
        html.split_once(before).unwrap().1.split_once(after).unwrap().0
    }

    fn part(html: &str, name: &str) -> Vec<u8> {
        let element =
            between(html, &format!("<script type=\"text/plain\" id=\"page-{name}\" data-bytes=\""), "</script>");
        let (length, text) = element.split_once("\">").unwrap();
        let mut bytes = Vec::new();
        let packed = bytes_of_text(text, length.parse().unwrap());
        DeflateDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_parts_are_in_the_page_with_their_hashes() {
        let html = page("my model", Some(&[1, 256])).text().unwrap();
        assert_eq!(part(&html, "weights"), b"weights");
        assert_eq!(part(&html, "tokenizer"), b"{\"tokens\":[]}");
        assert_eq!(part(&html, "training-text"), [1, 0, 0, 0, 0, 1, 0, 0]);
        let about: Value =
            serde_json::from_str(between(&html, "<script type=\"application/json\" id=\"page-about\">", "</script>"))
                .unwrap();
        assert_eq!((&about["name"], &about["config"]["vocabulary"]), (&json!("my model"), &json!(3)));
        assert_eq!(about["sha256"]["weights"], sha256_hex(b"weights"));
        let page = page("my model", None);
        let html = page.text().unwrap();
        assert!(!html.contains("id=\"page-training-text\""));
        let bytes = page.to_html().unwrap();
        assert_eq!(bytes, page.to_html().unwrap());
        let units: Vec<u16> = bytes.chunks(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        assert_eq!(String::from_utf16(&units).unwrap(), format!("\u{feff}{html}"));
    }

    #[test]
    fn the_policy_allows_the_script_and_the_styles_of_the_page_alone() {
        let html = page("my model", None).text().unwrap();
        let policy = between(&html, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
        let start = between(&html, "<script>", "</script>");
        let [main, style] = ["script", "style"].map(|name| String::from_utf8(part(&html, name)).unwrap());
        let [start_hash, main_hash, style_hash] =
            [start, &main, &style].map(|text| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text))));
        assert!(policy.contains(&format!("script-src {start_hash} {main_hash} 'wasm-unsafe-eval';")), "{policy}");
        assert!(policy.contains(&format!("style-src {style_hash};")), "{policy}");
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe-inline"), "{policy}");
        // Modules and other files cannot be loaded from disk.
        for script in [start, &main] {
            assert!(!script.contains("\nimport ") && !script.contains("\nexport ") && !script.contains("fetch("));
        }
    }

    #[test]
    fn a_name_is_text_and_not_markup() {
        let html = page("</script><b>&", None).text().unwrap();
        assert!(html.contains("<title>&lt;/script>&lt;b>&amp; · Pastiche</title>"));
        assert!(!html.contains("<b>") && html.contains("\\u003c/script>\\u003cb>&"));
    }
}
