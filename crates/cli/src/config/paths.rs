//! One path or a list of paths.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::absolute;
use crate::error::{self, Result};

/// Files, folders and patterns. One of them is saved as a text, as by earlier versions, several as a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths(Vec<PathBuf>);

impl Paths {
    /// The paths, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(PathBuf::as_path)
    }

    /// The path, if there is only one.
    pub fn single(&self) -> Option<&Path> {
        match &self.0[..] {
            [path] => Some(path),
            _ => None,
        }
    }

    /// The absolute paths, so that they do not depend on the working directory.
    ///
    /// # Errors
    /// If one cannot be saved.
    pub fn absolute(&self) -> Result<Self> {
        self.iter().map(absolute_input).collect::<Result<_>>().map(Self)
    }
}

/// The absolute path of a file, folder or pattern, which must be UTF-8 to be saved.
///
/// # Errors
/// If it cannot be saved.
pub(super) fn absolute_input(path: &Path) -> Result<PathBuf> {
    absolute(&text_prep::absolute_input(path).map_err(error::Error::io(path, "found"))?)
}

impl From<&Path> for Paths {
    fn from(path: &Path) -> Self {
        Self(vec![path.into()])
    }
}

impl From<Vec<PathBuf>> for Paths {
    fn from(paths: Vec<PathBuf>) -> Self {
        Self(paths)
    }
}

impl Serialize for Paths {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.single() {
            Some(path) => path.serialize(serializer),
            None => self.0.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Paths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct OneOrSeveral;
        impl<'de> Visitor<'de> for OneOrSeveral {
            type Value = Paths;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path in quotes or a list of paths")
            }

            fn visit_str<E: Error>(self, path: &str) -> std::result::Result<Paths, E> {
                Ok(Path::new(path).into())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Paths, A::Error> {
                let mut paths = Vec::new();
                while let Some(path) = list.next_element()? {
                    paths.push(path);
                }
                if paths.is_empty() { Err(Error::invalid_length(0, &self)) } else { Ok(Paths(paths)) }
            }
        }
        deserializer.deserialize_any(OneOrSeveral)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::super::read::{apply_changes, parse_config};

    #[test]
    fn a_path_and_a_list_are_read_and_one_path_is_saved_as_before() {
        for (written, saved) in [
            ("\"a.txt\"", "path = \"a.txt\""),
            ("[\"a.txt\"]", "path = \"a.txt\""),
            ("[\"b\", \"a\"]", "path = [\"b\", \"a\"]"),
        ] {
            let config: Config = parse_config(&format!("text.path = {written}"), "my.toml").unwrap();
            assert!(toml::to_string(&config).unwrap().contains(&format!("{saved}\n")), "{written}");
        }
        let error = |change: &str| apply_changes(Config::default(), &[change.into()]).unwrap_err().to_string();
        assert_eq!(error("text.path=3"), "`--set text.path=3`: found 3; expected a path in quotes or a list of paths");
        let expected = "`--set text.valid=[]`: found a list of 0; expected a path in quotes or a list of paths";
        assert_eq!(error("text.valid=[]"), expected);
    }
}
