//! How sqlx runs a query on a [`Statement`] or a [`Transaction`].
//!
//! Both read an answer to its end before they give out its first row: a statement is committed by then, and a
//! transaction knows whether the statement has failed.

use std::mem::take;
use std::pin::Pin;

use futures_util::TryFutureExt;
use futures_util::stream::{self, Stream, TryStreamExt};
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgQueryResult, PgRow, PgStatement, PgTypeInfo, Postgres};
use sqlx::{Describe, Either, Execute, Executor, SqlStr};

use super::statement::Statement;
use super::transaction::Transaction;

type BoxFuture<'e, T> = Pin<Box<dyn Future<Output = Result<T, sqlx::Error>> + Send + 'e>>;
type BoxStream<'e, T> = Pin<Box<dyn Stream<Item = Result<T, sqlx::Error>> + Send + 'e>>;
/// What a statement answers: its rows, and at last how many it changed.
type Answer = Either<PgQueryResult, PgRow>;

// Each future takes the statement apart inside. Otherwise it would capture only the session, and the permit would be
// returned before the query has run.
impl<'c> Executor<'c> for Statement<'c> {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Answer>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        collected(async move {
            let Self { mut session, permit: _permit } = self;
            let (connection, keeps_statements) = session.parts();
            let answers = connection.fetch_many(Query { query, keeps_statements }).try_collect().await?;
            session.commit().await?;
            Ok(answers)
        })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Option<PgRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(async move {
            let Self { mut session, permit: _permit } = self;
            let (connection, keeps_statements) = session.parts();
            let row = connection.fetch_optional(Query { query, keeps_statements }).await?;
            session.commit().await?;
            Ok(row)
        })
    }

    fn prepare_with<'e>(self, query: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, PgStatement>
    where
        'c: 'e,
    {
        Box::pin(async move {
            let Self { mut session, permit: _permit } = self;
            session.parts().0.prepare_with(query, parameters).await
        })
    }

    fn describe<'e>(self, query: SqlStr) -> BoxFuture<'e, Describe<Postgres>>
    where
        'c: 'e,
    {
        Box::pin(async move {
            let Self { mut session, permit: _permit } = self;
            session.parts().0.describe(query).await
        })
    }
}

impl<'c> Executor<'c> for &'c mut Transaction {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Answer>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let Transaction { inner, keeps_statements, is_intact } = self;
        let query = Query { query, keeps_statements: *keeps_statements };
        collected(watched(is_intact, inner.fetch_many(query).try_collect()))
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Option<PgRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let Transaction { inner, keeps_statements, is_intact } = self;
        let query = Query { query, keeps_statements: *keeps_statements };
        Box::pin(watched(is_intact, inner.fetch_optional(query)))
    }

    fn prepare_with<'e>(self, query: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, PgStatement>
    where
        'c: 'e,
    {
        let Transaction { inner, is_intact, .. } = self;
        Box::pin(watched(is_intact, inner.prepare_with(query, parameters)))
    }

    fn describe<'e>(self, query: SqlStr) -> BoxFuture<'e, Describe<Postgres>>
    where
        'c: 'e,
    {
        let Transaction { inner, is_intact, .. } = self;
        Box::pin(watched(is_intact, inner.describe(query)))
    }
}

/// Runs a statement of a transaction, which stays intact only when the statement is awaited and returns `Ok`.
async fn watched<T>(
    is_intact: &mut bool,
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let was_intact = take(is_intact);
    let outcome = statement.await?;
    *is_intact = was_intact;
    Ok(outcome)
}

/// The answers as a stream that begins when all of them are there.
fn collected<'e>(answers: impl Future<Output = Result<Vec<Answer>, sqlx::Error>> + Send + 'e) -> BoxStream<'e, Answer> {
    let answers = answers.map_ok(|answers| stream::iter(answers.into_iter().map(Ok)));
    Box::pin(answers.try_flatten_stream())
}

/// A query that is prepared under a name, for the next time, only where the session keeps it.
struct Query<Q> {
    query: Q,
    keeps_statements: bool,
}

impl<'q, Q: Execute<'q, Postgres>> Execute<'q, Postgres> for Query<Q> {
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
