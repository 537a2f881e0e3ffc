//! The rules of the architecture: which code may use which. They are checked on the source itself, so a new file is
//! checked without being registered anywhere.

#[path = "architecture/floors.rs"]
mod floors;
#[path = "architecture/names.rs"]
mod names;
#[path = "architecture/source.rs"]
mod source;
#[path = "architecture/sql.rs"]
mod sql;

use std::fs;

use source::{Source, files, root, sources};

/// The violations of a rule in all sources, one line each.
fn violations(rule: impl Fn(&Source) -> Vec<String>) -> Vec<String> {
    sources()
        .iter()
        .flat_map(|source| rule(source).into_iter().map(|violation| format!("{}: {violation}", source.file)))
        .collect()
}

#[track_caller]
fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

/// Whether a file is a store: `store.rs`, or a file of a folder of that name.
fn is_store(source: &Source) -> bool {
    source.file.ends_with("/store.rs") || source.folder().ends_with("/store")
}

/// Uses of another slice's store. Only the slice itself uses its store.
fn foreign_stores(source: &Source) -> Vec<String> {
    let is_foreign = |path: &&String| {
        let Some((slice, rest)) = path.strip_prefix("crate::").unwrap_or_default().split_once("::store") else {
            return false;
        };
        let slice = slice.replace("::", "/");
        let owner = slice.strip_suffix("/credentials").unwrap_or(&slice);
        let is_own = format!("{}/", source.folder()).starts_with(&format!("{owner}/"));
        (rest.is_empty() || rest.starts_with("::")) && !is_own
    };
    source.paths.iter().filter(is_foreign).map(|path| format!("names {path}")).collect()
}

/// Glob imports. They hide the names that are imported.
fn glob_imports(source: &Source) -> Vec<String> {
    source.paths.iter().filter(|path| path.ends_with("::*")).map(|path| format!("imports {path}")).collect()
}

/// Imports of `domain/` that are not part of the vocabulary: frameworks and other folders of the crate.
fn domain_imports(source: &Source) -> Vec<String> {
    const FRAMEWORKS: &[&str] =
        &["axum", "sqlx", "tokio", "tower", "tower_http", "hyper_util", "http_body_util", "utoipa_axum", "metrics"];
    let is_outside = |path: &&String| {
        let first = path.split("::").next().unwrap_or_default();
        FRAMEWORKS.contains(&first) || (first == "crate" && !format!("{path}::").starts_with("crate::domain::"))
    };
    if !source.file.starts_with("domain/") {
        return Vec::new();
    }
    source.paths.iter().filter(is_outside).map(|path| format!("imports {path}")).collect()
}

fn sql_outside_stores(source: &Source) -> Vec<String> {
    // Migrations, the executor of every statement, the checks of the database, the tables of Citus, the plans of writers,
    // and the owner check of the private Postgres.
    const EXCEPTIONS: &[&str] = &[
        "db/citus/distribute.rs",
        "db/citus/shard_map.rs",
        "db/clock.rs",
        "db/migrate.rs",
        "db/migration_lock.rs",
        "db/migration_run.rs",
        "db/executor.rs",
        "db/facts.rs",
        "db/pooler_check.rs",
        "db/requirements.rs",
        "db/schema.rs",
        "db/writer_pool.rs",
        "db/private/server.rs",
    ];
    let is_sql = |path: &&String| {
        ["sqlx::query", "sqlx::raw_sql", "sqlx::QueryBuilder", "sqlx::Executor"].iter().any(|sql| path.starts_with(sql))
    };
    if is_store(source) || EXCEPTIONS.contains(&source.file.as_str()) {
        return Vec::new();
    }
    source.paths.iter().filter(is_sql).map(|path| format!("runs SQL: {path}")).collect()
}

/// SQL that is built at run time. The compiler cannot check it.
fn unchecked_sql(source: &Source) -> Vec<String> {
    let macros = ["query", "query_as", "query_scalar"];
    let calls = source.tokens.windows(4).filter(|window| {
        window[0] == "sqlx" && window[1] == "::" && window[2].starts_with("query") && window[3] != "!"
            || window[0] == "sqlx" && window[2] == "raw_sql"
    });
    if !is_store(source) {
        return Vec::new();
    }
    let imported = source.paths.iter().filter(|path| macros.iter().any(|m| path.as_str() == format!("sqlx::{m}_with")));
    calls.map(|window| window[2].clone()).chain(imported.cloned()).map(|call| format!("unchecked {call}")).collect()
}

/// Functions of a store that query the database and whose first parameter is not a grant.
fn functions_without_grant(source: &Source) -> Vec<String> {
    // The store of the authenticator: it has no scope yet, because it makes them.
    if !is_store(source) || source.file == "auth/credentials/store.rs" {
        return Vec::new();
    }
    let grants: &[&str] = if source.file.starts_with("accounting/") {
        &["Scope", "JobScope", "JobTransaction"]
    } else {
        &[
            "Scope",
            "Operator",
            "OperatorTransaction",
            "ProjectScope",
            "ProjectTransaction",
            "Worker",
            "JobScope",
            "JobTransaction",
        ]
    };
    let tokens = &source.tokens;
    let functions =
        (0..tokens.len()).filter(|&at| tokens[at] == "async" && tokens.get(at + 1).is_some_and(|t| t == "fn"));
    let has_grant = |at: &usize| {
        let parameters = at + tokens[*at..].iter().position(|token| token == "(").expect("parameters") + 1;
        let first = &tokens[parameters + 1..parameters + 7];
        // `&Scope` or `&mut OperatorTransaction`; for rows, which have a scope each, `&Scoped<…>` or `&[&Scoped<…>]`.
        let grant = if first[2] == "mut" { &first[3] } else { &first[2] };
        let is_grant = first[..2] == [":", "&"] && (grants.contains(&grant.as_str()) || grant == "Scoped");
        is_grant || first[..5] == [":", "&", "[", "&", "Scoped"]
    };
    functions.filter(|at| !has_grant(at)).map(|at| format!("fn {} takes no grant", tokens[at + 2])).collect()
}

/// Ways to the database that accounting code could take without a scope.
fn bypasses(source: &Source) -> Vec<String> {
    const FORBIDDEN: &[&str] = &[
        "crate::state",
        "crate::db::Database",
        "crate::db::DatabaseOptions",
        "crate::auth::Authenticator",
        "crate::auth::Operator",
        "crate::auth::OperatorTransaction",
        "sqlx::PgPool",
        "sqlx::Pool",
        "sqlx::pool",
        "sqlx::postgres",
    ];
    let is_bypass =
        |path: &&String| FORBIDDEN.iter().any(|name| *path == name || path.starts_with(&format!("{name}::")));
    if !source.file.starts_with("accounting/") {
        return Vec::new();
    }
    // The routes of a slice need a state that has the authenticator. Only the extractors can use it.
    let names_state = |path: &String| source.file.ends_with("/mod.rs") && path == "crate::auth::Authenticator";
    let bypasses = source.paths.iter().filter(is_bypass).filter(|path| !names_state(path));
    bypasses.map(|path| format!("bypasses the authenticator: {path}")).collect()
}

/// Binary floats outside the metrics: they cannot hold decimal amounts exactly.
fn floats(source: &Source) -> Vec<String> {
    let is_float = |token: &&String| token.contains("f32") || token.contains("f64");
    if source.file == "http/middleware/metrics.rs" {
        return Vec::new();
    }
    source.tokens.iter().filter(is_float).map(|token| format!("a binary float: {token}")).collect()
}

#[test]
fn imports_go_down_the_floors() {
    assert_none(&violations(floors::upward));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    assert_none(&floors::circles(&sources()));
}

#[test]
fn all_layers_of_http_are_on_one_page() {
    assert_none(&violations(floors::layers_elsewhere));
}

#[test]
fn every_route_is_declared_with_its_problem_types() {
    assert_none(&violations(floors::undocumented_routes));
}

#[test]
fn no_slice_touches_another_slices_store() {
    assert_none(&violations(foreign_stores));
    assert_none(&violations(glob_imports));
}

#[test]
fn domain_imports_no_framework_and_no_other_folder() {
    assert_none(&violations(domain_imports));
}

#[test]
fn sql_is_only_in_stores_and_checked_at_compile_time() {
    assert_none(&violations(sql_outside_stores));
    assert_none(&violations(unchecked_sql));
}

#[test]
fn every_store_function_takes_a_scope_or_an_operator() {
    assert_none(&violations(functions_without_grant));
}

#[test]
fn accounting_reaches_the_database_only_with_a_scope() {
    assert_none(&violations(bypasses));
}

#[test]
fn only_the_command_line_makes_operators() {
    assert_none(&violations(|source| {
        let makes = source.paths.iter().any(|path| path == "crate::auth::Operator::from_cli");
        if makes && source.folder() != "cli" { vec!["makes an Operator".to_owned()] } else { Vec::new() }
    }));
}

#[test]
fn no_binary_float_except_in_the_metrics() {
    assert_none(&violations(floats));
}

#[test]
fn no_file_has_more_than_400_lines() {
    let folders = ["src", "tests", "bench", "migrations", "scripts"].map(|folder| root().join(folder));
    let all = folders.iter().flat_map(|folder| files(folder, &["rs", "py", "sh", "sql"]));
    let lines = all.map(|path| (fs::read_to_string(&path).expect("a text").lines().count(), path));
    let long: Vec<_> =
        lines.filter(|(lines, _)| *lines > 400).map(|(n, path)| format!("{n} {}", path.display())).collect();
    assert_none(&long);
}

#[test]
fn test_names_are_short_and_clear() {
    assert_none(&names::violations());
}

#[test]
fn every_large_table_has_a_key_that_begins_with_the_tenant() {
    let tables = sql::tables();
    assert!(tables.len() >= 5, "the migrations were read: {tables:?}");
    let is_wrong =
        |(table, key): &&(String, String)| !sql::WITHOUT_TENANT.contains(&table.as_str()) && sql::tenant(key).is_none();
    assert_none(&tables.iter().filter(is_wrong).map(|(table, _)| table.clone()).collect::<Vec<_>>());
}

#[test]
fn every_query_on_a_large_table_names_the_tenant() {
    let tables: Vec<_> =
        sql::tables().into_iter().filter(|(table, _)| !sql::WITHOUT_TENANT.contains(&&**table)).collect();
    let queries = sql::queries();
    let on_payments = queries.iter().filter(|query| query.contains("from payment ")).count();
    assert!(on_payments >= 4, "only {on_payments} of find, find_claimed and both directions of page were read");
    let violations =
        queries.iter().flat_map(|query| tables.iter().flat_map(|(table, key)| sql::without_tenant(query, table, key)));
    assert_none(&violations.collect::<Vec<_>>());
}

/// Tests of the rules on code that they must reject: a rule that finds nothing would protect nothing.
mod rules_reject {
    use super::*;

    #[track_caller]
    fn rejects(rule: impl Fn(&Source) -> Vec<String>, file: &str, text: &str) {
        assert_eq!(rule(&Source::read(file, text)).len(), 1, "{text}");
    }

    #[test]
    fn an_import_that_goes_up_or_across_a_floor() {
        rejects(floors::upward, "domain/money.rs", "use crate::http::problem::Error;");
        rejects(floors::upward, "http/request/json.rs", "use crate::accounting::payments::PaymentData;");
        rejects(floors::upward, "accounting/payments/get.rs", "use crate::management::projects::Project;");
        rejects(floors::upward, "new_folder/file.rs", "fn f() {}");
        let down = Source::read("accounting/payments/get.rs", "use crate::auth::CanRead; use super::store;");
        assert_eq!(floors::upward(&down), Vec::<String>::new());
    }

    #[test]
    fn a_circle_of_files_even_through_a_mod_rs() {
        let circle = |b: &str| {
            let read = |(file, text): (&str, &str)| Source::read(file, text);
            floors::circles(&[
                read(("domain/mod.rs", "pub mod a; pub mod b; pub use a::A;")),
                read(("domain/a.rs", "use super::b::B; struct A(B);")),
                read(("domain/b.rs", b)),
            ])
        };
        assert_eq!(circle("struct B;"), Vec::<String>::new());
        assert_eq!(circle("use super::a::A; struct B;").len(), 2);
        assert_eq!(circle("use crate::domain::A; struct B;").len(), 2);
    }

    #[test]
    fn a_layer_elsewhere_and_a_route_without_problems() {
        let layer = "use axum::Router; fn f(r: Router) -> Router { r.layer(x) }";
        rejects(floors::layers_elsewhere, "router.rs", layer);
        rejects(floors::undocumented_routes, "accounting/payments/mod.rs", "fn f() { x().routes(routes!(get)) }");
        let good = Source::read("health.rs", "fn f() { x().routes(documented(routes!(get), &[])) }");
        assert_eq!(floors::undocumented_routes(&good), Vec::<String>::new());
    }

    #[test]
    fn every_way_to_write_a_foreign_store() {
        for text in [
            "use crate::management::projects::store;",
            "use crate::{domain::FreeText, management::projects::{self, store::insert}};",
            "use crate::management::projects; fn f() { projects::store::list(o) }",
            "use crate::management::projects as p; fn f() { p::store::list(o) }",
            "use super::super::super::management::projects::store as s;",
            "fn f() { crate::management::projects::store::list(o) }",
        ] {
            rejects(foreign_stores, "accounting/payments/create.rs", text);
        }
        rejects(foreign_stores, "cli/project.rs", "use crate::accounting::payments::store;");
        rejects(foreign_stores, "cli/project.rs", "use crate::management::projects::store;");
        rejects(glob_imports, "cli/project.rs", "use crate::management::projects::*;");
        let own =
            Source::read("accounting/payments/create.rs", "use super::store::{self, Inserted}; // crate::a::store\n");
        assert_eq!(own.paths, ["crate::accounting::payments::store", "crate::accounting::payments::store::Inserted"]);
        assert_eq!(foreign_stores(&own), Vec::<String>::new());
    }

    #[test]
    fn a_framework_in_the_domain_and_sql_outside_a_store() {
        rejects(domain_imports, "domain/money.rs", "#[derive(Debug, sqlx::Type)] struct Money(i64);");
        rejects(domain_imports, "domain/money.rs", "use crate::http::Error;");
        rejects(sql_outside_stores, "accounting/payments/list.rs", "fn f() { sqlx::query!(\"select 1\") }");
        rejects(sql_outside_stores, "accounting/payments/list.rs", "use sqlx::query_scalar;");
        for file in ["accounting/payments/store.rs", "accounting/payments/store/insert.rs"] {
            rejects(unchecked_sql, file, "fn f() { sqlx::query(\"select 1\") }");
        }
    }

    #[test]
    fn a_bypass_of_the_authenticator() {
        rejects(
            functions_without_grant,
            "accounting/payments/store.rs",
            "pub async fn all(session: &mut PgConnection) {}",
        );
        rejects(
            functions_without_grant,
            "accounting/payments/store/read.rs",
            "pub async fn all(operator: &Operator, id: Id) {}",
        );
        rejects(bypasses, "accounting/payments/get.rs", "use crate::state::AppState;");
        rejects(bypasses, "accounting/payments/get.rs", "use crate::db; fn f(d: db::Database) {}");
        rejects(floats, "accounting/payments/body.rs", "fn f(x: &Value) { x.as_f64() }");
    }

    #[test]
    fn a_query_without_its_tenant() {
        for query in [
            "select id from payment where id = $1",
            "select id from payment p where p.connection_id = $1",
            "select id from payment where connection_id = any ($1)",
            "select 1 from x join payment on true",
            "update payment set type = $1",
            "delete from payment where id = $1",
            "insert into payment (id, connection_id) values ($1, $2)",
        ] {
            assert_eq!(sql::without_tenant(query, "payment", "connection_id, id").len(), 1, "{query}");
        }
    }
}
