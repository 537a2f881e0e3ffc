//! One table: what was measured, as a ratio or against a goal.

use std::fmt::{self, Display, Write};

use crate::sample::Sample;

/// What a figure counts.
#[derive(Debug, Clone, Copy)]
pub enum Unit {
    Times,
    Microseconds,
    Milliseconds,
    Mebibytes,
}

/// What a figure is to be.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

/// A line of the table.
#[derive(Debug)]
pub struct Row {
    pub what: String,
    pub figure: Sample,
    pub unit: Unit,
    pub goal: Option<Goal>,
    /// The numbers behind a ratio.
    pub absolute: String,
}

/// A number of connections in words.
pub fn connections(count: u32) -> String {
    format!("{count} connection{}", if count == 1 { "" } else { "s" })
}

/// All lines so far.
#[derive(Debug, Default)]
pub struct Diagnostics(Vec<Row>);

impl Diagnostics {
    /// Adds a line and shows it at once: a run is long.
    pub fn add(&mut self, row: Row) {
        eprintln!("  {}: {}", row.what, row.cells().join(" | "));
        self.0.push(row);
    }

    /// The table in Markdown.
    pub fn table(&self) -> String {
        let mut table = String::from("| Measured | Figure | Rounds (min–max) | Goal | Met | Absolute |\n");
        table.push_str("| --- | ---: | ---: | ---: | --- | --- |\n");
        for row in &self.0 {
            let _ = writeln!(table, "| {} | {} |", row.what, row.cells().join(" | "));
        }
        table
    }
}

impl Row {
    fn cells(&self) -> [String; 5] {
        let Self { figure, unit, goal, absolute, .. } = self;
        let median = figure.median();
        let (goal, met) = goal.map_or((String::new(), ""), |goal| (goal.text(*unit), goal.verdict(median)));
        let rounds = format!("{}–{}", unit.number(figure.min()), unit.number(figure.max()));
        [format!("**{}**", unit.text(median)), rounds, goal, met.to_owned(), absolute.clone()]
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
            Self::Times => format!("{value:.2}"),
            Self::Milliseconds | Self::Microseconds | Self::Mebibytes => format!("{value:.1}"),
        }
    }

    fn text(self, value: f64) -> String {
        format!("{} {self}", self.number(value))
    }
}

impl Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Times => "×",
            Self::Microseconds => "µs",
            Self::Milliseconds => "ms",
            Self::Mebibytes => "MiB",
        })
    }
}
