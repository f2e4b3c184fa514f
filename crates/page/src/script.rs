//! Joins ES modules to one script without imports, for a page that is opened from disk, where a browser loads no modules.
//!
//! Each module becomes a function that is called at once and returns what the module exports, after the modules that it imports:
//!
//! ```text
//! import { PAD as WIDTH } from "./matrix.js";       const $model_cells_js = (() => {
//! export function step(x) { … }                     const { PAD: WIDTH } = $model_matrix_js;
//!                                                   function step(x) { … }
//!                                                   return { step };
//!                                                   })();
//! ```
//!
//! It takes what the modules of this crate use: imports and exports by name, each at the beginning of a line.

use std::fmt::Write;

/// The script of the module `entry` and of all that it imports: a block, so that a page can have several. `modules` have their paths and sources.
///
/// # Errors
/// The reason, if a module is missing, imports itself, or uses another form of import or export.
pub(crate) fn join_modules(modules: &[(String, &str)], entry: &str) -> Result<String, String> {
    let mut script = Script { modules, done: Vec::new(), open: Vec::new(), text: "\"use strict\";\n{\n".into() };
    script.add(entry)?;
    Ok(script.text + "}\n")
}

/// A script that grows.
struct Script<'a> {
    modules: &'a [(String, &'a str)],
    /// The paths of the modules that are in it.
    done: Vec<String>,
    /// Those whose imports are being added.
    open: Vec<String>,
    text: String,
}

impl Script<'_> {
    /// Adds a module after those that it imports.
    fn add(&mut self, path: &str) -> Result<(), String> {
        if self.done.iter().any(|done| done == path) {
            return Ok(());
        }
        if self.open.iter().any(|open| open == path) {
            return Err(format!("{path} imports itself"));
        }
        let module = self.modules.iter().find(|(known, _)| *known == path);
        let (_, source) = module.ok_or_else(|| format!("there is no module {path}"))?;
        if source.contains("</script") || source.contains("<!--") {
            return Err(format!("{path} contains the end of a script or a comment of HTML"));
        }
        self.open.push(path.into());
        let parsed = Parsed::read(path, source)?;
        for import in &parsed.imports {
            self.add(&import.path)?;
        }
        self.open.pop();
        self.done.push(path.into());
        parsed.write(path, &mut self.text);
        Ok(())
    }
}

/// What a module imports.
struct Import {
    /// The path of the other module.
    path: String,
    /// What is imported: the name there and the name here.
    names: Vec<(String, String)>,
}

/// A module without its imports and exports.
#[derive(Default)]
struct Parsed {
    imports: Vec<Import>,
    /// The names that it exports.
    exports: Vec<String>,
    body: String,
}

impl Parsed {
    fn read(path: &str, source: &str) -> Result<Self, String> {
        let mut parsed = Self::default();
        let mut rest = source;
        while !rest.is_empty() {
            if rest.starts_with("import ") {
                let end = rest.find(';').ok_or_else(|| format!("{path} has an import without its end"))?;
                parsed.imports.push(read_import(path, &rest[..end])?);
                rest = rest[end + 1..].trim_start_matches('\n');
                continue;
            }
            let end = rest.find('\n').map_or(rest.len(), |end| end + 1);
            let (line, after) = rest.split_at(end);
            let line = match line.strip_prefix("export ") {
                None => line,
                Some(declaration) => {
                    parsed.exports.push(declared_name(declaration).ok_or_else(|| {
                        format!("{path} has the export `{}`: expected that of a name", declaration.trim_end())
                    })?);
                    declaration
                }
            };
            parsed.body.push_str(line);
            rest = after;
        }
        Ok(parsed)
    }

    fn write(&self, path: &str, text: &mut String) {
        let name = function_name(path);
        // Writing to a string does not fail.
        let _ = writeln!(text, "const {name} = (() => {{");
        for Import { path, names } in self.imports.iter().filter(|import| !import.names.is_empty()) {
            let names: Vec<String> = names.iter().map(|(there, here)| format!("{there}: {here}")).collect();
            let _ = writeln!(text, "const {{ {} }} = {};", names.join(", "), function_name(path));
        }
        text.push_str(self.body.trim_matches('\n'));
        let _ = writeln!(text, "\nreturn {{ {} }};\n}})();", self.exports.join(", "));
    }
}

/// The name of the constant with what a module exports.
fn function_name(path: &str) -> String {
    let name: String = path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    format!("${name}")
}

/// Reads `import { a, b as c } from "./x.js"` or `import "./x.js"`.
fn read_import(path: &str, statement: &str) -> Result<Import, String> {
    let unexpected = || format!("{path} has `{statement}`: expected an import of names from another file");
    let address = statement.split('"').nth(1).ok_or_else(unexpected)?;
    let list = match statement.split_once('{').zip(statement.split_once('}')) {
        Some(((_, after), _)) => after.split('}').next().unwrap_or_default(),
        None if statement.starts_with("import \"") => "",
        None => return Err(unexpected()),
    };
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    let names = names.map(|name| match name.split_once(" as ") {
        Some((there, here)) => (there.trim().into(), here.trim().into()),
        None => (name.into(), name.into()),
    });
    Ok(Import { path: resolve(path, address).ok_or_else(unexpected)?, names: names.collect() })
}

/// The path of `address`, such as `../source.js`, as seen from the module `path`.
fn resolve(path: &str, address: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in address.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    address.starts_with('.').then(|| parts.join("/"))
}

/// The name that a declaration declares.
fn declared_name(declaration: &str) -> Option<String> {
    const KINDS: [&str; 7] =
        ["const ", "let ", "class ", "async function ", "function ", "function* ", "async function* "];
    let rest = KINDS.iter().find_map(|kind| declaration.strip_prefix(kind))?;
    let name: String = rest.chars().take_while(|&c| c.is_alphanumeric() || c == '_' || c == '$').collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules(sources: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
        sources.iter().map(|&(path, source)| (path.to_string(), source)).collect()
    }

    #[test]
    fn modules_become_functions_in_the_order_of_their_imports() {
        let modules = modules(&[
            (
                "main.js",
                "// Main.\nimport {\n    a as first, b,\n} from \"./model/a.js\";\nimport \"./model/c.js\";\n\nfirst(b);\n",
            ),
            (
                "model/a.js",
                "import { c } from \"./c.js\";\nexport const b = c;\nexport function a(x) {\n    return x;\n}\n",
            ),
            ("model/c.js", "export class c {}\n"),
            ("unused.js", "import { a } from \"./missing.js\";\n"),
        ]);
        let expected = "\"use strict\";\n{\nconst $model_c_js = (() => {\nclass c {}\nreturn { c };\n})();\n\
                        const $model_a_js = (() => {\nconst { c: c } = $model_c_js;\nconst b = c;\nfunction a(x) {\n    return x;\n}\n\
                        return { b, a };\n})();\nconst $main_js = (() => {\nconst { a: first, b: b } = $model_a_js;\n// Main.\nfirst(b);\n\
                        return {  };\n})();\n}\n";
        assert_eq!(join_modules(&modules, "main.js").unwrap(), expected);
    }

    #[test]
    fn other_forms_are_rejected() {
        for (source, reason) in [
            ("import x from \"./a.js\";\n", "expected an import of names"),
            ("import { a } from \"library\";\n", "expected an import of names"),
            ("import { a } from \"./b.js\";\n", "there is no module b.js"),
            ("import { a } from \"./a.js\";\n", "imports itself"),
            ("import { a } from \"./a.js\"\n", "without its end"),
            ("export default 1;\n", "expected that of a name"),
            ("const a = \"</script>\";\n", "the end of a script"),
        ] {
            let error = join_modules(&modules(&[("a.js", source)]), "a.js").unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
