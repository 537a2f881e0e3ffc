//! No caller reads what another connection's software has: every list and object, with everything foreign that a
//! request can contain.

use serde_json::Value;
use unibooks::auth::secret;
use unibooks::domain::references::Resource;
use uuid::Uuid;

use crate::accounting::payments::isolation::{distinguishing_parts, never_stored};
use crate::support::app::{App, CredentialOptions, Tenant};
use crate::support::references::{Side, path, sample, store};

/// The filters of all resources.
const FILTERS: &[&str] = &["modified_after", "modified_before", "remote_updated_after", "remote_id"];

/// The filters of one resource.
fn own_filters(resource: Resource) -> &'static [&'static str] {
    match resource {
        Resource::Contact => &["name"],
        Resource::Invoice => &["status", "contact_id", "type", "number"],
        Resource::Account => &["classification", "type", "is_payment_account"],
        Resource::CompanyInfo | Resource::TrackingCategory | Resource::AccountingPeriod => &[],
    }
}

/// What is tried: the resource, whether one object is read or the list, and the foreign part of the request.
fn attempts() -> Vec<(Resource, bool, String)> {
    let of_resource = |&resource: &Resource| {
        let filters = FILTERS.iter().chain(own_filters(resource)).map(|name| format!("filter {name}"));
        let list = ["key", "token", "cursor"].map(str::to_owned).into_iter().chain(filters);
        let object = ["key", "token", "id"].map(str::to_owned);
        let list = list.map(move |what| (resource, false, what)).collect::<Vec<_>>();
        list.into_iter().chain(object.into_iter().map(move |what| (resource, true, what)))
    };
    Resource::ALL.iter().flat_map(of_resource).collect()
}

/// The rows that the OpenAPI document demands: a new route or parameter needs one (`payments/isolation.rs`).
pub fn rows() -> Vec<(String, String)> {
    let row = |(resource, is_object, what): (Resource, bool, String)| {
        let id = if is_object { "/{id}" } else { "" };
        (format!("GET {}{id}", path(resource)), what)
    };
    attempts().into_iter().map(row).collect()
}

/// A tenant with two objects of each resource.
struct Owner {
    tenant: Tenant,
    side: Side,
    mark: &'static str,
}

impl Owner {
    async fn new(app: &App, tenant: Tenant, side: Side, mark: &'static str) -> Self {
        for &resource in Resource::ALL {
            for number in 1..=2 {
                let remote_id = format!("{mark}-{number}");
                store(app, &tenant, resource, &remote_id, &sample(resource, side, mark)).await;
            }
        }
        Self { tenant, side, mark }
    }

    fn id(&self, resource: Resource) -> Uuid {
        crate::support::references::id(&self.tenant, resource, &format!("{}-1", self.mark))
    }

    async fn cursor(&self, app: &App, resource: Resource) -> String {
        let page = app.get(&self.tenant, &format!("{}?limit=1", path(resource))).await.json();
        page["next_cursor"].as_str().expect("a cursor").to_owned()
    }

    /// The value with which a filter finds the objects.
    fn value(&self, resource: Resource, filter: &str) -> String {
        match filter {
            "modified_after" | "remote_updated_after" => "1999-01-01".to_owned(),
            "modified_before" => "2999-01-01".to_owned(),
            "remote_id" => format!("{}-1", self.mark),
            member => match &sample(resource, self.side, self.mark)[member] {
                Value::String(text) => text.replace(' ', "%20"),
                other => other.to_string(),
            },
        }
    }

    fn assert_unseen(&self, text: &str, what: &str) {
        let ids = Resource::ALL.iter().map(|&resource| self.id(resource).to_string());
        let secrets = [self.tenant.connection_token.clone(), self.tenant.connection_id.to_string()];
        for secret in ids.chain(secrets).chain([format!(" {}\"", self.mark), format!("{}-2", self.mark)]) {
            assert!(!text.contains(&secret), "{what} reveals {secret}: {text}");
        }
    }
}

/// Tries one row: the answer is the same as with something that does not exist.
async fn attempt(app: &App, attacker: &Owner, owner: &Owner, (resource, is_object, what): (Resource, bool, String)) {
    let row = format!("{resource:?}, an object: {is_object}, with a foreign {what}");
    let mine = &attacker.tenant;
    let list = path(resource).to_owned();
    let path = if is_object { format!("{list}/{}", attacker.id(resource)) } else { list.clone() };
    let (foreign, unknown, status) = match what.as_str() {
        "key" => {
            let foreign = Tenant { api_key: owner.tenant.api_key.clone(), ..mine.clone() };
            let connection_token = never_stored(secret::Kind::ConnectionToken);
            let unknown = Tenant { connection_token, ..foreign.clone() };
            (app.get(&foreign, &path).await, app.get(&unknown, &path).await, 401)
        }
        "token" => {
            let with = |connection_token| Tenant { connection_token, ..mine.clone() };
            let foreign = with(owner.tenant.connection_token.clone());
            let unknown = with(never_stored(secret::Kind::ConnectionToken));
            (app.get(&foreign, &path).await, app.get(&unknown, &path).await, 401)
        }
        "id" => {
            let with = async |id: Uuid| app.get(mine, &format!("{list}/{id}")).await;
            (with(owner.id(resource)).await, with(Uuid::now_v7()).await, 404)
        }
        // A cursor of any other list gets the same answer.
        "cursor" => {
            let foreign = format!("{path}?cursor={}", owner.cursor(app, resource).await);
            let unknown = format!("{path}?remote_id=x&cursor={}", attacker.cursor(app, resource).await);
            (app.get(mine, &foreign).await, app.get(mine, &unknown).await, 422)
        }
        filter => {
            let filter = filter.strip_prefix("filter ").unwrap_or_else(|| panic!("no attempt for {filter}"));
            let value = owner.value(resource, filter);
            // With a time that the attacker's objects have, too, both answers show these.
            let none = if FILTERS[..3].contains(&filter) { "" } else { "&remote_updated_after=2999-01-01" };
            let foreign = app.get(mine, &format!("{path}?{filter}={value}")).await;
            (foreign, app.get(mine, &format!("{path}?{filter}={value}{none}")).await, 200)
        }
    };
    assert_eq!(foreign.status.as_u16(), status, "{row}: {}", foreign.text);
    assert_eq!(distinguishing_parts(&foreign), distinguishing_parts(&unknown), "{row}");
    // The problem repeats the path.
    owner.assert_unseen(&foreign.text.replace(&owner.id(resource).to_string(), ""), &row);
}

#[tokio::test]
async fn another_project_is_like_one_that_does_not_exist() {
    let app = App::new().await;
    let owner = Owner::new(&app, app.tenant().await, Side::One, "owner").await;
    let attacker = Owner::new(&app, app.tenant().await, Side::Other, "attacker").await;
    for row in attempts() {
        attempt(&app, &attacker, &owner, row).await;
    }
}

#[tokio::test]
async fn another_connection_of_the_project_is_as_foreign() {
    let app = App::new().await;
    let first = app.tenant().await;
    let (connection_id, connection_token) = app.connection(first.project_id, CredentialOptions::default()).await;
    let second = Tenant { connection_id, connection_token, ..first.clone() };
    let owner = Owner::new(&app, first, Side::One, "owner").await;
    let attacker = Owner::new(&app, second, Side::Other, "attacker").await;
    // The key belongs to the project, so it works with the tokens of both connections.
    for row in attempts().into_iter().filter(|(_, _, what)| what != "key" && what != "token") {
        attempt(&app, &attacker, &owner, row).await;
    }
}

#[tokio::test]
async fn age_of_another_connections_data_is_not_shown() {
    let app = App::new().await;
    let (owner, attacker) = (app.tenant_with_software().await, app.tenant_with_software().await);
    sqlx::query("insert into pull_progress (connection_id, resource, last_synced_at) values ($1, 'invoice', now())")
        .bind(owner.connection_id.0)
        .execute(&mut app.connect().await)
        .await
        .expect("pulled");
    let synced_at = async |tenant| app.get(tenant, path(Resource::Invoice)).await.header("last-synced-at").to_owned();
    assert_ne!(synced_at(&owner).await, "");
    assert_eq!(synced_at(&attacker).await, "");
}

/// Also holds for a build in which a query forgets its tenant: `scripts/mutants.py` tries each query.
#[tokio::test]
async fn no_foreign_row_is_shown_even_by_a_broken_query() {
    let app = App::new().await;
    let owner = Owner::new(&app, app.tenant().await, Side::One, "owner").await;
    let attacker = app.tenant().await;
    for &resource in Resource::ALL {
        let filters = FILTERS.iter().chain(own_filters(resource));
        let lists = filters.map(|filter| format!("{}?{filter}={}", path(resource), owner.value(resource, filter)));
        let object = format!("{}/{}", path(resource), owner.id(resource));
        for path in lists.chain([path(resource).to_owned(), object]) {
            let text = app.get(&attacker, &path).await.text.replace(&owner.id(resource).to_string(), "");
            owner.assert_unseen(&text, &path);
        }
    }
}
