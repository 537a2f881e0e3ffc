//! Reads Rust source far enough to resolve every path that it names, through its imports.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A file of `src/`.
pub struct Source {
    /// Relative to `src/`, like `auth/credentials/store.rs`.
    pub file: String,
    /// Its tokens, without comments, string literals and unit tests.
    pub tokens: Vec<String>,
    /// Every path that it names, absolute: `crate::auth::store::find`, `sqlx::query`.
    pub paths: Vec<String>,
}

/// Every Rust file of this crate's library.
pub fn sources() -> Vec<Source> {
    let root = root().join("src");
    files(&root, &["rs"])
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("source");
            let file = path.strip_prefix(&root).expect("in src").to_str().expect("a plain name").to_owned();
            Source::read(&file, &text)
        })
        .collect()
}

/// The folder of this crate.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder with one of these extensions, in order.
pub fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let extension = entry.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if entry.is_dir() {
            found.extend(files(&entry, extensions));
        } else if extensions.contains(&extension) {
            found.push(entry);
        }
    }
    found.sort();
    found
}

impl Source {
    /// Reads the text of a file.
    pub fn read(file: &str, text: &str) -> Self {
        let code = text.split("\n#[cfg(test)]").next().unwrap_or_default();
        let tokens = tokens(code);
        let module = module(file);
        let mut resolver = Resolver { module: &module, imported: HashMap::new(), paths: Vec::new() };
        // Imports first: a file may have them below the code that uses them.
        resolver.read_imports(&tokens);
        resolver.read_rest(&tokens);
        let mut paths = resolver.paths;
        paths.sort();
        paths.dedup();
        Self { file: file.to_owned(), tokens, paths }
    }

    /// The folder of the file, like `accounting/payments`.
    pub fn folder(&self) -> &str {
        self.file.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

/// The module of a file: `auth/credentials/store.rs` is `crate::auth::credentials::store`, `auth/mod.rs` is
/// `crate::auth`.
fn module(file: &str) -> String {
    let path = file.trim_end_matches(".rs").replace('/', "::");
    match path.as_str() {
        "lib" | "main" => "crate".to_owned(),
        path => format!("crate::{}", path.trim_end_matches("::mod")),
    }
}

/// Resolves the names in one file.
struct Resolver<'a> {
    module: &'a str,
    /// The absolute path of each imported name.
    imported: HashMap<String, String>,
    paths: Vec<String>,
}

impl Resolver<'_> {
    fn read_imports(&mut self, tokens: &[String]) {
        for (index, token) in tokens.iter().enumerate() {
            let next = |step: usize| tokens.get(index + step).map(String::as_str);
            match (token.as_str(), next(2)) {
                ("use", _) => {
                    self.read_tree(&tokens[index + 1..], "");
                }
                ("mod", Some(";")) => {
                    let name = tokens[index + 1].clone();
                    self.imported.insert(name.clone(), format!("{}::{name}", self.module));
                }
                _ => {}
            }
        }
    }

    /// Reads one branch of a `use` tree and returns the number of tokens in it.
    fn read_tree(&mut self, tokens: &[String], prefix: &str) -> usize {
        let mut path = prefix.to_owned();
        let mut at = 0;
        loop {
            match tokens[at].as_str() {
                "::" => at += 1,
                "{" => {
                    at += 1;
                    while tokens[at] != "}" {
                        at += self.read_tree(&tokens[at..], &path);
                        at += usize::from(tokens[at] == ",");
                    }
                    return at + 1;
                }
                "as" => {
                    let path = self.absolute(&path);
                    self.imported.insert(tokens[at + 1].clone(), path.clone());
                    self.paths.push(path);
                    return at + 2;
                }
                ";" | "," | "}" => {
                    let path = self.absolute(path.trim_end_matches("::self"));
                    let name = path.rsplit("::").next().unwrap_or_default().to_owned();
                    self.imported.insert(name, path.clone());
                    self.paths.push(path);
                    return at;
                }
                segment => {
                    path = if path.is_empty() { segment.to_owned() } else { format!("{path}::{segment}") };
                    at += 1;
                }
            }
        }
    }

    fn read_rest(&mut self, tokens: &[String]) {
        let mut at = 0;
        while at < tokens.len() {
            if tokens[at] == "use" {
                at += tokens[at..].iter().position(|token| token == ";").unwrap_or(1);
            } else if is_name(&tokens[at]) && tokens.get(at + 1).is_some_and(|next| next == "::") {
                let mut path = tokens[at].clone();
                while tokens.get(at + 1).is_some_and(|next| next == "::")
                    && tokens.get(at + 2).is_some_and(|t| is_name(t))
                {
                    path = format!("{path}::{}", tokens[at + 2]);
                    at += 2;
                }
                let path = self.absolute(&path);
                self.paths.push(path);
            }
            at += 1;
        }
    }

    fn absolute(&self, path: &str) -> String {
        let (first, rest) = path.split_once("::").map_or((path, String::new()), |(f, r)| (f, format!("::{r}")));
        let parent = self.module.rsplit_once("::").map_or("crate", |(parent, _)| parent);
        match first {
            "self" => format!("{}{rest}", self.module),
            "super" => {
                let above = Resolver { module: parent, imported: HashMap::new(), paths: Vec::new() };
                match rest.strip_prefix("::super") {
                    Some(further) => above.absolute(&format!("super{further}")),
                    None => format!("{parent}{rest}"),
                }
            }
            name => self.imported.get(name).map_or_else(|| path.to_owned(), |imported| format!("{imported}{rest}")),
        }
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Splits code into names, `::` and single characters. Comments and string literals are dropped.
fn tokens(code: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let hashes = rest.trim_start_matches(['b', 'r']).bytes().take_while(|b| *b == b'#').count();
        let taken = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with(['r', 'b']) && rest.trim_start_matches(['b', 'r'])[hashes..].starts_with('"') {
            let start = rest.find('"').unwrap_or(0) + 1;
            let end = format!("\"{}", "#".repeat(hashes));
            start + rest[start..].find(&end).map_or(rest.len() - start, |at| at + end.len())
        } else if first == '"' {
            literal_length(rest, '"')
        } else if first == '\'' && (rest[1..].starts_with('\\') || rest.chars().nth(2) == Some('\'')) {
            literal_length(rest, '\'')
        } else if name > 0 {
            tokens.push(rest[..name].to_owned());
            name
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[taken..];
    }
    tokens
}

fn literal_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        if character == quote && !escaped {
            return at + 1;
        }
        escaped = character == '\\' && !escaped;
    }
    rest.len()
}
