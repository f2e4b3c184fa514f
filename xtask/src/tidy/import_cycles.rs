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

/// The path of a module or an item from the crate root, as in `["cell", "lstm", "Lstm"]`.
type ItemPath = Vec<String>;

/// A module with a file of its own.
#[derive(Default)]
struct Module {
    file: String,
    /// Its code without tests, in words
    words: Vec<String>,
    /// What its `use` declarations import from its crate, by name
    imports: BTreeMap<String, ItemPath>,
    /// The paths of its crate that it uses, other than re-exports
    uses: Vec<ItemPath>,
}

type Modules = BTreeMap<ItemPath, Module>;

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
        let mut path: ItemPath = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        path.pop_if(|last| ["lib", "mod"].contains(&last.as_str()));
        let (code, test_modules) = without_tests(&source.text);
        tests.extend(test_modules.into_iter().map(|name| [path.clone(), vec![name]].concat()));
        let (file, words) = (source.path.clone(), words(&code));
        modules.insert(path, Module { file, words, ..Module::default() });
    }
    modules.retain(|path, _| !tests.iter().any(|test| path.starts_with(test)));
    let known: BTreeSet<ItemPath> = modules.keys().cloned().collect();
    for (path, module) in &mut modules {
        read_paths(path, module, &known);
    }
    modules
}

/// The code without comments and test items, and the names of test modules in files of their own.
fn without_tests(text: &str) -> (String, Vec<String>) {
    let (mut code, mut test_modules) = (String::new(), Vec::new());
    let mut lines = text.lines().map(|line| line.split("//").next().unwrap_or_default().trim_end());
    while let Some(line) = lines.next() {
        let attribute = line.trim_start();
        if !attribute.starts_with("#[cfg(") || !words(attribute).iter().any(|word| word == "test") {
            code += line;
            code.push('\n');
            continue;
        }
        let is_item = |line: &&str| !line.is_empty() && !line.trim_start().starts_with("#[");
        let Some(item) = lines.find(is_item) else { break };
        let declared = item.split_once("mod ").and_then(|(_, rest)| rest.strip_suffix(';'));
        test_modules.extend(declared.map(str::to_owned));
        let count = |brackets: [char; 3]| item.matches(brackets).count();
        let is_balanced = count(['(', '[', '{']) == count([')', ']', '}']);
        if !(is_balanced && item.ends_with([';', ',', '}'])) {
            let end = format!("{}}}", &item[..item.len() - item.trim_start().len()]);
            lines.find(|line| line.starts_with(&end));
        }
    }
    (code, test_modules)
}

/// Identifiers, `::`, and single characters.
fn words(code: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_identifier = |c: char| c.is_alphanumeric() || c == '_';
        let length = match first {
            ':' if rest.starts_with("::") => 2,
            _ if is_identifier(first) => rest.find(|c| !is_identifier(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        words.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    words
}

/// Fills in `imports` and `uses` of the module at `path`.
fn read_paths(path: &ItemPath, module: &mut Module, known: &BTreeSet<ItemPath>) {
    let words = std::mem::take(&mut module.words);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let is_parent = path.is_empty() || module.file.ends_with("/mod.rs");
    let mut at = 0;
    while at < words.len() {
        let mut found = Vec::new();
        let mut rest = &words[at + 1..];
        let previous = at.checked_sub(1).map_or("", |before| words[before]);
        let is_use = words[at] == "use";
        if is_use {
            use_tree(&mut rest, Vec::new(), &mut found);
        } else if rest.first() == Some(&"::") && !["::", "."].contains(&previous) {
            let path = words[at..].chunks(2).take_while(|pair| pair.get(1) == Some(&"::"));
            let mut path: Vec<&str> = path.map(|pair| pair[0]).collect();
            rest = &words[at + 2 * path.len()..];
            path.extend(rest.first());
            found.push(("", path));
        }
        // `pub use`, `pub(crate) use`
        let is_public = previous == "pub" || words[..at].ends_with(&["(", "crate", ")"]);
        for (name, found) in found {
            let Some(target) = absolute(&found, path, known) else { continue };
            if is_use {
                module.imports.insert(name.to_owned(), target.clone());
            }
            if !(is_use && is_public && is_parent) {
                module.uses.push(target);
            }
        }
        at = words.len() - rest.len();
    }
}

/// Reads a tree such as `crate::{a::B, c::{self, D as E}}` and adds each imported name with its path.
fn use_tree<'a>(rest: &mut &[&'a str], mut path: Vec<&'a str>, found: &mut Vec<(&'a str, Vec<&'a str>)>) {
    while let &[first, ref after @ ..] = *rest {
        *rest = after;
        match (first, after) {
            ("{", _) => {
                while let &[word, ref after @ ..] = *rest {
                    if ["}", ","].contains(&word) {
                        *rest = after;
                    } else {
                        use_tree(rest, path.clone(), found);
                    }
                    if word == "}" {
                        return;
                    }
                }
            }
            (word, &["::", ref after @ ..]) => {
                path.push(word);
                *rest = after;
            }
            ("self", _) => return found.push((path.last().copied().unwrap_or_default(), path)),
            (word, &["as", name, ref after @ ..]) => {
                *rest = after;
                path.push(word);
                return found.push((name, path));
            }
            (word, _) => {
                path.push(word);
                return found.push((word, path));
            }
        }
    }
}

/// A path of this crate from its root; nothing for paths of other crates.
fn absolute(found: &[&str], module: &ItemPath, known: &BTreeSet<ItemPath>) -> Option<ItemPath> {
    let (&first, rest) = found.split_first()?;
    let mut path = module.clone();
    match first {
        "crate" => path.clear(),
        "self" => {}
        "super" => drop(path.pop()?),
        child => {
            path.push(child.to_owned());
            known.contains(&path).then_some(())?;
        }
    }
    let above = rest.iter().take_while(|word| **word == "super").count();
    path.truncate(path.len().checked_sub(above)?);
    path.extend(rest[above..].iter().map(ToString::to_string));
    Some(path)
}

/// The module that defines an item, found through the imports of the modules on the way.
fn definition(modules: &Modules, item: &ItemPath, depth: usize) -> Option<ItemPath> {
    let length = (0..=item.len()).rev().find(|&length| modules.contains_key(&item[..length]))?;
    let (module, rest) = item.split_at(length);
    match rest.first().and_then(|name| modules[module].imports.get(name)) {
        Some(import) if depth < 8 => definition(modules, &[import, &rest[1..]].concat(), depth + 1),
        _ => Some(module.to_vec()),
    }
}

/// For each module the shortest cycle through it, each cycle once.
fn cycles(modules: &Modules) -> Vec<Problem> {
    let edges: BTreeMap<&ItemPath, BTreeSet<ItemPath>> = modules
        .iter()
        .map(|(path, module)| {
            let targets = module.uses.iter().filter_map(|item| definition(modules, item, 0));
            (path, targets.filter(|target| target != path).collect())
        })
        .collect();
    let (mut problems, mut seen) = (Vec::new(), BTreeSet::new());
    for &start in edges.keys() {
        let Some(cycle) = shortest_cycle(&edges, start) else { continue };
        if seen.insert(cycle.iter().cloned().collect::<BTreeSet<_>>()) {
            let name = |path: &ItemPath| [&["crate".into()], path.as_slice()].concat().join("::");
            let names: Vec<String> = cycle.iter().chain([start]).map(name).collect();
            let message = format!("import cycle: {}", names.join(" → "));
            problems.push(Problem::at(&modules[start].file, None, message));
        }
    }
    problems
}

/// Breadth-first search for a path from a module back to itself, without its last step.
fn shortest_cycle(edges: &BTreeMap<&ItemPath, BTreeSet<ItemPath>>, start: &ItemPath) -> Option<Vec<ItemPath>> {
    let mut queue = VecDeque::from([vec![start.clone()]]);
    let mut visited = BTreeSet::new();
    while let Some(path) = queue.pop_front() {
        for next in &edges[path.last()?] {
            if next == start {
                return Some(path);
            }
            if visited.insert(next.clone()) {
                queue.push_back([path.as_slice(), std::slice::from_ref(next)].concat());
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
