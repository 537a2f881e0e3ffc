//! How long to wait before the next attempt.

use std::time::Duration;

use rand::{Rng, RngExt};

/// The wait after the first failure, doubled with each one that follows.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST: Duration = Duration::from_mins(5);

/// The wait after the `failures`-th failure in a row: between half of its full length and all of it, at random, so that
/// what failed together does not come again together.
#[must_use]
pub fn after(failures: u32, random: &mut impl Rng) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let full = (FIRST * 2_u32.pow(doublings)).min(LONGEST);
    jittered(full, random)
}

/// Between half of `full` and all of it.
#[must_use]
pub fn jittered(full: Duration, random: &mut impl Rng) -> Duration {
    let millis = u64::try_from(full.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(random.random_range(millis / 2..=millis))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    proptest! {
        #[test]
        fn wait_doubles_up_to_five_minutes(failures in 1..100u32, seed: u64) {
            let wait = after(failures, &mut StdRng::seed_from_u64(seed));
            let full = Duration::from_secs(1 << (failures - 1).min(20)).min(LONGEST);
            prop_assert!(full / 2 <= wait && wait <= full, "{wait:?} of {full:?}");
        }
    }
}
