//! The page with which texts are written: HTML, CSS and ES modules without a build step, which `pastiche serve` sends; and a page
//! that is a model ([`ModelPage`]): one file with these modules and those of the folder `model`, which compute in the browser.
//!
//! Each file is compiled in ([`ASSETS`]). The modules can also be joined into one file: each import of `assets` is one line
//! `import { a } from "./x.js";`, `export` stands only before declarations, and no two modules have a name in common.
//! `assets/source.js` describes what a model must offer to the page.

mod model_modules;
mod model_page;
mod packed_text;
mod script;

use sha2::{Digest, Sha256};

pub use model_page::{About, ModelPage};

/// The bytes of a hash that an [`Asset::etag`] has.
const ETAG_BYTES: usize = 16;

/// A file of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The name, such as `style.css`.
    pub name: &'static str,
    /// The media type.
    pub content_type: &'static str,
    /// The contents.
    pub bytes: &'static [u8],
}

impl Asset {
    /// The contents as text; `None` if they are none.
    pub fn text(&self) -> Option<&'static str> {
        std::str::from_utf8(self.bytes).ok()
    }

    /// The value of an `ETag` header: a hash of the contents, in quotes.
    pub fn etag(&self) -> String {
        let hash = Sha256::digest(self.bytes);
        let digits: String = hash[..ETAG_BYTES].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("\"{digits}\"")
    }
}

/// The file of this name.
pub fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// The page itself, which loads the other files from `/assets/`.
pub const INDEX: Asset = file("index.html", "text/html; charset=utf-8", include_bytes!("../assets/index.html"));

/// All files but [`INDEX`].
pub const ASSETS: &[Asset] = &[
    file("icon.svg", "image/svg+xml", include_bytes!("../assets/icon.svg")),
    file("style.css", "text/css; charset=utf-8", include_bytes!("../assets/style.css")),
    module("app.js", include_bytes!("../assets/app.js")),
    module("branches_list.js", include_bytes!("../assets/branches_list.js")),
    module("choices_list.js", include_bytes!("../assets/choices_list.js")),
    module("dom.js", include_bytes!("../assets/dom.js")),
    module("draft_store.js", include_bytes!("../assets/draft_store.js")),
    module("export_panel.js", include_bytes!("../assets/export_panel.js")),
    module("joining.js", include_bytes!("../assets/joining.js")),
    module("loss_chart.js", include_bytes!("../assets/loss_chart.js")),
    module("marked_text.js", include_bytes!("../assets/marked_text.js")),
    module("measure_view.js", include_bytes!("../assets/measure_view.js")),
    module("model_choice.js", include_bytes!("../assets/model_choice.js")),
    module("provenance.js", include_bytes!("../assets/provenance.js")),
    module("questions_view.js", include_bytes!("../assets/questions_view.js")),
    module("run_metrics.js", include_bytes!("../assets/run_metrics.js")),
    module("run_stream.js", include_bytes!("../assets/run_stream.js")),
    module("runs_view.js", include_bytes!("../assets/runs_view.js")),
    module("sample_steps.js", include_bytes!("../assets/sample_steps.js")),
    module("sampling_filters.js", include_bytes!("../assets/sampling_filters.js")),
    module("sampling_form.js", include_bytes!("../assets/sampling_form.js")),
    module("segments.js", include_bytes!("../assets/segments.js")),
    module("server_api.js", include_bytes!("../assets/server_api.js")),
    module("server_main.js", include_bytes!("../assets/server_main.js")),
    module("server_source.js", include_bytes!("../assets/server_source.js")),
    module("slider.js", include_bytes!("../assets/slider.js")),
    module("source.js", include_bytes!("../assets/source.js")),
    module("sse.js", include_bytes!("../assets/sse.js")),
    module("text_tree.js", include_bytes!("../assets/text_tree.js")),
    module("words.js", include_bytes!("../assets/words.js")),
    module("write_text.js", include_bytes!("../assets/write_text.js")),
    module("write_view.js", include_bytes!("../assets/write_view.js")),
];

const fn module(name: &'static str, bytes: &'static [u8]) -> Asset {
    file(name, "text/javascript; charset=utf-8", bytes)
}

const fn file(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Asset {
    Asset { name, content_type, bytes }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;

    /// The modules with their text.
    fn modules() -> Vec<(&'static str, &'static str)> {
        let modules = ASSETS.iter().filter(|asset| asset.name.ends_with(".js"));
        modules.map(|asset| (asset.name, std::str::from_utf8(asset.bytes).unwrap())).collect()
    }

    #[test]
    fn every_file_of_the_folder_is_listed_and_found_by_its_name() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
        let files = std::fs::read_dir(folder).unwrap();
        let mut files: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        files.retain(|name| name != INDEX.name);
        files.sort();
        let mut listed: Vec<&str> = ASSETS.iter().map(|asset| asset.name).collect();
        listed.sort_unstable();
        assert_eq!(files, listed);
        assert_eq!(asset("style.css").map(|asset| asset.content_type), Some("text/css; charset=utf-8"));
        assert_eq!(asset("../Cargo.toml"), None);
    }

    #[test]
    fn an_etag_is_that_of_the_contents() {
        let etags: Vec<String> = ASSETS.iter().map(Asset::etag).collect();
        assert!(etags.iter().all(|etag| etag.len() == 2 * ETAG_BYTES + 2 && etag.starts_with('"')));
        assert!(etags.iter().enumerate().all(|(at, etag)| !etags[..at].contains(etag)));
        let empty = Asset { name: "", content_type: "", bytes: b"" };
        assert_eq!(empty.etag(), "\"e3b0c44298fc1c149afbf4c8996fb924\"");
    }

    #[test]
    fn modules_can_be_joined_into_one_file() {
        let mut names: BTreeMap<String, &str> = BTreeMap::new();
        for (module, text) in modules() {
            for line in text.lines() {
                if line.starts_with("import") {
                    let target = line.split_once(" from \"./").and_then(|(_, rest)| rest.strip_suffix("\";"));
                    assert!(target.is_some_and(|target| asset(target).is_some()), "{module}: {line}");
                    assert!(line.starts_with("import { ") && !line.contains(" as "), "{module}: {line}");
                }
                let declaration = line.strip_prefix("export ").unwrap_or(line);
                let words: Vec<&str> = declaration.splitn(3, [' ', '(']).collect();
                let kinds = ["const", "let", "class", "function", "async", "function*"];
                let is_declared = kinds.contains(&words[0]);
                assert!(is_declared || !line.starts_with("export"), "{module}: {line}");
                if is_declared {
                    let name = declaration.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| {
                        !word.is_empty() && !["const", "let", "class", "function", "async"].contains(word)
                    });
                    let name = name.map(String::from).next().unwrap();
                    let other = names.insert(name.clone(), module);
                    assert_eq!(other, None, "`{name}` is in {module}, too");
                }
            }
        }
    }

    #[test]
    fn the_page_sets_text_and_never_markup() {
        for (module, text) in modules() {
            for forbidden in
                ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "style=", "javascript:"]
            {
                assert!(!text.contains(forbidden), "{module}: {forbidden}");
            }
        }
        let index = std::str::from_utf8(INDEX.bytes).unwrap();
        assert!(!index.contains("<style") && !index.contains("style=") && !index.contains("<script>"));
        assert!(!index.contains("://"));
    }
}
