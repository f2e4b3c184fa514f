//! Errors of reading a configuration in plain words, without the names of types in Rust.

use crate::view::format::short_number;

/// The message of a TOML error in one line: what was found and what is expected; for an unknown key or value, with the
/// most similar known one.
pub(super) fn explain(message: &str) -> String {
    let message = message.lines().collect::<Vec<_>>().join(" ");
    if let Some(kind) = ["field", "variant"].iter().find(|kind| message.starts_with(&format!("unknown {kind}"))) {
        return unknown(&message, if *kind == "field" { "key" } else { "value" });
    }
    let wrong = ["invalid type: ", "invalid value: ", "invalid length "].into_iter().find_map(|start| {
        let (value, expected) = message.strip_prefix(start)?.split_once(", expected ")?;
        Some((start, value, expected))
    });
    if let Some((start, value, expected)) = wrong {
        if start == "invalid length " {
            return format!("found a list of {value}; expected {}", kind(expected));
        }
        return format!("found {}; expected {}", found(value, expected), kind(expected));
    }
    for (start, problem) in [("missing field ", "is missing"), ("duplicate field ", "is given twice")] {
        if let Some(key) = message.strip_prefix(start) {
            return format!("the key {key} {problem}");
        }
    }
    match message.strip_prefix("wanted ") {
        Some(expected) => format!("found another kind of value; expected {}", kind(expected)),
        None => message,
    }
}

/// An unknown key or value (`what`), with the most similar known one.
fn unknown(message: &str, what: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let found = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.collect();
    let nearest = known.iter().min_by_key(|known| strsim::damerau_levenshtein(found, known));
    match nearest {
        Some(nearest) => {
            format!("unknown {what} `{found}`; the nearest is `{nearest}`, known are {}", known.join(", "))
        }
        None => format!("unknown {what} `{found}`"),
    }
}

/// A value as it stands in the file. serde names the type first, as in "integer `-1`" and "string \"three\"".
fn found(value: &str, expected: &str) -> String {
    if let Some(text) = value.strip_prefix("string ") {
        // `--set` takes what is not TOML for a text, such as a number that is too large.
        return match text.trim_matches('"').parse::<f64>() {
            Ok(_) if is_number(expected) => format!("{}, which is too large", text.trim_matches('"')),
            _ => format!("the text {text}"),
        };
    }
    if let Some((_, number)) = value.strip_suffix('`').and_then(|value| value.split_once('`')) {
        return short_number(number);
    }
    match value {
        "map" => "a table of keys".into(),
        "sequence" => "a list".into(),
        other if other.ends_with(" variant") => "another kind of value".into(),
        other => other.into(),
    }
}

fn is_number(expected: &str) -> bool {
    ["usize", "u64", "u32", "u16", "u8", "isize", "i64", "i32", "f64", "f32"].contains(&expected)
}

/// The kind of value that serde expects, in words.
fn kind(expected: &str) -> &str {
    match expected {
        "usize" | "u64" | "u32" | "u16" | "u8" => "a whole number of 0 or more",
        "isize" | "i64" | "i32" => "a whole number",
        "f64" | "f32" => "a number",
        "a boolean" => "true or false",
        "a string" | "string" | "path string" | "a borrowed string" | "a character" => "a text in quotes",
        "string only" | "string or table" | "variant identifier" => "a name in quotes",
        "a sequence" => "a list in [ ]",
        "a map" => "a table of keys",
        other if other.starts_with("struct ") || other.starts_with("internally tagged enum ") => "a table of keys",
        other if other.starts_with("enum ") => "a name in quotes",
        other => other,
    }
}

/// The key whose value begins at the end of `text`, if it stands in front of it, as in `epochs = `.
pub(super) fn key_before(text: &str) -> Option<&str> {
    let text = text.trim_end().strip_suffix('=')?.trim_end();
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let key = &text[text.rfind(|c| !is_key(c)).map_or(0, |at| at + 1)..];
    (!key.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read::{apply_changes, parse_config};
    use crate::config::{Config, QuestionsConfig};

    fn of_file(text: &str) -> String {
        parse_config::<Config>(text, "my.toml").unwrap_err().to_string()
    }

    fn of_change(change: &str) -> String {
        apply_changes(Config::default(), &[change.to_string()]).unwrap_err().to_string()
    }

    /// Names of types in Rust, and serde's words.
    fn has_no_type_names(error: &str) {
        for name in
            ["u64", "usize", "u32", "f64", "i64", "struct", "enum", "map", "sequence", "invalid type", "variant"]
        {
            let mut words = error.split(|c: char| !c.is_alphanumeric());
            assert!(!words.any(|word| word == name) && !error.contains("invalid type"), "`{name}` in: {error}");
        }
        assert!(!error.contains('\n'), "{error}");
    }

    #[test]
    fn a_wrong_type_in_a_file_is_explained_in_plain_words() {
        for (text, expected) in [
            ("seed = {a = 1}", "my.toml, line 1: `seed`: found a table of keys; expected a whole number of 0 or more"),
            ("[train]\nepochs = [3]", "my.toml, line 2: `epochs`: found a list; expected a whole number of 0 or more"),
            ("[train]\nepochs = -1", "my.toml, line 2: `epochs`: found -1; expected a whole number of 0 or more"),
            ("[train]\nepochs = 1e30", "my.toml, line 2: `epochs`: found 1e30; expected a whole number of 0 or more"),
            ("[train]\nepochs = 1.5", "my.toml, line 2: `epochs`: found 1.5; expected a whole number of 0 or more"),
            ("[train]\nlearning_rate = true", "my.toml, line 2: `learning_rate`: found true; expected a number"),
            ("[train]\nschedule = 3", "my.toml, line 2: `schedule`: found 3; expected a table of keys"),
            ("[tokens]\njamo = \"yes\"", "my.toml, line 2: `jamo`: found the text \"yes\"; expected true or false"),
            ("[text]\npath = 3", "my.toml, line 2: `path`: found 3; expected a path in quotes or a list of paths"),
            ("[model]\nlayers = 3", "my.toml, line 2: `layers`: found 3; expected a list in [ ]"),
            ("train = 7", "my.toml, line 1: `train`: found 7; expected a table of keys"),
        ] {
            let error = of_file(text);
            assert_eq!(error, expected, "{text}");
            has_no_type_names(&error);
        }
    }

    #[test]
    fn every_kind_of_wrong_value_is_explained_in_plain_words() {
        let values = ["3", "-3", "1.5", "true", "\"x\"", "[1]", "{a = 1}", "99999999999999999999", "[[1]]", "nan"];
        let keys = [
            "seed",
            "train",
            "train.epochs",
            "train.learning_rate",
            "train.mode",
            "tokens.kind",
            "tokens.jamo",
            "text.path",
            "model.layers",
            "model.layers[0].units",
            "model.layers[0].cell",
            "model.layers[0].activation",
            "clean.rules",
            "clean.preset",
            "train.schedule.kind",
            "init.new_tokens",
            "text.excerpt",
            "vocabulary.fit_on",
        ];
        let mut rejected = 0;
        for (key, value) in keys.iter().flat_map(|key| values.map(|value| (key, value))) {
            let change = format!("{key}={value}");
            if let Err(error) = apply_changes(Config::default(), std::slice::from_ref(&change)) {
                has_no_type_names(&error.to_string());
                assert!(error.to_string().contains("expected") || error.to_string().contains("known"), "{error}");
                rejected += 1;
            }
        }
        assert!(rejected > 120, "{rejected}");
        for text in ["task = 3", "task = \"questions\"\n[model]\nencoder = 3", "task = \"questions\"\nseed = \"x\""] {
            has_no_type_names(&parse_config::<QuestionsConfig>(text, "my.toml").unwrap_err().to_string());
        }
    }

    #[test]
    fn a_number_out_of_range_is_called_so() {
        let error = of_change("train.epochs=99999999999999999999");
        let expected = "found 99999999999999999999, which is too large; expected a whole number of 0 or more";
        assert!(error.contains(expected), "{error}");
        let error = of_change("model.layers=[{units=8}]");
        assert!(error.ends_with("the key `cell` is missing"), "{error}");
    }

    #[test]
    fn the_key_of_a_value_is_found_in_its_line() {
        assert_eq!(key_before("[train]\nepochs = "), Some("epochs"));
        assert_eq!(key_before("x = { a.b="), Some("a.b"));
        assert_eq!(key_before("x = [1, "), None);
        assert_eq!(key_before(""), None);
    }
}
