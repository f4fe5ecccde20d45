//! Every byte shape that leaves or enters the process.

pub mod affinity;
pub mod client_refresh;
pub mod codex_config;
pub mod control;
pub mod events;
pub mod fake;
pub mod frames;
pub mod headers;
pub mod intake;
pub mod jwt;
pub mod leases;
pub mod ledger;
pub mod lossless;
pub mod oauth_wire;
pub mod observability;
pub mod official_cli;
pub mod openai;
pub mod quota_cache;
pub mod reasoning;
pub mod registry;
pub mod routing_wire;
pub mod scenario;
pub mod settings;
pub mod sse;
pub mod theme;
pub mod usage_wire;
