//! The OpenAPI document (3.1).

pub mod page;

use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, RefOr, Server};
use utoipa::{OpenApi, PartialSchema, ToSchema};

use crate::http::middleware::public_url::PublicUrl;
use crate::http::problem::Problem;

/// The document before any route is in it.
#[must_use]
pub fn front_page() -> Document {
    #[derive(OpenApi)]
    #[openapi(
        info(
            title = "unibooks",
            description = "A unified accounting API. Amounts are whole minor units; every error is a problem document \
                (RFC 9457) with a stable `code`.",
            license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
        ),
        tags(
            (name = "payments", description = "Payments of one connection"),
            (name = "references", description = "What payments refer to, as the accounting software of the connection has it"),
            (name = "sync", description = "How fresh what was read from the accounting software is"),
            (name = "connections", description = "The connection itself"),
            (name = "webhooks", description = "Endpoints of the project, and the deliveries of events to them"),
            (name = "server", description = "The server itself"),
        ),
    )]
    struct FrontPage;
    FrontPage::openapi()
}

/// Adds what all routes share: how callers authenticate, and the form of a problem.
#[must_use]
pub fn complete(mut api: Document) -> Document {
    let components = api.components.get_or_insert_default();
    let header =
        |name: &str, about: &str| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(name, about)));
    components.add_security_scheme("api_key", header("x-api-key", "Who is calling: a key of a project"));
    components.add_security_scheme(
        "connection_token",
        header("x-connection-token", "For whom: the token of a connection of the same project"),
    );
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    if let Some((_, RefOr::T(Schema::Object(problem)))) = schemas.first_mut() {
        let id = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
            .description(Some("With `outcome_unknown`: the id that the payment has if it was stored."));
        problem.properties.insert("payment_id".to_owned(), id.build().into());
    }
    components.schemas.extend(schemas);

    api
}

/// Says where the server is: without it, tools take the host that the document came from, and no prefix.
#[must_use]
pub fn served_at(mut api: Document, public_url: &PublicUrl) -> Document {
    api.servers = public_url.get().map(|url| vec![Server::new(url)]);
    api
}
