//! Processes, ports and limits.

use crate::domain::checkup::Finding;
use crate::domain::checkup::facts::{Answer, Facts, Port};
use crate::domain::checkup::findings::some;

/// One descriptor per client socket and one per upstream socket, for the sockets a proxy takes by default.
const ENOUGH: u64 = 4_096;

pub(super) fn findings(facts: &Facts, all: &mut Vec<Finding>) {
    let machine = &facts.machine;
    let silent: Vec<String> = machine
        .proxies
        .iter()
        .filter(|(.., answer)| *answer == Answer::Missing)
        .map(|(pid, kind, port, _)| format!("{kind} (process {pid}, port {port})"))
        .collect();
    if !silent.is_empty() {
        all.push(
            Finding::warn("proxy", "A live proxy does not answer")
                .details(some(silent))
                .hint("Stop that process and start it again"),
        );
    } else if !machine.proxies.is_empty() {
        let names =
            machine.proxies.iter().map(|(pid, kind, port, _)| format!("{kind} (process {pid}, port {port})"));
        all.push(Finding::ok("proxy", "Live proxies answer").details(some(names)));
    }
    for (host, value) in [("upstream", &machine.overrides.0), ("auth", &machine.overrides.1)] {
        if let Some(url) = value {
            all.push(
                Finding::warn("endpoint-override", format!("Requests to {host} go elsewhere"))
                    .details(url.clone())
                    .hint("It is set in the environment, for tests and rehearsals"),
            );
        }
    }
    if let Some(limit) = machine.descriptors.filter(|limit| *limit < ENOUGH) {
        all.push(
            Finding::info("open-files", format!("A process may open {limit} files"))
                .hint("For many clients at once raise it with `ulimit -n`"),
        );
    }
    match machine.login_port {
        Some(Port::Taken) => all.push(
            Finding::info("login-port", "Port 1455 is in use")
                .hint("Signing in uses port 1457 instead, or stop the other program"),
        ),
        Some(Port::Free) => all.push(Finding::ok("login-port", "Port 1455 is free for signing in")),
        None => {}
    }
}
