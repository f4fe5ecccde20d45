//! The model as a terminal frame.
