//! Build script: lays the functions that a short start runs through next to each other.
//!
//! A start of `status` touches a few thousand of the program's functions, scattered over all of its code, and the
//! kernel maps tens of kilobytes around each. `order.txt` names them in the order in which they first run; the linker puts
//! them in front of all others (docs/decisions/015-code-order.md). Names that no longer exist are passed over,
//! so an old list costs locality and nothing else. Where the linker does not know the option, nothing is asked of it.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a build script is asked by its environment and answers on its output"
)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

const LIST: &str = ".build/order.txt";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={LIST}");
    println!("cargo:rerun-if-changed=.build/link.rs");
    let is = |name: &str, wanted: &str| env::var(name).is_ok_and(|value| value == wanted);
    if !(is("PROFILE", "release")
        && is("TARGET", "x86_64-unknown-linux-gnu")
        && env::var("HOST") == env::var("TARGET"))
    {
        return Ok(());
    }
    let list = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join(LIST);
    let arguments = [
        format!("-Wl,--symbol-ordering-file={}", list.display()),
        "-Wl,--no-warn-symbol-ordering".to_owned(),
    ];
    if links(Path::new(&env::var("OUT_DIR")?), &arguments) {
        for argument in arguments {
            println!("cargo:rustc-link-arg-bins={argument}");
        }
    }
    Ok(())
}

/// Whether an empty program can be linked with these arguments and the flags of this build.
fn links(folder: &Path, arguments: &[String]) -> bool {
    let source = folder.join("probe.rs");
    let Ok(rustc) = env::var("RUSTC") else { return false };
    if fs::write(&source, "fn main() {}\n").is_err() {
        return false;
    }
    let mut command = Command::new(rustc);
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    command.args(flags.split('\u{1f}').filter(|flag| !flag.is_empty()));
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        command.arg("-C").arg(format!("linker={linker}"));
    }
    for argument in arguments {
        command.arg("-C").arg(format!("link-arg={argument}"));
    }
    command.arg("-o").arg(folder.join("probe")).arg(&source);
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
