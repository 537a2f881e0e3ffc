//! The tables of the page: the figures that have a goal, and all others.

use std::fmt::{self, Display, Write};

use crate::sample::Sample;

/// The unit of a figure.
#[derive(Debug, Clone, Copy)]
pub enum Unit {
    Ratio,
    Microseconds,
    Milliseconds,
    Mebibytes,
    PaymentsPerSecond,
    DeliveriesPerSecond,
}

/// The goal of a figure.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

/// A row of a table.
#[derive(Debug)]
pub struct Row {
    pub label: String,
    pub figure: Sample,
    pub unit: Unit,
    pub goal: Option<Goal>,
    /// The absolute numbers of a ratio; empty for other figures.
    pub absolute: String,
}

/// A number of clients in words.
pub fn clients(count: u32) -> String {
    format!("{count} client{}", if count == 1 { "" } else { "s" })
}

/// All rows so far.
#[derive(Debug, Default)]
pub struct Report(Vec<Row>);

impl Report {
    /// Adds a row and prints it at once, because a run is long.
    pub fn add(&mut self, row: Row) {
        let cells = row.goal.map_or_else(|| row.plain().to_vec(), |goal| row.against(goal).to_vec());
        eprintln!("  {}", cells.join(" | "));
        self.0.push(row);
    }

    /// The figures that have a goal, as a table in Markdown.
    pub fn goals(&self) -> String {
        let heads = ["Measured", "Figure", "Goal", "Met", "Rounds (min–max)", "Absolute"];
        table(heads, self.0.iter().filter_map(|row| row.goal.map(|goal| row.against(goal))))
    }

    /// The figures without a goal, as a table in Markdown.
    pub fn others(&self) -> String {
        let heads = ["Measured", "Figure", "Rounds (min–max)", "Absolute"];
        table(heads, self.0.iter().filter(|row| row.goal.is_none()).map(Row::plain))
    }
}

/// A table in Markdown. Columns of figures are aligned to the right.
fn table<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let rules = heads.map(|head| if matches!(head, "Measured" | "Met" | "Absolute") { "---" } else { "---:" });
    let mut table = format!("| {} |\n| {} |\n", heads.join(" | "), rules.join(" | "));
    for row in rows {
        let _ = writeln!(table, "| {} |", row.join(" | "));
    }
    table
}

impl Row {
    fn plain(&self) -> [String; 4] {
        let Self { label, figure, unit, absolute, .. } = self;
        let rounds = format!("{}–{}", unit.number(figure.min()), unit.number(figure.max()));
        [label.clone(), format!("**{}**", unit.text(figure.median())), rounds, absolute.clone()]
    }

    fn against(&self, goal: Goal) -> [String; 6] {
        let [label, figure, rounds, absolute] = self.plain();
        [label, figure, goal.text(self.unit), goal.verdict(self.figure.median()).to_owned(), rounds, absolute]
    }
}

impl Goal {
    fn text(self, unit: Unit) -> String {
        match self {
            Self::AtLeast(bound) => format!("≥ {}", unit.text(bound)),
            Self::AtMost(bound) => format!("≤ {}", unit.text(bound)),
        }
    }

    fn verdict(self, figure: f64) -> &'static str {
        let met = match self {
            Self::AtLeast(bound) => figure >= bound,
            Self::AtMost(bound) => figure <= bound,
        };
        if met { "met" } else { "**not met**" }
    }
}

impl Unit {
    fn number(self, value: f64) -> String {
        match self {
            Self::Ratio => format!("{value:.2}"),
            Self::Milliseconds | Self::Microseconds | Self::Mebibytes => format!("{value:.1}"),
            Self::PaymentsPerSecond | Self::DeliveriesPerSecond => format!("{value:.0}"),
        }
    }

    fn text(self, value: f64) -> String {
        format!("{} {self}", self.number(value))
    }
}

impl Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ratio => "×",
            Self::Microseconds => "µs",
            Self::Milliseconds => "ms",
            Self::Mebibytes => "MiB",
            Self::PaymentsPerSecond => "payments/s",
            Self::DeliveriesPerSecond => "deliveries/s",
        })
    }
}
