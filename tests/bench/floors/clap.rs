//! The clap floor: an optimised program that only parses `--version`.

use clap::Parser;

/// Nothing but a version.
#[derive(Debug, Parser)]
#[command(version)]
struct Floor {
    /// What `cargo bench` passes to every target.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    Floor::parse();
}
