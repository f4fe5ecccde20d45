//! The truest rehearsal: a network of its own in which `chatgpt.com` and `auth.openai.com` lead to this machine, so
//! that neither the client nor we need a setting or an override, and every byte goes through TLS.

use std::io::Write as _;

use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule};

use super::*;
use crate::support::client::installed;
use crate::support::process::bare;

/// The part that runs inside.
const INSIDE: &str = "process::real::namespace::inside_a_network_of_its_own";

const HOSTS: &str = "127.0.0.1 localhost chatgpt.com auth.openai.com\n";

#[test]
fn the_real_host_names_need_no_setting() {
    if installed().is_none() || !may_have_a_network() {
        let _ = writeln!(std::io::stderr(), "no network of our own can be made: its test is skipped");
        return;
    }
    let hosts = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(hosts.path(), HOSTS).expect("writable");
    let script = "ip link set lo up && mount --bind \"$0\" /etc/hosts && exec \"$1\" --exact \"$2\" --ignored --nocapture";
    let mut command = bare("unshare");
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").args(["--net", "--mount", "sh", "-c", script]);
    command.arg(hosts.path()).arg(std::env::current_exe().expect("this program")).arg(INSIDE);

    let ran = run(&mut command).expect(0);

    assert!(ran.stdout.contains("1 passed"), "{}", ran.stdout);
}

/// Root can, and needs two programs for it.
fn may_have_a_network() -> bool {
    let mut command = bare("sh");
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let script = "[ \"$(id -u)\" = 0 ] && unshare --net --mount sh -c 'ip link set lo up && mount --bind /etc/hosts /etc/hosts'";
    run(command.args(["-c", script])).code() == 0
}

#[test]
#[ignore = "started by the test above, in a network of its own"]
fn inside_a_network_of_its_own() {
    for way in [Way::Straight, Way::Forwarded] {
        let limit = Rule::on("one", Endpoint::Turn, Action::usage_limit()).skip(2);
        let scenario = if way == Way::Forwarded { two().rule(limit) } else { two() };
        let stage = Genuine::behind_real_names(scenario).expect("looked for outside");

        let turn = Turn::of(&stage, run(&mut stage.exec(way, LOOP)));

        turn.assert_whole();
        assert_came(&stage, Over::Socket);
        assert_eq!(served_by(&stage).len(), if way == Way::Forwarded { 2 } else { 1 });
        assert_clean(&stage);
    }
}
