//! Every byte shape that leaves or enters the process.
