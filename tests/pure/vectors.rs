//! The vectors: inputs and outputs of pure functions, as the reference gave them. Each file is used by the tests of its
//! subject; what has no other place stands here, with the check that none is left out.

use std::fs;
use std::path::{Path, PathBuf};

use codex_multi_auth::base::Moment;
use codex_multi_auth::formats::accounts::Document;
use codex_multi_auth::formats::extension::Extension;
use codex_multi_auth::formats::jwt;

use crate::support::staged::vectors;

#[test]
fn a_row_without_a_record_id_gets_the_one_the_reference_would_give_it() {
    for case in vectors("hashes.json")["recordId"].as_array().unwrap() {
        let pool =
            serde_json::json!({ "version": 3, "accounts": [case["account"]], "activeIndex": 0 }).to_string();

        let document =
            Document::parse(&pool, &Extension::default(), Moment::from_secs(1_790_000_000)).unwrap();

        assert_eq!(document.roster().accounts[0].key.as_str(), case["recordId"], "{case}");
    }
}

#[test]
fn a_token_that_is_none_says_nothing() {
    for case in vectors("hashes.json")["malformedTokens"].as_array().unwrap() {
        let claims = jwt::claims(case["token"].as_str(), None);

        assert_eq!(claims.workspace_id.as_deref(), case["accountId"].as_str(), "{case}");
    }
}

#[test]
fn no_vector_is_left_out() {
    let mut sources = String::new();
    for folder in ["src", "tests"] {
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut sources);
    }
    let used = |name: &str| sources.contains(&format!("\"{name}\""));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/storage/vectors");
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(used(&name), "{name} is used by no test");
    }
    for group in vectors("hashes.json").as_object().unwrap().keys() {
        assert!(used(group), "{group} of hashes.json is used by no test");
    }
}

fn read(folder: &PathBuf, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("fixtures") {
            read(&path, into);
        } else if path.extension().is_some_and(|end| end == "rs") {
            into.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
