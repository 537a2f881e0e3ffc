//! A figure: the median of several rounds, and how far they lie apart.

/// What the rounds gave.
#[derive(Debug, Clone)]
pub struct Sample(Vec<f64>);

impl Sample {
    /// Of at least one round.
    pub fn new(mut rounds: Vec<f64>) -> Self {
        assert!(!rounds.is_empty(), "a figure needs a round");
        rounds.sort_by(f64::total_cmp);
        Self(rounds)
    }

    /// Round by round, so that what slows both sides of a round down does not count.
    pub fn ratios(ours: &[f64], theirs: &[f64]) -> Self {
        Self::new(ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect())
    }

    /// The one in the middle, or the mean of the two.
    pub fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        if self.0.len().is_multiple_of(2) { f64::midpoint(self.0[middle - 1], self.0[middle]) } else { self.0[middle] }
    }

    /// The smallest.
    pub fn min(&self) -> f64 {
        self.0[0]
    }

    /// The largest.
    pub fn max(&self) -> f64 {
        self.0[self.0.len() - 1]
    }
}
