//! Analytic accounts, and what they are grouped by.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{linked, status, updated_at};
use crate::connectors::odoo::Books;
use crate::connectors::odoo::value::{Link, Maybe, text};
use crate::connectors::{Error, Fields, RemoteObject};
use crate::domain::references::{Resource, TrackingCategory};
use crate::domain::{ReferenceId, RemoteId};

const ANALYTIC_ACCOUNT: &str = "account.analytic.account";

#[derive(Deserialize)]
struct Record {
    id: i64,
    name: Maybe<String>,
    #[serde(default = "yes")]
    active: bool,
    /// Of an account: its group in Odoo 14, its plan in 19. Of a group: the one above it.
    #[serde(default, alias = "plan_id", alias = "parent_id")]
    group_id: Maybe<Link>,
}

fn yes() -> bool {
    true
}

impl Books {
    /// Accounts and groups together. A user without the group "Analytic Accounting" sees none: these are empty then.
    pub(super) async fn tracking_categories(&self) -> Result<Vec<RemoteObject>, Error> {
        let fields = self.rpc.session().await?.fields;
        let all = json!([["active", "in", [true, false]]]);
        let mut objects = self.analytic(ANALYTIC_ACCOUNT, all, fields.analytic_account, fields.analytic_group).await?;
        let group = ["name", "parent_id", "write_date"];
        objects.extend(self.analytic(fields.analytic_group, json!([]), &group, fields.analytic_group).await?);
        Ok(objects)
    }

    async fn analytic(
        &self,
        model: &str,
        domain: Value,
        fields: &[&str],
        group_model: &str,
    ) -> Result<Vec<RemoteObject>, Error> {
        let arguments = json!({"operation": "read", "raise_exception": false});
        if !self.rpc.call::<bool>(model, "check_access_rights", None, arguments).await? {
            return Ok(Vec::new());
        }
        let found = self.search::<Record>(model, domain, fields).await?;
        let object = |(data, record): (Box<RawValue>, Record)| RemoteObject {
            remote_id: named(model, record.id),
            remote_updated_at: updated_at(&data),
            remote_data: data,
            fields: Fields::TrackingCategory(TrackingCategory {
                name: text(&record.name),
                status: Some(status(record.active)),
                category_type: Some(model.to_owned()),
                parent_category: linked(&record.group_id).map(|id| self.tracking(group_model, id)),
            }),
        };
        Ok(found.into_iter().map(object).collect())
    }

    fn tracking(&self, model: &str, id: i64) -> ReferenceId {
        Resource::TrackingCategory.id(self.connection_id, &named(model, id))
    }

    /// Our id of an analytic account.
    pub(super) fn analytic_account(&self, id: i64) -> ReferenceId {
        self.tracking(ANALYTIC_ACCOUNT, id)
    }
}

/// Two models are one resource here, so their ids name the model, as Odoo's own references do.
fn named(model: &str, id: i64) -> RemoteId {
    format!("{model},{id}").parse().expect("a model's name and a number are short")
}
