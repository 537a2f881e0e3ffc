//! Cost centers and projects.

use serde_json::json;

use crate::connectors::erpnext::auth::Site;
use crate::connectors::erpnext::id;
use crate::connectors::erpnext::record::Record;
use crate::connectors::{Error, Fields, RemoteObject};
use crate::domain::references::{Resource, TrackingCategory};

const COST_CENTER: &str = "Cost Center";
const PROJECT: &str = "Project";

pub async fn read(site: &Site) -> Result<Vec<RemoteObject>, Error> {
    let company = site.company()?;
    let cost_centers = site.list(json!({
        "doctype": COST_CENTER,
        "fields": ["name", "company", "cost_center_name", "parent_cost_center", "is_group", "disabled", "creation",
                   "modified"],
        "filters": [["company", "=", company]], "order_by": "name asc", "limit_page_length": 0,
    }));
    // A project need not be of one company, and the right to see projects is one of its own.
    let projects = site.list_if_allowed(json!({
        "doctype": PROJECT,
        "fields": ["name", "company", "project_name", "status", "is_active", "creation", "modified"],
        "or_filters": [["company", "=", company], ["company", "is", "not set"]],
        "order_by": "name asc", "limit_page_length": 0,
    }));
    let mut objects = Vec::new();
    for row in cost_centers.await? {
        let Some(row) = Record::read(&row) else { continue };
        let parent = row.text("parent_cost_center").and_then(|parent| id::join(COST_CENTER, &parent));
        let category = TrackingCategory {
            name: row.text("cost_center_name"),
            status: Some(status(!row.is_set("disabled"))),
            category_type: Some(COST_CENTER.to_owned()),
            parent_category: parent.map(|parent| site.id(Resource::TrackingCategory, &parent)),
        };
        objects.extend(object(site, COST_CENTER, category, &row).await?);
    }
    for row in projects.await?.unwrap_or_default() {
        let Some(row) = Record::read(&row) else { continue };
        let is_active = row.text("is_active").as_deref() != Some("No");
        let is_over = matches!(row.text("status").as_deref(), Some("Completed" | "Cancelled"));
        let category = TrackingCategory {
            name: row.text("project_name"),
            status: Some(status(is_active && !is_over)),
            category_type: Some(PROJECT.to_owned()),
            parent_category: None,
        };
        objects.extend(object(site, PROJECT, category, &row).await?);
    }
    Ok(objects)
}

fn status(is_active: bool) -> String {
    if is_active { "Active" } else { "Archived" }.to_owned()
}

async fn object(
    site: &Site,
    doctype: &str,
    category: TrackingCategory,
    row: &Record<'_>,
) -> Result<Option<RemoteObject>, Error> {
    let Some(remote_id) = row.text("name").and_then(|name| id::join(doctype, &name)) else { return Ok(None) };
    let remote_updated_at = site.moment(row.text("modified").as_deref()).await?;
    let (fields, remote_data) = (Fields::TrackingCategory(category), row.raw.to_owned());
    Ok(Some(RemoteObject { remote_id, fields, remote_data, remote_updated_at }))
}
