//! What the user wants of accounts, projects and money: policies, routing profiles, budgets.

pub mod account;
pub mod budget;
pub mod compose;
pub mod edit;
pub mod profile;
