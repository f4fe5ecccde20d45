//! Pure rules; every function takes time and randomness as arguments.

pub mod account;
pub mod attempts;
pub mod briefing;
pub mod change;
pub mod endpoints;
pub mod facts;
pub mod failure;
pub mod gates;
pub mod health;
pub mod identity;
pub mod label;
pub mod launch;
pub mod model;
pub mod places;
pub mod pool;
pub mod presence;
pub mod problem;
pub mod quota;
pub mod recovery;
pub mod refresh;
pub mod roster;
pub mod selection;
pub mod settings;
pub mod token;
pub mod usage;
pub mod workspace;
