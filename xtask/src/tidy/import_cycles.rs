//! No import cycle between the files of a library: a.rs uses b.rs, and b.rs, directly or not, uses a.rs.
//!
//! Follows paths that start with `crate`, `super`, `self` or a child module to the file that defines the
//! name. Test code and re-exports (`pub use`) in lib.rs and mod.rs do not count. This is a scan of words, not
//! a compiler: it does not see through glob imports, macros and inline modules.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use super::report::{Problem, Report};
use super::sources::{self, Source};

/// The crates that are checked.
const CRATES: [&str; 4] = ["kernels", "models", "seqdata", "trainer"];

/// A module with a file of its own.
#[derive(Default)]
struct Module {
    file: String,
    /// What its `use` declarations import, by name
    imports: BTreeMap<String, String>,
    /// The paths that it uses, other than re-exports; those of other crates look like items of this module
    uses: Vec<String>,
}

/// Modules by path, as in `crate::cell::lstm`.
type Modules = BTreeMap<String, Module>;

/// Looks for cycles in each crate.
pub fn check(root: &Path) -> Result<Report, String> {
    let sources = sources::rust_files(root)?;
    let mut report = Report::default();
    let mut count = 0;
    for name in CRATES {
        let modules = modules(&sources, &format!("crates/{name}/src/"));
        count += modules.len();
        report.problems.extend(cycles(&modules));
    }
    report.inspected = format!("{count} files");
    Ok(report)
}

/// All modules under a source folder but those of tests, with what they import.
fn modules(sources: &[Source], folder: &str) -> Modules {
    let mut modules = Modules::new();
    let mut tests = Vec::new();
    for source in sources {
        let Some(path) = source.path.strip_prefix(folder) else { continue };
        let path = format!("crate::{}", path.trim_end_matches(".rs").replace('/', "::"));
        let path = path.trim_end_matches("::lib").trim_end_matches("::mod");
        let (code, test_modules) = without_tests(&source.text);
        tests.extend(test_modules.into_iter().map(|name| format!("{path}::{name}::")));
        modules.insert(path.into(), read_module(path, &source.path, &code));
    }
    modules.retain(|path, _| !tests.iter().any(|test| format!("{path}::").starts_with(test)));
    modules
}

/// The code without comments and test items, and the names of test modules in files of their own.
fn without_tests(text: &str) -> (String, Vec<String>) {
    let (mut code, mut test_modules) = (String::new(), Vec::new());
    let mut lines = text.lines().map(|line| line.split("//").next().unwrap_or_default().trim_end());
    while let Some(line) = lines.next() {
        if !line.trim_start().starts_with("#[cfg(") || !words(line).contains(&"test") {
            code = code + line + "\n";
            continue;
        }
        let is_item = |line: &&str| !line.is_empty() && !line.trim_start().starts_with("#[");
        let Some(item) = lines.find(is_item) else { break };
        let declared = item.split_once("mod ").and_then(|(_, rest)| rest.strip_suffix(';'));
        test_modules.extend(declared.map(str::to_owned));
        if !item.ends_with([';', ',', '}']) {
            let end = format!("{}}}", &item[..item.len() - item.trim_start().len()]);
            lines.find(|line| line.starts_with(&end));
        }
    }
    (code, test_modules)
}

/// Identifiers, `::`, and single characters.
fn words(code: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let identifier = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let length = if rest.starts_with("::") { 2 } else { identifier.max(first.len_utf8()) };
        words.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    words
}

fn read_module(path: &str, file: &str, code: &str) -> Module {
    let mut module = Module { file: file.into(), ..Module::default() };
    let is_parent = path == "crate" || file.ends_with("/mod.rs");
    let code = code.replace("pub(crate)", "pub");
    let words = words(&code);
    let (mut rest, mut previous) = (words.as_slice(), "");
    while let &[word, ref after @ ..] = rest {
        let mut found = Vec::new();
        if word == "use" {
            rest = after;
            read_tree(&mut rest, path.into(), &mut found);
        } else if after.first() == Some(&"::") && !["::", "."].contains(&previous) {
            read_tree(&mut rest, path.into(), &mut found);
        } else {
            rest = after;
        }
        if !(word == "use" && previous == "pub" && is_parent) {
            module.uses.extend(found.iter().map(|(_, path)| path.clone()));
        }
        if word == "use" {
            module.imports.extend(found);
        }
        previous = word;
    }
    module
}

/// Reads a path or a tree such as `crate::{a::B, c::{self, D as E}}` in the module at `path`, and adds each name
/// with its path from the crate root.
fn read_tree(rest: &mut &[&str], mut path: String, found: &mut Vec<(String, String)>) {
    while let &[word, ref after @ ..] = *rest {
        *rest = after;
        match word {
            "{" => {
                while let Some(&next) = rest.first().filter(|next| **next != "}") {
                    if next == "," { *rest = &rest[1..] } else { read_tree(rest, path.clone(), found) }
                }
                *rest = rest.get(1..).unwrap_or_default();
                return;
            }
            "crate" => path = "crate".into(),
            "super" => path.truncate(path.rfind("::").unwrap_or(0)),
            "self" => {}
            name => path = path + "::" + name,
        }
        let mut name = path.rsplit("::").next().unwrap_or_default();
        match *rest {
            ["::", after @ ..] => {
                *rest = after;
                continue;
            }
            ["as", alias, after @ ..] => (name, *rest) = (alias, after),
            _ => {}
        }
        return found.push((name.to_owned(), path));
    }
}

/// The module other than `user` that defines an item, found through the imports of the modules on the way.
fn definition(modules: &Modules, item: &str, user: &str, depth: usize) -> Option<String> {
    let mut module = item;
    while !modules.contains_key(module) {
        module = module.rsplit_once("::")?.0;
    }
    let rest = item[module.len()..].trim_start_matches(':');
    let (name, after) = rest.split_at(rest.find(':').unwrap_or(rest.len()));
    match modules[module].imports.get(name) {
        _ if module == user => None,
        Some(import) if depth < 8 => definition(modules, &format!("{import}{after}"), user, depth + 1),
        _ => Some(module.to_owned()),
    }
}

/// For each module the shortest cycle through it, each cycle once.
fn cycles(modules: &Modules) -> Vec<Problem> {
    let targets = |(path, module): (&'_ String, &Module)| {
        module.uses.iter().filter_map(|item| definition(modules, item, path, 0)).collect::<BTreeSet<_>>()
    };
    let edges = modules.iter().map(|entry| (entry.0.as_str(), targets(entry))).collect();
    let (mut problems, mut seen) = (Vec::new(), BTreeSet::new());
    for start in modules.keys() {
        let Some(cycle) = shortest_cycle(&edges, start) else { continue };
        if seen.insert(BTreeSet::from_iter(cycle.clone())) {
            let message = format!("import cycle: {} → {start}", cycle.join(" → "));
            problems.push(Problem::at(&modules[start].file, None, message));
        }
    }
    problems
}

/// Breadth-first search for a path from a module back to itself, without its last step.
fn shortest_cycle<'a>(edges: &'a BTreeMap<&str, BTreeSet<String>>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut queue = VecDeque::from([vec![start]]);
    let mut visited = BTreeSet::new();
    while let Some(path) = queue.pop_front() {
        for next in &edges[path[path.len() - 1]] {
            if next == start {
                return Some(path);
            }
            if visited.insert(next) {
                queue.push_back([path.as_slice(), &[next]].concat());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let source =
            |&(path, text): &(&str, &str)| Source { path: format!("crates/models/src/{path}"), text: text.into() };
        let sources: Vec<Source> = files.iter().map(source).collect();
        let problems = cycles(&modules(&sources, "crates/models/src/"));
        problems.iter().map(|problem| problem.message.clone()).collect()
    }

    #[test]
    fn two_files_that_use_each_other_are_a_cycle() {
        let a = ("a.rs", "use crate::{b::B, c};\n");
        let cycle = found(&[a, ("b.rs", "pub fn b(a: super::a::A) {}\n")]);
        assert_eq!(cycle, ["import cycle: crate::a → crate::b → crate::a"]);
        assert_eq!(found(&[a, ("b.rs", "// use crate::a::A;\nuse a::A;\n")]), [""; 0]);
    }

    #[test]
    fn names_are_followed_through_re_exports_to_their_file() {
        let root = ("lib.rs", "pub mod a;\npub mod b;\npub use b::{B as Renamed, C};\n");
        let a = ("a.rs", "use crate::Renamed;\n");
        let cycle = found(&[root, a, ("b.rs", "use crate::a;\n")]);
        assert_eq!(cycle, ["import cycle: crate::a → crate::b → crate::a"]);
        assert_eq!(found(&[root, a, ("b.rs", "")]), [""; 0]);
    }

    #[test]
    fn a_parent_with_code_of_its_own_can_be_part_of_a_cycle() {
        let child = ("cell/lstm.rs", "use super::Cell;\n");
        assert_eq!(found(&[("cell/mod.rs", "mod lstm;\npub use lstm::Lstm;\n"), child]), [""; 0]);
        let cycle = found(&[("cell/mod.rs", "mod lstm;\nfn a() { lstm::new() }\n"), child]);
        assert_eq!(cycle, ["import cycle: crate::cell → crate::cell::lstm → crate::cell"]);
    }

    #[test]
    fn a_longer_cycle_is_reported_once() {
        let files = [
            ("a.rs", "use crate::b::{self, B};\n"),
            ("b.rs", "use crate::c::{C, D};\n"),
            ("c.rs", "fn c() -> crate::a::A {}\n"),
        ];
        let cycle = "import cycle: crate::a → crate::b → crate::c → crate::a";
        assert_eq!(found(&files), [cycle]);
    }

    #[test]
    fn test_code_does_not_count() {
        let b = ("b.rs", "use crate::a::A;\n");
        let tests = "#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}\nfn end() {}\n";
        let helper = "#[cfg(test)]\nuse crate::b::{\n    B,\n};\n#[cfg(all(test, unix))]\nfn x() { crate::b::x() }\n";
        assert_eq!(found(&[("a.rs", tests), b]), [""; 0]);
        assert_eq!(found(&[("a.rs", helper), b]), [""; 0]);
        let file = [("lib.rs", "#[cfg(test)]\nmod a;\nmod b;\n"), ("a.rs", "use crate::b;\n"), b];
        assert_eq!(found(&file), [""; 0]);
        let after = "#[cfg(test)]\nmod tests {\n    fn t() {\n    }\n}\nuse crate::b::B;\n";
        assert_eq!(found(&[("a.rs", after), b]).len(), 1);
    }
}
