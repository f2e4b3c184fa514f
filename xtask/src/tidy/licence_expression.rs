//! Reading a licence expression: can its terms be met with the licences that we accept?
//!
//! ```text
//! any  = all  { ("OR" | "/") all }
//! all  = one  { "AND" one }
//! one  = "(" any ")"  |  licence [ "WITH" exception ]
//! ```
//!
//! `/` is the old spelling of `OR`.

/// Whether a choice among the `OR`s leaves only accepted licences.
///
/// # Errors
/// What is wrong in an expression that cannot be read.
pub fn satisfiable(expression: &str, accepted: &[&str]) -> Result<bool, String> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words, accepted };
    let met = reader.any()?;
    match reader.words {
        [] => Ok(met),
        [word, ..] => Err(format!("`{word}` is one word too many")),
    }
}

struct Reader<'a> {
    words: &'a [&'a str],
    accepted: &'a [&'a str],
}

impl<'a> Reader<'a> {
    fn any(&mut self) -> Result<bool, String> {
        let mut met = self.all()?;
        while self.take("OR") {
            met |= self.all()?;
        }
        Ok(met)
    }

    fn all(&mut self) -> Result<bool, String> {
        let mut met = self.one()?;
        while self.take("AND") {
            met &= self.one()?;
        }
        Ok(met)
    }

    fn one(&mut self) -> Result<bool, String> {
        if self.take("(") {
            let met = self.any()?;
            return if self.take(")") { Ok(met) } else { Err("a `)` is missing".into()) };
        }
        let licence = self.name()?;
        if !self.take("WITH") {
            return Ok(self.accepted.contains(&licence));
        }
        let with = format!("{licence} WITH {}", self.name()?);
        Ok(self.accepted.contains(&with.as_str()))
    }

    fn name(&mut self) -> Result<&'a str, String> {
        match self.words {
            [word, rest @ ..] if !["OR", "AND", "WITH", "(", ")"].contains(word) => {
                self.words = rest;
                Ok(word)
            }
            [word, ..] => Err(format!("a licence was expected, `{word}` was found")),
            [] => Err("a licence was expected, the end was found".into()),
        }
    }

    fn take(&mut self, expected: &str) -> bool {
        match self.words {
            [word, rest @ ..] if *word == expected => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCEPTED: [&str; 3] = ["MIT", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0"];

    #[test]
    fn expressions_of_every_shape_are_judged() {
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("MIT/GPL-3.0-only", true),
            ("GPL-3.0-only / MIT", true),
            ("GPL-3.0-only OR LGPL-2.1-or-later", false),
            ("(GPL-3.0-only OR MIT) AND Unicode-3.0", true),
            ("MIT AND GPL-3.0-only", false),
            // AND binds more tightly than OR.
            ("MIT OR MIT AND GPL-3.0-only", true),
            ("GPL-3.0-only AND MIT OR GPL-3.0-only", false),
            ("Apache-2.0 WITH LLVM-exception OR Apache-2.0", true),
            ("Apache-2.0", false),
            ("((MIT))", true),
        ] {
            assert_eq!(satisfiable(expression, &ACCEPTED), Ok(expected), "{expression}");
        }
    }

    #[test]
    fn a_broken_expression_is_refused() {
        for expression in ["", "MIT OR", "(MIT", "MIT MIT", "AND MIT", "MIT WITH", "MIT)"] {
            assert!(satisfiable(expression, &ACCEPTED).is_err(), "{expression}");
        }
    }
}
