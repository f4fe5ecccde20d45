use super::*;

const BLOCK: &str = "\n[model_providers.codex-multi-auth-runtime-proxy]\nname = \"codex-multi-auth\"\nbase_url = \"http://127.0.0.1:4455\"\nwire_api = \"responses\"\nrequires_openai_auth = false\nexperimental_bearer_token = \"secret\"\n";

/// A file as the reference leaves it: two keys on top, its table at the end.
fn bound(before: &str) -> String {
    let is_other = |line: &&str| !line.starts_with("model_provider") && !line.starts_with("disable_response");
    let mut text = format!("model_provider = \"{LEGACY_PROVIDER}\"\ndisable_response_storage = false\n");
    for line in before.lines().filter(is_other) {
        text.push_str(line);
        text.push('\n');
    }
    text + BLOCK
}

#[test]
fn a_bind_is_found_wherever_it_stands() {
    let found = find(&bound("model = 'x'\n")).unwrap();
    let only_table = find(BLOCK).unwrap();
    let neither = find("# codex-multi-auth-runtime-proxy\nmodel = 1\n").unwrap();

    assert!(found.active && found.table);
    assert_eq!(found.base_url.as_deref(), Some("http://127.0.0.1:4455"));
    assert!(only_table.is_bound() && !only_table.active);
    assert_eq!(neither, Found::default());
    assert!(find(&format!("{BLOCK}[")).is_err());
}

#[test]
fn the_keys_come_back_from_the_copy_and_the_table_goes() {
    for (name, before, copy, expected) in [
        ("no copy", "model = 'x'\n", None, "model = 'x'\n"),
        ("a copy", "model = 'x'\n", Some("model = 'x'\n"), "model = 'x'\n"),
        (
            "keys of his own",
            "model_provider = 'azure' # mine\ndisable_response_storage = true\nmodel = 'x'\n",
            Some("model_provider = 'azure' # mine\ndisable_response_storage = true\nmodel = 'x'\n"),
            "model_provider = 'azure'\ndisable_response_storage = true\nmodel = 'x'\n",
        ),
        ("a copy of the bound file", "model = 'x'\n", Some(BLOCK), "model = 'x'\n"),
        (
            "edited since",
            "model = 'y'\n[late]\nb = 2\n",
            Some("model = 'x'\n"),
            "model = 'y'\n[late]\nb = 2\n",
        ),
        ("nothing else", "", None, ""),
    ] {
        let fresh = without_bind(&bound(before), copy).unwrap();

        assert_eq!(fresh, expected, "{name}");
    }
}

#[test]
fn a_file_nobody_edited_comes_back_to_the_byte() {
    for before in ["model = 'x'\n\n\n[a]\nb = 1\n\n", "\u{feff}model = 'x'\n", "\n\n# only this\n"] {
        let text = bound(before.trim_start_matches('\u{feff}'));
        let text = if before.starts_with('\u{feff}') { format!("\u{feff}{text}") } else { text };

        assert_eq!(without_bind(&text, Some(before)).unwrap(), before, "{before:?}");
    }
}

#[test]
fn a_table_in_the_middle_leaves_its_neighbours_alone() {
    let text = format!(
        "a = 1 # one\r\n\r\n# of b\r\n[b]\r\nc = '''\n[model_providers.codex-multi-auth-runtime-proxy]\n'''\r\n{}\r\n[model_providers.codex-multi-auth-runtime-proxy.query_params]\r\nx = 'y'\r\n\r\n# of d\r\n[d]",
        BLOCK.replace('\n', "\r\n")
    );

    let fresh = without_bind(&text, None).unwrap();

    assert_eq!(
        fresh,
        "a = 1 # one\r\n\r\n# of b\r\n[b]\r\nc = '''\n[model_providers.codex-multi-auth-runtime-proxy]\n'''\r\n\r\n# of d\r\n[d]"
    );
}

#[test]
fn other_spellings_of_the_table_go_too() {
    for (text, expected) in [
        (
            "[model_providers]\n\"codex-multi-auth-runtime-proxy\" = { name = 'x' }\nmine = { name = 'y' }\n",
            "[model_providers]\nmine = { name = 'y' }\n",
        ),
        ("[model_providers.\"codex-multi-auth-runtime-proxy\"] # theirs\n", ""),
    ] {
        assert_eq!(without_bind(text, None).unwrap(), expected, "{text}");
    }
    let inline = "model_providers = { codex-multi-auth-runtime-proxy = { name = 'x' } }\n";
    assert!(without_bind(inline, None).is_err(), "an inline table is left to the user");
}

#[test]
fn a_value_the_user_changed_since_stays() {
    let text = bound("").replace("disable_response_storage = false", "disable_response_storage = true");

    assert_eq!(without_bind(&text, None).unwrap(), "disable_response_storage = true\n");
}

#[test]
fn trust_in_hooks_of_temporary_homes_goes_and_other_trust_stays() {
    let shadow = "/h/.codex/multi-auth/runtime-shadow-homes/codex-multi-auth-runtime-home-Ab12Cd/hooks.json";
    let text = format!(
        "[hooks.state]\n\n[hooks.state.\"/h/.codex/hooks.json:stop:0:0\"]\ntrusted_hash = \"sha256:1\"\n\n[hooks.state.\"{shadow}:stop:0:0\"]\ntrusted_hash = \"sha256:1\"\n\n[hooks.state.\"{shadow}:start:0:0\"]\ntrusted_hash = \"sha256:2\"\n\n[z]\n"
    );

    let fresh = without_hooks(&text).unwrap();

    assert_eq!(find(&text).unwrap().hooks, 2);
    assert_eq!(
        fresh,
        "[hooks.state]\n\n[hooks.state.\"/h/.codex/hooks.json:stop:0:0\"]\ntrusted_hash = \"sha256:1\"\n\n[z]\n"
    );
}
