//! The real binaries: headless commands, terminal sessions, signals, two processes at once.

mod acceptance;
mod arguments;
mod canary;
mod chaos;
mod checkup;
mod config;
mod crash;
mod decisions;
mod demo;
mod endure;
mod feed;
mod forward;
mod found;
mod harness;
mod headless;
mod history;
mod login;
mod logs;
mod outlook;
mod real;
mod refresh;
mod shared;
mod terminal;
mod together;
mod usage;
mod vault;
