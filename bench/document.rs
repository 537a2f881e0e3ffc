//! Writes docs/performance.md: the figures, and how and where they were measured.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

use anyhow::Context;
use unibooks::domain::Clock;

use crate::bench::Bench;
use crate::postgres::SETTINGS;
use crate::report::Report;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/performance.md");
const TEMPLATE: &str = include_str!("performance.md");
/// The text between these two headings is written by hand.
const BY_HAND: (&str, &str) = ("## What limits the figures\n", "## Appendix");

/// Overwrites the page, except for the part that is written by hand.
pub fn write(page: &str) -> anyhow::Result<()> {
    let before = fs::read_to_string(PATH).unwrap_or_default();
    let by_hand = before.split_once(BY_HAND.0).and_then(|(_, rest)| rest.split_once(BY_HAND.1));
    let by_hand = by_hand.map_or("\n", |(by_hand, _)| by_hand);
    fs::write(PATH, page.replace("{by_hand}", by_hand)).with_context(|| format!("{PATH} cannot be written"))
}

/// The page with a place for that part.
pub fn page(bench: &Bench, report: &Report) -> anyhow::Result<String> {
    let options = &bench.options;
    let window = options.window();
    let facts = facts(bench)?.map(|(name, value)| format!("| {name} | {value} |")).join("\n");
    Ok(TEMPLATE
        .replace("{rounds}", &options.rounds.to_string())
        .replace("{seconds}", &window.measured.as_secs().to_string())
        .replace("{warm_up}", &window.warm_up.as_secs().to_string())
        .replace("{disk}", &options.disk().div_ceil(1 << 30).to_string())
        .replace("{facts}", &facts)
        .replace("{goals}", &report.goals())
        .replace("{others}", &report.others()))
}

fn facts(bench: &Bench) -> anyhow::Result<[(&'static str, String); 6]> {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let postgres = output_of(&bench.postgres.program("postgres")?, &["--version"])?;
    let commit = output_of("git".as_ref(), &["describe", "--always", "--dirty", "--exclude=*"]);
    let commit = commit.map(|commit| format!(", commit {commit}")).unwrap_or_default();
    let settings = SETTINGS.map(|(name, value)| format!("`{name}` {value}")).join(", ");
    Ok([
        ("Date", Clock::system().now().format("%Y-%m-%d").to_string()),
        ("Machine", machine()?),
        ("System", format!("Linux {}, data on {}", kernel.trim(), bench.postgres.file_system())),
        ("Server", format!("unibooks {}{commit}, built by {}", env!("CARGO_PKG_VERSION"), rustc()?)),
        ("Database", postgres),
        ("Its settings", format!("{settings}; else the defaults")),
    ])
}

fn machine() -> anyhow::Result<String> {
    let (cpu, memory) = (fs::read_to_string("/proc/cpuinfo")?, fs::read_to_string("/proc/meminfo")?);
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("processor unknown", |(_, model)| model);
    let kib = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"));
    let gib = kib.context("/proc/meminfo has an unknown format")?.parse::<u64>()? >> 20;
    Ok(format!("{} cores of {model}, {gib} GiB of memory", available_parallelism()?))
}

fn rustc() -> anyhow::Result<String> {
    output_of("rustc".as_ref(), &["--version"])
}

/// The standard output of a program.
fn output_of(program: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output()?;
    anyhow::ensure!(output.status.success(), "{} {}", program.display(), arguments.join(" "));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
