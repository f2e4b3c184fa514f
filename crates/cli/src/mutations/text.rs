//! Mutations of bytes, text and JSON.

use seqdata::Random;
use serde_json::{Value, json};

use super::{one_in, pick};

/// Numbers at the ends of types and beyond the limits of settings.
const NUMBERS: [&str; 22] = [
    "0",
    "-1",
    "1",
    "2",
    "3",
    "7",
    "8192",
    "65536",
    "1000000",
    "2147483647",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "0.5",
    "-0.0",
    "1e-300",
    "1e300",
    "3.5e38",
    "NaN",
    "1e999",
];

const TEXTS: [&str; 10] =
    ["", " ", "\n", "\0", "\u{feff}", "가", "e\u{301}", "../x", "\u{1F468}\u{200D}\u{1F469}", "\\u0000"];

/// A few changes of single bytes and ranges.
pub fn bytes(random: &mut Random, mut bytes: Vec<u8>) -> Vec<u8> {
    for _ in 0..1 + random.below(3) {
        let at = random.below(bytes.len().max(1) as u64) as usize;
        let end = (at + 1 + random.below(16) as usize).min(bytes.len());
        match random.below(9) {
            _ if bytes.is_empty() => bytes.push(random.bits() as u8),
            0 | 1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at] = random.bits() as u8,
            3 => bytes[at] = *pick(random, &[0, 0xff, b'"', b'\n', b',', b'-', b'9', 0x80, 0xc2]),
            4 => drop(bytes.drain(at..end)),
            5 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            6 => bytes.truncate(at),
            7 => {
                let to = random.below(bytes.len() as u64) as usize;
                bytes.swap(at, to);
            }
            _ => {
                let inserted = pick(random, &TEXTS).bytes();
                bytes.splice(at..at, inserted);
            }
        }
    }
    bytes
}

/// Changes a number, a line or single bytes of a text.
pub fn lines(random: &mut Random, text: &str) -> Vec<u8> {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(String::from).collect();
    let (at, other) = (random.below(lines.len() as u64) as usize, random.below(lines.len() as u64) as usize);
    match random.below(8) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(other, lines[at].clone()),
        2 => lines.swap(at, other),
        3 => lines[at] = lines[at].replace(['\n', ' '], ""),
        4 | 5 => {
            let starts: Vec<usize> = lines[at].match_indices(|c: char| c.is_ascii_digit()).map(|(i, _)| i).collect();
            if let Some(&start) = starts.get(random.below(starts.len().max(1) as u64) as usize) {
                let rest = &lines[at][start..];
                let end = start + rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
                let number = pick(random, &NUMBERS);
                lines[at].replace_range(start..end, number);
            }
        }
        6 => {
            let repeated = lines[at].trim_end().repeat(1 + random.below(2_000) as usize);
            lines[at] = repeated + "\n";
        }
        _ => return bytes(random, text.into()),
    }
    lines.concat().into()
}

/// Changes one value, key or element of a JSON text.
pub fn json(random: &mut Random, text: &[u8]) -> Vec<u8> {
    match serde_json::from_slice::<Value>(text) {
        Ok(value) if !one_in(random, 6) => value_of(random, value).to_string().into(),
        _ => bytes(random, text.into()),
    }
}

/// Changes one value, key or element.
pub fn value_of(random: &mut Random, mut root: Value) -> Value {
    let mut paths = Vec::new();
    collect(&root, String::new(), &mut paths);
    let path = pick(random, &paths).clone();
    let other: &String = pick(random, &paths);
    let donor = root.pointer(other).cloned().unwrap_or_default();
    let Some(value) = root.pointer_mut(&path) else { return root };
    if one_in(random, 8) {
        *value = match random.below(5) {
            0 => Value::Null,
            1 => json!([]),
            2 => json!({}),
            3 => json!(random.below(2) == 0),
            _ => donor,
        };
        return root;
    }
    match value {
        Value::Null => *value = json!(0),
        Value::Bool(flag) => *flag = !*flag,
        Value::Number(_) => {
            let number = pick(random, &NUMBERS);
            *value = serde_json::from_str(number).unwrap_or_else(|_| json!(number));
        }
        Value::String(text) => match random.below(4) {
            0 => *text = (*pick(random, &TEXTS)).into(),
            1 => text.push_str(pick::<&str>(random, &TEXTS)),
            2 => *text = text.repeat(1 + random.below(300) as usize),
            _ => *text = String::from_utf8_lossy(&bytes(random, text.clone().into())).into(),
        },
        Value::Array(items) => {
            let at = random.below(items.len().max(1) as u64) as usize;
            match random.below(4) {
                _ if items.is_empty() => items.push(donor),
                0 => drop(items.remove(at)),
                1 => items.push(items[at].clone()),
                2 => items.swap(0, at),
                _ => items.clear(),
            }
        }
        Value::Object(map) => {
            let keys: Vec<String> = map.keys().cloned().collect();
            let Some(key) = keys.get(random.below(keys.len().max(1) as u64) as usize) else { return root };
            let removed = map.remove(key).unwrap_or_default();
            match random.below(3) {
                0 => {}
                1 => drop(map.insert(format!("{key}x"), removed)),
                _ => drop(map.insert(key.clone(), donor)),
            }
        }
    }
    root
}

/// The JSON pointers of all values.
fn collect(value: &Value, path: String, paths: &mut Vec<String>) {
    let escape = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| collect(item, format!("{path}/{at}"), paths));
        }
        Value::Object(map) => {
            map.iter().for_each(|(key, item)| collect(item, format!("{path}/{}", escape(key)), paths));
        }
        _ => {}
    }
    paths.push(path);
}
