//! `unibooks configuration`: docs/configuration.md, printed from the declaration of the flags.

use std::error::Error;
use std::fmt::Write;

use clap::builder::PossibleValue;
use clap::{Arg, Command, CommandFactory};

use super::{Cli, output};

/// The widest line of prose.
const WIDTH: usize = 120;

const INTRODUCTION: &str = "\
# Configuration

<!-- Printed by `make configuration` from the flags in src/config/. Change the doc comments there, not this page. -->

Each setting is a flag and an environment variable; a flag wins. [.env.example](../.env.example) lists every variable,
and `unibooks serve --help` describes every flag.

A file `.env` in the working folder counts as environment, but the real environment wins over it. Only `DATABASE_URL`
and variables that begin with `UNIBOOKS_` are read from it; the log names the file and these variables. Nobody but you
and root may be able to write the file and its folder (`chmod go-w`).

An invalid setting ends the program with exit code 2 and one line on standard error, before it listens.
";

/// Prints the page.
pub fn run() -> anyhow::Result<()> {
    output::line(page().trim_end())
}

/// The text of docs/configuration.md, for the test that compares the committed page.
#[must_use]
pub fn page() -> String {
    let cli = Cli::command();
    let settings = settings(&cli);
    let mut sections: Vec<&str> = Vec::new();
    for section in settings.iter().map(Setting::section) {
        if !sections.contains(&section) {
            sections.push(section);
        }
    }
    let mut page = String::from(INTRODUCTION);
    for section in sections {
        let _ = write!(page, "\n## {section}\n");
        for setting in settings.iter().filter(|setting| setting.section() == section) {
            let _ = write!(page, "\n{}", setting.entry());
        }
    }
    page
}

/// The names of all environment variables that are settings, sorted, for the test that compares `.env.example`.
#[must_use]
pub fn environment_variables() -> Vec<String> {
    let cli = Cli::command();
    let mut names: Vec<_> = settings(&cli).iter().map(Setting::variable).collect();
    names.sort();
    names
}

/// A flag that has an environment variable.
struct Setting<'a> {
    argument: &'a Arg,
    /// The commands that take it; none for one that every command takes.
    commands: Vec<&'a str>,
}

/// All settings in the order of their declaration, each once; those of every command come last.
fn settings(cli: &Command) -> Vec<Setting<'_>> {
    let mut settings: Vec<Setting> = Vec::new();
    for command in cli.get_subcommands() {
        let name = command.get_name();
        for argument in arguments(command) {
            match settings.iter_mut().find(|known| known.argument.get_env() == argument.get_env()) {
                Some(known) if known.commands.contains(&name) => {}
                Some(known) => known.commands.push(name),
                None => settings.push(Setting { argument, commands: vec![name] }),
            }
        }
    }
    let global = cli.get_arguments().filter(|argument| argument.get_env().is_some());
    settings.extend(global.map(|argument| Setting { argument, commands: Vec::new() }));
    settings
}

/// The flags of a command, and of the commands below it, that have an environment variable.
fn arguments(command: &Command) -> Vec<&Arg> {
    let here = command.get_arguments().filter(|argument| argument.get_env().is_some());
    here.chain(command.get_subcommands().flat_map(arguments)).collect()
}

impl Setting<'_> {
    fn section(&self) -> &str {
        self.argument.get_help_heading().unwrap_or("Other")
    }

    fn variable(&self) -> String {
        self.argument.get_env().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// What the page says of it.
    fn entry(&self) -> String {
        let flag = self.argument.get_long().unwrap_or_default();
        let mut entry = format!("### `--{flag}`\n\n* Variable: `{}`\n* Value: {}\n", self.variable(), self.value());
        let _ = writeln!(entry, "* Default: {}\n* Commands: {}", self.default(), self.commands());
        let help = self.argument.get_long_help().or(self.argument.get_help()).map(ToString::to_string);
        for paragraph in help.unwrap_or_default().split("\n\n") {
            let _ = write!(entry, "\n{}", wrapped(&format!("{}.", paragraph.trim_end_matches('.'))));
        }
        entry
    }

    /// The unit or form of its value, and its range or choices.
    fn value(&self) -> String {
        let choices = self.argument.get_possible_values();
        if !choices.is_empty() {
            return format!("one of{}", choices.iter().map(choice).collect::<String>());
        }
        let form = self.argument.get_value_names().unwrap_or_default().join(" ");
        let form = match form.as_str() {
            "SECONDS" | "BYTES" | "DAYS" => form.to_lowercase(),
            "COUNT" => "a number".to_owned(),
            _ => format!("`{form}`"),
        };
        self.range().map_or(form.clone(), |range| format!("{form}, {range}"))
    }

    /// The range of a number. Only the flag's parser knows it, and names it when it refuses a number.
    fn range(&self) -> Option<String> {
        let flag = format!("--{}", self.argument.get_long()?);
        let alone = Command::new("unibooks").arg(self.argument.clone());
        let refused = alone.try_get_matches_from(["unibooks".to_owned(), flag, i64::MAX.to_string()]).err()?;
        let reason = refused.source()?.to_string();
        reason.split_once(" is not in ").map(|(_, range)| range.replace("..=", " to "))
    }

    fn default(&self) -> String {
        let values = self.argument.get_default_values().iter().map(|value| value.to_string_lossy());
        let value = values.collect::<Vec<_>>().join(",");
        if value.is_empty() { "none".to_owned() } else { format!("`{value}`") }
    }

    fn commands(&self) -> String {
        if self.commands.is_empty() {
            return "all".to_owned();
        }
        self.commands.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }
}

/// One of the values that a setting can have, as a list entry below its value.
fn choice(choice: &PossibleValue) -> String {
    let help = choice.get_help().map(|help| format!(": {help}")).unwrap_or_default();
    format!("\n  * `{}`{help}", choice.get_name())
}

/// A paragraph in lines of at most [`WIDTH`] characters.
fn wrapped(paragraph: &str) -> String {
    let mut text = String::new();
    let mut width = 0;
    for word in paragraph.split_whitespace() {
        let length = word.chars().count();
        let separator = if width == 0 {
            ""
        } else if width + 1 + length > WIDTH {
            "\n"
        } else {
            " "
        };
        width = if separator == " " { width + 1 + length } else { length };
        text.push_str(separator);
        text.push_str(word);
    }
    text.push('\n');
    text
}
