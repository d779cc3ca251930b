//! Statements are made of constant texts: whatever a user gives goes beside them, as a parameter. Guards that nobody pastes
//! a value into one.

use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

/// What may be pasted into a statement: texts that are written in the sources, names of tables and columns, and lists of
/// placeholders. Who adds a name here says that nothing of a user is in it.
const PARTS: &[&str] = &[
    "due",
    "end",
    "further",
    "guard",
    "hashes",
    "delete",
    "hint",
    "id",
    "ids",
    "idle",
    "into",
    "key",
    "list",
    "longest",
    "names",
    "now",
    "of_status",
    "or_keep",
    "payload",
    "prefix",
    "readable_from",
    "returning",
    "rows",
    "same_name",
    "set",
    "status",
    "table",
    "task",
    "text",
    "v",
    "values",
    "version",
];

/// What is in a statement, or a part of one.
const VERBS: [&str; 12] = [
    "SELECT ", "INSERT ", "UPDATE ", "DELETE ", "CREATE ", "ALTER ", "DROP ", "FROM ", "SET ", "WHERE ", "AND ",
    " IN (",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("it is a folder") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The texts that are in these tokens.
fn texts(tokens: TokenStream, found: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => texts(group.stream(), found),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if text.starts_with('"') || text.starts_with('r') {
                    found.push(text);
                }
            }
            _ => {}
        }
    }
}

fn is_statement(text: &str) -> bool {
    VERBS.iter().any(|verb| text.contains(verb))
}

/// The names in single braces; what is in double ones is filled in by the names of the tables.
fn pasted(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = text.replace("{{", "\u{1}").replace("}}", "\u{2}");
    while let Some(begin) = rest.find('{') {
        let Some(length) = rest[begin..].find('}') else { break };
        let name = rest[begin + 1..begin + length].split(':').next().unwrap_or_default().to_owned();
        names.push(name);
        rest = rest[begin + length + 1..].to_owned();
    }
    names
}

#[test]
fn nothing_but_constant_texts_is_pasted_into_a_statement() {
    let storage = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vtask-storage/src");
    let mut files = Vec::new();
    sources(&storage, &mut files);
    let (mut statements, mut unknown) = (0, Vec::new());
    for file in files.iter().filter(|file| !file.components().any(|part| part.as_os_str() == "conformance")) {
        let source = std::fs::read_to_string(file).expect("a source is text");
        let mut found = Vec::new();
        texts(source.parse().expect("a source has tokens"), &mut found);
        for text in found.iter().filter(|text| is_statement(text)) {
            statements += 1;
            // A constant is written in capitals; JSON has quotes in its braces.
            let is_known = |name: &String| {
                let is_constant = !name.chars().any(char::is_lowercase) || name.contains('"');
                is_constant || PARTS.contains(&name.as_str())
            };
            let foreign = pasted(text).into_iter().filter(|name| !is_known(name));
            unknown.extend(foreign.map(|name| format!("{}: {{{name}}} in {text}", file.display())));
        }
    }
    assert!(statements > 80, "only {statements} statements were found");
    assert!(unknown.is_empty(), "is this a value of a user? Then make it a parameter.\n{}", unknown.join("\n"));
}

#[test]
fn value_that_is_pasted_is_found() {
    assert!(is_statement(r#""SELECT 1 FROM t WHERE id = {id}""#) && is_statement(r#""x AND (SELECT 1)""#));
    assert_eq!(pasted(r#""UPDATE {{prefix}}task SET a = '{value}' WHERE id = {id:?}""#), ["value", "id"]);
}
