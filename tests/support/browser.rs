//! A browser as far as a sign-in needs one: it is opened with an address, follows one redirect, shows a page.

#![expect(clippy::disallowed_methods, reason = "a test of real processes lives in real time")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::dirs::Home;
use super::process::DEADLINE;

/// The two registered callback ports, for one test of this machine at a time.
pub(crate) struct Ports(#[expect(dead_code, reason = "the lock is the open file")] File);

impl Ports {
    /// Waits for its turn.
    pub(crate) fn take() -> Self {
        let path = std::env::temp_dir().join("codex-multi-auth-callback-ports.lock");
        let file = File::options().create(true).truncate(false).write(true).open(path).expect("writable");
        file.lock().expect("lockable");
        Self(file)
    }
}

/// An answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// `GET`s an address of this machine.
#[track_caller]
pub(crate) fn get(url: &str) -> Answer {
    let rest = url.strip_prefix("http://").expect("loopback");
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).unwrap_or_else(|error| panic!("{host}: {error}"));
    stream.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    write!(stream, "GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("answered");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status");
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// Agrees on the sign-in page; returns the address the browser is sent to.
#[track_caller]
pub(crate) fn agree(authorize_url: &str) -> String {
    let answer = get(authorize_url);
    assert_eq!(answer.status, 302, "{}", answer.body);
    answer.header("location").expect("a redirect").to_owned()
}

/// The value of a parameter of an address, as written.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let query = url.split_once('?')?.1;
    query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")).map(str::to_owned))
}

/// A browser that writes down what it is opened with.
pub(crate) struct Opener(PathBuf);

impl Opener {
    /// Installs it as the system's opener, on a machine with a display.
    pub(crate) fn install(home: &mut Home) -> Self {
        home.set("DISPLAY", ":0");
        let path = home.path().join("opened");
        let script = format!("#!/bin/sh\nprintf '%s' \"$1\" > {0}.part && mv {0}.part {0}\n", path.display());
        home.put_program("xdg-open", &script);
        Self(path)
    }

    /// What it was opened with, if it was.
    pub(crate) fn opened(&self) -> Option<String> {
        std::fs::read_to_string(&self.0).ok()
    }

    /// Forgets that it was opened.
    pub(crate) fn forget(&self) {
        std::fs::remove_file(&self.0).expect("it was opened");
    }

    /// Waits until it is opened.
    #[track_caller]
    pub(crate) fn wait(&self) -> String {
        let begin = Instant::now();
        loop {
            if let Some(url) = self.opened() {
                return url;
            }
            assert!(begin.elapsed() < DEADLINE, "no browser was opened");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}
