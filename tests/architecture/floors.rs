//! The floors of the library: imports go down.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;

/// The floors, the lowest first. A file belongs to the longest entry that its path begins with. Entries of one floor do
/// not import each other.
const FLOORS: &[&[&str]] = &[
    &["ownership", "pressure", "telemetry"],
    &["background_threads"],
    &["lifecycle"],
    &["jobs"],
    &["domain"],
    &["db"],
    &["http/limits"],
    &["http/problem"],
    &["http/admission"],
    &["http/request", "http/response"],
    &["http/middleware"],
    &["http/server"],
    &["auth/credentials"],
    &["auth/grants"],
    &["auth"],
    &["events", "outgoing", "sealed"],
    &["connectors"],
    &["accounting/references"],
    &["accounting", "management", "health"],
    &["sync"],
    &["webhooks"],
    &["openapi"],
    &["state"],
    &["router"],
    &["config"],
    &["app"],
    &["server"],
    &["cli"],
    // They declare modules and start the program.
    &["lib", "main", "http/mod"],
];

/// The entry that a file or a module belongs to, and its floor.
fn floor(file: &str) -> Option<(usize, &'static str)> {
    let is_within =
        |entry: &str| file.strip_prefix(entry).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.']));
    let entries =
        FLOORS.iter().enumerate().flat_map(|(floor, entries)| entries.iter().map(move |entry| (floor, *entry)));
    entries.filter(|(_, entry)| is_within(entry)).max_by_key(|(_, entry)| entry.len())
}

/// The imports of a file that go up, or to another entry of the same floor.
pub fn upward(source: &Source) -> Vec<String> {
    let Some((floor_here, entry_here)) = floor(&source.file) else { return vec!["is on no floor".to_owned()] };
    let module_here = module(&source.file);
    let is_upward = |path: &&String| {
        let Some(module) = path.strip_prefix("crate::") else { return false };
        // A visibility such as `pub(in crate::auth)` names a folder above but imports nothing.
        if module_here.starts_with(&format!("{path}::")) {
            return false;
        }
        let Some((floor, entry)) = floor(&module.replace("::", "/")) else { return true };
        floor > floor_here || (floor == floor_here && entry != entry_here)
    };
    source.paths.iter().filter(is_upward).map(|path| format!("imports {path} from a floor that is not below")).collect()
}

/// For each file, the files that it imports. A name that a `mod.rs` re-exports leads to the file that declares it.
fn imports(sources: &[Source]) -> BTreeMap<&str, BTreeSet<&str>> {
    let files: BTreeMap<String, &Source> = sources.iter().map(|source| (module(&source.file), source)).collect();
    let resolve = |path: &str| {
        let mut path = path.to_owned();
        // A `mod.rs` may re-export what another one re-exports.
        for _ in 0..4 {
            let (folder, name) = path.rsplit_once("::")?;
            let Some(parent) = files.get(folder).filter(|source| source.file.ends_with("mod.rs")) else { break };
            let is_target = |target: &&String| target.ends_with(&format!("::{name}")) && **target != path;
            match parent.paths.iter().find(is_target) {
                Some(target) => path.clone_from(target),
                None => break,
            }
        }
        let mut prefix = path.as_str();
        loop {
            if let Some(source) = files.get(prefix) {
                return Some(source.file.as_str());
            }
            prefix = prefix.rsplit_once("::")?.0;
        }
    };
    let of = |source: &'_ Source| source.paths.iter().filter_map(|path| resolve(path)).collect::<BTreeSet<_>>();
    sources.iter().map(|source| (source.file.as_str(), of(source))).collect()
}

fn module(file: &str) -> String {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::");
    format!("crate::{path}")
}

/// The files that are in an import circle, or import one. A `mod.rs` is left out: it names the files of its folder.
pub fn circles(sources: &[Source]) -> Vec<String> {
    let mut graph = imports(sources);
    graph.retain(|file, _| !file.ends_with("mod.rs"));
    for (file, imports) in &mut graph {
        imports.remove(file);
        imports.retain(|import| !import.ends_with("mod.rs"));
    }
    // A file is in no circle if everything it imports is in no circle.
    loop {
        let free: Vec<_> = graph.iter().filter(|(_, imports)| imports.is_empty()).map(|(file, _)| *file).collect();
        if free.is_empty() {
            break;
        }
        for file in free {
            graph.remove(file);
            for imports in graph.values_mut() {
                imports.remove(file);
            }
        }
    }
    graph.iter().map(|(file, imports)| format!("{file} is in a circle, or imports one: {imports:?}")).collect()
}

/// HTTP layers outside the file that lists all of them.
pub fn layers_elsewhere(source: &Source) -> Vec<String> {
    if source.file == "http/middleware/layers.rs" {
        return Vec::new();
    }
    let is_layer = |token: &&String| {
        matches!(token.as_str(), "layer" | "route_layer" | "option_layer" | "from_fn" | "from_fn_with_state")
    };
    let is_http = |path: &String| {
        ["axum", "tower", "tower_http", "utoipa_axum"].contains(&path.split("::").next().unwrap_or_default())
    };
    if !source.paths.iter().any(is_http) {
        return Vec::new();
    }
    source.tokens.iter().filter(is_layer).map(|token| format!("adds a layer: {token}")).collect()
}

/// Routes that are declared without their problem types.
pub fn undocumented_routes(source: &Source) -> Vec<String> {
    let tokens: Vec<_> = source.tokens.iter().map(String::as_str).collect();
    let is_macro = |at: &usize| tokens[at + 1..].starts_with(&["!"]) && tokens[*at] == "routes";
    let routes = (0..tokens.len()).filter(is_macro);
    let bare = routes.filter(|at| at.checked_sub(2).is_none_or(|before| tokens[before..*at] != ["documented", "("]));
    bare.map(|at| format!("{} without `documented`", tokens[at..(at + 6).min(tokens.len())].concat())).collect()
}
