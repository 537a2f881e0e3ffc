//! A signed-in user of Tryton's JSON-RPC. The tests read with it what is in the books; it shares no code with the
//! connector.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

/// A user who is signed in.
pub struct Session {
    client: Client,
    url: String,
    authorization: String,
    context: Value,
}

impl Session {
    /// Signs in to a database.
    pub async fn sign_in(url: &str, database: &str, login: &str, password: &str) -> Self {
        let url = format!("{url}/{database}/rpc/");
        let mut session = Self { client: Client::new(), url, authorization: String::new(), context: json!({}) };
        let answer =
            session.send("common.db.login", json!([login, {"password": password}, "en"])).await.expect("a user");
        let (user, token) = (&answer[0], answer[1].as_str().expect("a token"));
        session.authorization = format!("Session {}", STANDARD.encode(format!("{login}:{user}:{token}")));
        let preferences = session.call("model.res.user.get_preferences", json!([true])).await;
        // Without the last, an order to pay would lower what is left to pay of an invoice.
        session.context = json!({"company": preferences["company"], "language": "en", "with_payment": false});
        session
    }

    /// Calls a method with the user's context as its last parameter. Panics if Tryton refuses.
    pub async fn call(&self, method: &str, parameters: Value) -> Value {
        self.try_call(method, parameters).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// The same, for calls that Tryton may refuse: its error is the class and what is wrong.
    pub async fn try_call(&self, method: &str, mut parameters: Value) -> Result<Value, Value> {
        parameters.as_array_mut().expect("an array").push(self.context.clone());
        self.send(method, parameters).await
    }

    /// The fields of all records of a model that match, in the order in which they were made.
    pub async fn search(&self, model: &str, domain: Value, fields: &[&str]) -> Vec<Value> {
        let method = format!("model.{model}.search_read");
        let found = self.call(&method, json!([domain, 0, null, [["id", "ASC"]], fields])).await;
        found.as_array().expect("records").clone()
    }

    /// Posts an invoice of today to a customer in US dollars, and returns its id.
    pub async fn invoice(&self, amount: &str) -> i64 {
        self.invoice_of("out", "USD", amount).await
    }

    /// Posts a copy of the first seeded invoice of a kind (`out` to a customer, `in` from a supplier) and currency. It
    /// has another amount and today's date. Returns its id.
    pub async fn invoice_of(&self, kind: &str, currency: &str, amount: &str) -> i64 {
        let seeded = json!([["type", "=", kind], ["currency.code", "=", currency]]);
        let seeded = &self.search("account.invoice", seeded, &["id"]).await[0]["id"];
        let today = self.call("model.ir.date.today", json!([])).await;
        let amount = json!({"__class__": "Decimal", "decimal": amount});
        let other = json!({"lines.unit_price": amount, "invoice_date": today});
        let copies = self.call("model.account.invoice.copy", json!([[seeded], other])).await;
        self.call("model.account.invoice.post", json!([copies])).await;
        copies[0].as_i64().expect("an id")
    }

    /// What is left to pay of an invoice, in its currency.
    pub async fn amount_to_pay(&self, invoice: i64) -> String {
        let found = self.search("account.invoice", json!([["id", "=", invoice]]), &["amount_to_pay"]).await;
        found[0]["amount_to_pay"]["decimal"].as_str().expect("an amount").to_owned()
    }

    /// Drafts an order to collect a part of what a customer owes by an invoice. No money moves.
    pub async fn order_to_collect(&self, invoice: i64, amount: &str) {
        let fields = ["party", "lines_to_pay", "company", "currency"];
        let found = self.search("account.invoice", json!([["id", "=", invoice]]), &fields).await;
        let (company, currency) = (&found[0]["company"], &found[0]["currency"]);
        let journal =
            json!([{"name": "Direct debit", "process_method": "manual", "company": company, "currency": currency}]);
        let journal = &self.call("model.account.payment.journal.create", json!([journal])).await[0];
        let order = json!([{
            "company": company,
            "journal": journal,
            "kind": "receivable",
            "party": found[0]["party"],
            "line": found[0]["lines_to_pay"][0],
            "amount": {"__class__": "Decimal", "decimal": amount},
        }]);
        self.call("model.account.payment.create", json!([order])).await;
    }

    /// Pays a part of an invoice by hand, with the form "Pay Invoice", by the payment method that books on an account.
    pub async fn pay(&self, invoice: i64, amount: &str, account: i64) {
        let fields = ["party", "currency", "company"];
        let found = self.search("account.invoice", json!([["id", "=", invoice]]), &fields).await;
        let method = json!([["debit_account", "=", account]]);
        let method = &self.search("account.invoice.payment.method", method, &["id"]).await[0]["id"];
        let today = self.call("model.ir.date.today", json!([])).await;
        let start = json!({
            "payee": found[0]["party"], "currency": found[0]["currency"], "company": found[0]["company"],
            "amount": {"__class__": "Decimal", "decimal": amount}, "payment_method": method, "date": today,
        });
        let form = json!({"start": start, "ask": {"type": "partial"}});
        self.wizard("account.invoice.pay", form, "pay", "account.invoice", &[invoice]).await;
    }

    /// Posts an entry by hand in a journal of money: `credit` on one account, the same on the other as a debit. Only the
    /// first line has a party, when there is one. Returns the entry and the first line.
    pub async fn book(&self, credited: i64, party: Option<i64>, debited: i64, amount: &str) -> (i64, i64) {
        let today = self.call("model.ir.date.today", json!([])).await;
        let journal = &self.search("account.journal", json!([["type", "=", "cash"]]), &["id"]).await[0]["id"];
        let period = json!([["start_date", "<=", today], ["end_date", ">=", today], ["type", "=", "standard"]]);
        let period = &self.search("account.period", period, &["id"]).await[0]["id"];
        let [amount, nothing] = [amount, "0"].map(|text| json!({"__class__": "Decimal", "decimal": text}));
        let lines = json!([["create", [
            {"account": credited, "party": party, "credit": amount, "debit": nothing},
            {"account": debited, "debit": amount, "credit": nothing},
        ]]]);
        let entry = json!([{"journal": journal, "period": period, "date": today, "lines": lines}]);
        let entry = self.call("model.account.move.create", json!([entry])).await[0].as_i64().expect("an id");
        self.call("model.account.move.post", json!([[entry]])).await;
        let line = json!([["move", "=", entry], ["account", "=", credited]]);
        let line = self.search("account.move.line", line, &["id"]).await[0]["id"].as_i64().expect("an id");
        (entry, line)
    }

    /// Matches lines whose sum is nothing.
    pub async fn reconcile(&self, lines: &[i64]) {
        self.wizard("account.move.reconcile_lines", json!({}), "start", "account.move.line", lines).await;
    }

    /// Runs a step of a form on records.
    async fn wizard(&self, name: &str, form: Value, step: &str, model: &str, records: &[i64]) {
        let wizard = self.call(&format!("wizard.{name}.create"), json!([])).await[0].clone();
        let mut context = self.context.clone();
        context["active_model"] = json!(model);
        context["active_id"] = json!(records[0]);
        context["active_ids"] = json!(records);
        let parameters = json!([wizard, form, step, context]);
        // It may ask first whether this is meant.
        while let Err(question) = self.send(&format!("wizard.{name}.execute"), parameters.clone()).await {
            assert_eq!(question[0], "UserWarning", "{question}");
            self.call("model.res.user.warning.skip", json!([question[1][0], false])).await;
        }
    }

    /// Cancels an entry, as Tryton's form "Cancel" does: another one takes it back.
    pub async fn cancel(&self, entry: impl std::fmt::Display) {
        let entry: i64 = entry.to_string().parse().expect("an id");
        let form = json!({"default": {"reversal": true, "description": null}});
        self.wizard("account.move.cancel", form, "cancel", "account.move", &[entry]).await;
    }

    /// Sends a call until Tryton has done it or refused it.
    async fn send(&self, method: &str, parameters: Value) -> Result<Value, Value> {
        let body = json!({"id": 1, "method": method, "params": parameters});
        loop {
            let request = self.client.post(&self.url).header("Authorization", &self.authorization).json(&body);
            let response = request.send().await.expect("an answer");
            match response.status() {
                StatusCode::OK => {}
                // Another call holds the sequence of numbers; nothing was done.
                StatusCode::SERVICE_UNAVAILABLE => continue,
                status => return Err(json!([status.as_u16(), response.text().await.unwrap_or_default()])),
            }
            let mut answer: Value = response.json().await.expect("JSON");
            return match answer["error"].take() {
                Value::Null => Ok(answer["result"].take()),
                error => Err(error),
            };
        }
    }
}
