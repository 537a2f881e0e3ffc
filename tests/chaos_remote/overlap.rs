//! Two attempts at one payment that overlap: the first one's request is under way in the network, its lease has ended,
//! and another attempt has begun.

use std::time::Duration;

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::cutter::Held;
use crate::faults::{EXECUTE, FENCE};
use crate::testbed::Testbed;

/// How long a request is waited for. It may never come: the payment has ended, or its invoice is paid by others.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often all writes are made due meanwhile.
const PAUSE: Duration = Duration::from_millis(100);
/// So long that only a killed software takes it.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// When the first request arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Overlap {
    arrives: Arrives,
    /// The first attempt ends with one of the two servers, where it is that one's.
    kills: Option<usize>,
}

/// Before which request of another attempt the first one's arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Arrives {
    BeforeLookUp,
    BeforeFence,
    AfterFence,
    BeforeCreation,
    AfterCreation,
}

/// A part of the look-up.
const LOOK_UP: &str = "model.account.move.search_read";

/// What the first request pays.
struct Paid {
    key: String,
    invoice: i64,
}

impl Overlap {
    pub fn generate(rng: &mut impl Rng) -> Self {
        use Arrives as A;
        let all = [A::BeforeLookUp, A::BeforeFence, A::BeforeFence, A::AfterFence, A::BeforeCreation, A::AfterCreation];
        let arrives = *all.choose(rng).unwrap_or(&A::BeforeFence);
        Self { arrives, kills: rng.random_ratio(1, 3).then(|| rng.random_range(0..2)) }
    }

    /// Whether a server is killed.
    pub fn is_kill(self) -> bool {
        self.kills.is_some()
    }

    /// Returns whether it came about.
    pub async fn inject(self, testbed: &mut Testbed) -> anyhow::Result<bool> {
        testbed.books.link.disarm();
        let mut first = testbed.books.link.hold(vec![EXECUTE.to_owned()]);
        let Some(paid) = arrival(testbed, &mut first, None).await.as_deref().and_then(Paid::read) else {
            return Ok(false);
        };
        let mut requests = self.arrives.requests(&paid).into_iter();
        let Some(mut second) = requests.next().map(|request| testbed.books.link.hold(request)) else {
            return Ok(false);
        };
        if let Some(server) = self.kills {
            testbed.servers[server].kill()?;
            testbed.servers[server].restart()?;
        }
        testbed.end_leases().await?;
        let mut has_come = arrival(testbed, &mut second, Some(&paid)).await.is_some();
        for request in requests {
            // The one before goes on, now that this one cannot escape.
            second = testbed.books.link.hold(request);
            has_come = has_come && arrival(testbed, &mut second, Some(&paid)).await.is_some();
        }
        // What has not come by now is not waited for.
        testbed.books.link.disarm();
        let [one, other] = if self.arrives == Arrives::AfterCreation { [second, first] } else { [first, second] };
        for held in [one, other] {
            timeout(ANSWER_LIMIT, held.deliver()).await.ok();
        }
        Ok(has_come)
    }
}

impl Arrives {
    /// The requests of the other attempt that are held back, one after the other. Each is described by parts of it.
    fn requests(self, paid: &Paid) -> Vec<Vec<String>> {
        let look_up = vec![LOOK_UP.to_owned(), paid.key.clone()];
        let fence = vec![FENCE.to_owned(), format!(r#"["id","=",{}]"#, paid.invoice)];
        let creation = vec![EXECUTE.to_owned(), paid.key.clone()];
        match self {
            Self::BeforeLookUp => vec![look_up],
            Self::BeforeFence => vec![fence],
            Self::AfterFence => vec![fence, look_up],
            Self::BeforeCreation | Self::AfterCreation => vec![creation],
        }
    }
}

impl Paid {
    /// Reads the request that books a payment.
    fn read(request: &str) -> Option<Self> {
        let (_head, body) = request.split_once("\r\n\r\n")?;
        let body: Value = serde_json::from_str(body).ok()?;
        let [_wizard, form, _step, context] = body["params"].as_array()?.as_slice() else { return None };
        Some(Self { key: form["start"]["description"].as_str()?.to_owned(), invoice: context["active_id"].as_i64()? })
    }
}

/// Waits for a request, and lets no write pause meanwhile; a payment that is named comes first. `None` when the request
/// does not come.
async fn arrival(testbed: &Testbed, held: &mut Held, paid: Option<&Paid>) -> Option<String> {
    let hurry = async {
        loop {
            testbed.end_pauses().await.ok();
            if let Some(Paid { key, .. }) = paid {
                testbed.hasten(key).await.ok();
            }
            sleep(PAUSE).await;
        }
    };
    let arrived = async {
        tokio::select! {
            request = held.arrived() => request,
            never = hurry => never,
        }
    };
    timeout(PATIENCE, arrived).await.ok().flatten()
}
