//! The one table of settings, in five files by what they are about.
//!
//! The order is the order of `config list` and of the panels. Where two keys fill one field, the one that wins
//! stands later.

mod dashboard;
mod display;
mod host;
mod launch;
mod proxy;
mod storage;

use crate::domain::settings::schema::Row;

/// All rows.
pub(super) const TABLES: [&[Row]; 6] =
    [display::ROWS, launch::ROWS, proxy::ROWS, storage::ROWS, dashboard::ROWS, host::ROWS];
