//! How sqlx runs a query in a unit of work: as on any connection, but without naming what another session would not know.

use std::pin::Pin;

use futures_core::Stream;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgQueryResult, PgRow, PgStatement, PgTypeInfo, Postgres};
use sqlx::{Describe, Either, Execute, Executor, SqlStr};

use super::statement::Statement;

type BoxFuture<'e, T> = Pin<Box<dyn Future<Output = T> + Send + 'e>>;
type BoxStream<'e, T> = Pin<Box<dyn Stream<Item = T> + Send + 'e>>;

impl<'c> Executor<'c> for &'c mut Statement<'_> {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let (connection, keeps_statements) = self.connection();
        connection.fetch_many(Named { query, keeps_statements })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let (connection, keeps_statements) = self.connection();
        connection.fetch_optional(Named { query, keeps_statements })
    }

    fn prepare_with<'e>(
        self,
        query: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, sqlx::Error>>
    where
        'c: 'e,
    {
        self.connection().0.prepare_with(query, parameters)
    }

    fn describe<'e>(self, query: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, sqlx::Error>>
    where
        'c: 'e,
    {
        self.connection().0.describe(query)
    }
}

/// A query that is prepared under a name, for the next time, where the connection keeps it.
struct Named<Q> {
    query: Q,
    keeps_statements: bool,
}

impl<'q, Q: Execute<'q, Postgres>> Execute<'q, Postgres> for Named<Q> {
    fn sql(self) -> SqlStr {
        self.query.sql()
    }

    fn statement(&self) -> Option<&PgStatement> {
        self.query.statement()
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, BoxDynError> {
        self.query.take_arguments()
    }

    fn persistent(&self) -> bool {
        self.keeps_statements && self.query.persistent()
    }
}
