//! How a harness ends.

use std::fmt::Display;
use std::process::ExitCode;

/// Runs a harness and prints its report. The exit code is 0 when the report is as expected, 1 when it is not, and 2 when
/// the harness itself failed.
pub fn run<R: Display>(
    harness: impl Future<Output = anyhow::Result<R>>,
    is_expected: impl FnOnce(&R) -> bool,
) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    match runtime.block_on(harness) {
        Ok(report) => {
            println!("{report}");
            if is_expected(&report) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
