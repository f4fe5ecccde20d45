//! Every path under the roots.
